//! The `Authorization` and `Cookie` request headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What an `Authorization` header presents.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// RFC 7617: a name and a secret.
    Basic {
        /// User name or key, up to the first colon.
        name: String,
        /// Password or secret; may hold colons.
        secret: String,
    },
    /// A token: RFC 6750 `Bearer`, or the opaque value cmi5 sends as `Basic` (cmi5, 8.2.2).
    Bearer(String),
}

impl Credentials {
    /// Reads the header's value. None: a scheme or form that is not known here.
    ///
    /// A cmi5 auth token stands behind `Basic` and need not decode to `name:secret`; it is then a
    /// token.
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        let rest = rest.trim();
        if rest.is_empty() {
            return None;
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        Some(parse_basic(rest).unwrap_or_else(|| Self::Bearer(rest.to_owned())))
    }
}

fn parse_basic(encoded: &str) -> Option<Credentials> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    Some(Credentials::Basic { name: name.to_owned(), secret: secret.to_owned() })
}

/// The value of a cookie in a `Cookie` header (RFC 6265, 4.2.1). None if there are several of the
/// name: cookies know no ports, so another server of the same host may have set one of them, and
/// nothing tells which.
pub fn find_cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_keeps_colons_in_the_secret() {
        let parsed = Credentials::parse("Basic a2V5OnNlOmNyZXQ=");
        let expected = Credentials::Basic { name: "key".into(), secret: "se:cret".into() };
        assert!(parsed == Some(expected));
    }

    #[test]
    fn a_token_behind_basic_is_a_token() {
        assert!(Credentials::parse("basic abc-_x") == Some(Credentials::Bearer("abc-_x".into())));
        assert!(Credentials::parse("Bearer abc") == Some(Credentials::Bearer("abc".into())));
    }

    #[test]
    fn other_schemes_and_empty_values_are_refused() {
        assert!(Credentials::parse("Digest abc").is_none());
        assert!(Credentials::parse("Basic ").is_none());
        assert!(Credentials::parse("").is_none());
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        assert_eq!(find_cookie("xa=1; a=2;b=3", "a"), Some("2"));
        assert_eq!(find_cookie("xa=1", "a"), None);
    }

    #[test]
    fn of_two_cookies_with_one_name_none_counts() {
        assert_eq!(find_cookie("a=1; b=2; a=3", "a"), None);
        assert_eq!(find_cookie("a=1; b=2; a=3", "b"), Some("2"));
    }
}
