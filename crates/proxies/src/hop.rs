//! What the headers say, hop by hop.

use std::net::{IpAddr, SocketAddr};

/// What a request's headers say of whom it was passed on for: the values of each, in order.
#[derive(Clone, Debug, Default)]
pub struct Forwarding<'a> {
    /// `X-Forwarded-For`: addresses; each proxy adds who asked it.
    pub x_forwarded_for: Vec<&'a str>,
    /// `X-Forwarded-Proto`: `http` or `https`; some proxies add theirs, most put it in place.
    pub x_forwarded_proto: Vec<&'a str>,
    /// `Forwarded` (RFC 7239): both.
    pub forwarded: Vec<&'a str>,
}

/// What one proxy says of who asked it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hop {
    /// The address of who asked. None: it does not tell, or nothing legible.
    pub address: Option<IpAddr>,
    /// Whether that one spoke TLS. None: it does not tell.
    pub is_https: Option<bool>,
}

impl Forwarding<'_> {
    /// Whether the headers say nothing.
    pub fn is_empty(&self) -> bool {
        self.x_forwarded_for.is_empty()
            && self.x_forwarded_proto.is_empty()
            && self.forwarded.is_empty()
    }

    /// What was said, by the proxy next to the node first; at most `most` hops.
    ///
    /// `Forwarded` counts only where there is none of the others: a proxy that knows the others
    /// alone passes on whatever a client has written there.
    pub(crate) fn hops(&self, most: usize) -> Vec<Hop> {
        if self.x_forwarded_for.is_empty() && self.x_forwarded_proto.is_empty() {
            return read_forwarded(&self.forwarded, most);
        }
        let addresses = last_members(&self.x_forwarded_for, most);
        let schemes = last_members(&self.x_forwarded_proto, most);
        let hop = |index: usize| {
            // Where there are fewer, the outermost was passed on.
            let scheme = schemes.get(index).or(schemes.last());
            Hop {
                address: addresses.get(index).and_then(|text| read_address(text)),
                is_https: scheme.map(|text| is_https(text)),
            }
        };
        (0..addresses.len().max(schemes.len())).map(hop).collect()
    }
}

/// The members of a list that is in several headers, the last one first; at most `most`.
fn last_members<'a>(values: &[&'a str], most: usize) -> Vec<&'a str> {
    let members = values.iter().rev().flat_map(|value| value.rsplit(',').map(str::trim));
    members.filter(|member| !member.is_empty()).take(most).collect()
}

fn read_forwarded(values: &[&str], most: usize) -> Vec<Hop> {
    let elements = values.iter().rev().flat_map(|value| {
        let elements = split_unquoted(value, ',');
        elements.into_iter().rev()
    });
    let elements = elements.filter(|element| !element.trim().is_empty());
    elements.take(most).map(read_element).collect()
}

/// An element of `Forwarded`: pairs such as `for="[2001:db8::1]:4711"`.
fn read_element(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split_unquoted(element, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = read_address(value),
            "proto" => hop.is_https = Some(is_https(value)),
            _ => {}
        }
    }
    hop
}

/// The parts of a text between separators, of which quoted ones are none.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(|c: char| {
        let is_separator = c == separator && !is_quoted;
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = c == '\\' && is_quoted && !is_escaped;
        is_separator
    })
    .collect()
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https")
}

/// An address as proxies write it: with a port or without, an IPv6 one in brackets or not.
pub(crate) fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse().ok();
    let address = alone.or_else(|| text.parse().ok().map(|it: SocketAddr| it.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for text in ["192.0.2.1", "192.0.2.1:5", "[::ffff:192.0.2.1]", "::ffff:192.0.2.1"] {
            assert_eq!(read_address(text), address("192.0.2.1"), "{text}");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5"] {
            assert_eq!(read_address(text), address("2001:db8::1"), "{text}");
        }
        for text in ["", "unknown", "_hidden", "192.0.2", "[192.0.2.1", "192.0.2.1, 192.0.2.2"] {
            assert_eq!(read_address(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_who_spoke_is_first() {
        let said = Forwarding {
            x_forwarded_for: vec!["192.0.2.1, 192.0.2.2", "192.0.2.3"],
            x_forwarded_proto: vec!["https,http"],
            ..Forwarding::default()
        };
        let hop = |text, is_https| Hop { address: address(text), is_https: Some(is_https) };
        let expected = [hop("192.0.2.3", false), hop("192.0.2.2", true), hop("192.0.2.1", true)];
        assert_eq!(said.hops(9), expected);
        assert_eq!(said.hops(1), expected[..1]);
    }

    #[test]
    fn forwarded_is_read_with_its_quotes() {
        let said = Forwarding {
            forwarded: vec![
                r#"for=192.0.2.1;proto=https;by="a,b;c""#,
                r#"Proto=http; For="[2001:db8::1]:47", for="_x\",y";host=h"#,
            ],
            ..Forwarding::default()
        };
        let expected = [
            Hop::default(),
            Hop { address: address("2001:db8::1"), is_https: Some(false) },
            Hop { address: address("192.0.2.1"), is_https: Some(true) },
        ];
        assert_eq!(said.hops(9), expected);
    }

    #[test]
    fn of_two_kinds_of_headers_one_counts() {
        let said = Forwarding {
            x_forwarded_proto: vec!["http"],
            forwarded: vec!["for=192.0.2.1;proto=https"],
            ..Forwarding::default()
        };
        assert_eq!(said.hops(9), [Hop { address: None, is_https: Some(false) }]);
    }

    proptest! {
        #[test]
        fn no_text_is_trouble_and_no_list_too_long(
            texts in prop::collection::vec(".{0,60}", 0..4),
        ) {
            let values: Vec<_> = texts.iter().map(String::as_str).collect();
            let said = |of_x: &[&'static str]| Forwarding {
                x_forwarded_for: if of_x.is_empty() { Vec::new() } else { values.clone() },
                x_forwarded_proto: of_x.to_vec(),
                forwarded: values.clone(),
            };
            prop_assert!(said(&[]).hops(3).len() <= 3);
            prop_assert!(said(&["https"]).hops(3).len() <= 3);
        }
    }
}
