//! Content codings: which packed form of a reply a client takes (RFC 9110, 12.5.3).

use http::HeaderMap;

/// How bytes are packed on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The smaller one. Browsers take it only by TLS and from their own machine.
    Brotli,
    /// The one that browsers take everywhere, so by plain HTTP in a classroom too.
    Gzip,
}

impl Coding {
    /// Every one, the smallest first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn is_called(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Self::Brotli => &["br"],
            // RFC 9110, 8.4.1.3.
            Self::Gzip => &["gzip", "x-gzip"],
        };
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// What a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The codings it takes at least as gladly as none, best first.
    pub codings: [Option<Coding>; 2],
    /// It says that it does not take what has no coding.
    pub is_plain_refused: bool,
}

impl Accepted {
    /// Reads `Accept-Encoding`. Without it, only what has no coding is taken for granted: who sends
    /// none rarely unpacks anything. A weight that is none stands for 0.
    pub fn of(headers: &HeaderMap) -> Self {
        let weight_of = |is_it: &dyn Fn(&str) -> bool| {
            let values = headers.get_all("accept-encoding").iter();
            let mut listed = values.filter_map(|value| value.to_str().ok()).flat_map(list_members);
            listed.find(|(name, _)| is_it(name)).map(|(_, weight)| weight)
        };
        let any = weight_of(&|name| name == "*");
        let plain = weight_of(&|name| name.eq_ignore_ascii_case("identity"));
        // What is not named is taken, but less gladly than anything that is.
        let least = plain.unwrap_or(if any == Some(0) { 0 } else { 1 });
        let [first, second] = Coding::ALL.map(|coding| {
            let weight = weight_of(&|name| coding.is_called(name)).or(any).unwrap_or(0);
            (coding, weight, (weight > 0 && weight >= least).then_some(coding))
        });
        let codings = if second.1 > first.1 { [second.2, first.2] } else { [first.2, second.2] };
        Self { codings, is_plain_refused: least == 0 }
    }

    /// Whether this one is taken.
    pub fn takes(&self, coding: Coding) -> bool {
        self.codings.contains(&Some(coding))
    }
}

/// The members of a list, each with its weight in thousandths.
fn list_members(list: &str) -> impl Iterator<Item = (&str, u16)> {
    list.split(',').map(|member| {
        let (name, parameters) = member.split_once(';').unwrap_or((member, ""));
        let weight = parameters.split(';').find_map(|parameter| {
            let (name, weight) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| parse_weight(weight.trim()))
        });
        (name.trim(), weight.unwrap_or(1_000))
    })
}

/// A weight (RFC 9110, 12.4.2): 0 to 1, with three digits after the point at most.
fn parse_weight(weight: &str) -> u16 {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let is_digits = rest.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if rest.bytes().all(|byte| byte == b'0') => 1_000,
        "0" if is_digits && rest.len() <= 3 => format!("{rest:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Coding::{Brotli, Gzip};
    use super::*;
    use crate::HeaderValue;

    fn accepted(values: &[&str]) -> Accepted {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("accept-encoding", HeaderValue::from_str(value).unwrap());
        }
        Accepted::of(&headers)
    }

    fn codings(value: &str) -> Vec<Coding> {
        accepted(&[value]).codings.into_iter().flatten().collect()
    }

    #[test]
    fn the_smallest_that_is_taken_comes_first() {
        assert_eq!(codings("gzip, deflate, br, zstd"), [Brotli, Gzip]);
        assert_eq!(codings("gzip, deflate"), [Gzip]);
        assert_eq!(codings("X-GZIP ; q = 1.000"), [Gzip]);
        assert_eq!(codings("*"), [Brotli, Gzip]);
        assert_eq!(codings("deflate, zstd"), []);
        assert_eq!(codings(""), []);
        assert_eq!(Accepted::of(&HeaderMap::new()), Accepted::default());
        assert_eq!(accepted(&["gzip", "br"]).codings, [Some(Brotli), Some(Gzip)]);
    }

    #[test]
    fn weights_count() {
        assert_eq!(codings("br;q=0.5, gzip;q=0.9"), [Gzip, Brotli]);
        assert_eq!(codings("br;q=0, gzip;q=0.001"), [Gzip]);
        assert_eq!(codings("br;q=0, *"), [Gzip]);
        assert_eq!(codings("gzip;q=0.2, *;q=0.4"), [Brotli, Gzip]);
        assert_eq!(codings("*;q=0"), []);
        assert_eq!(codings("br;q=0.0000, gzip;q=2, *;q=x"), []);
    }

    #[test]
    fn what_has_no_coding_may_be_liked_better_or_refused() {
        assert_eq!(codings("identity, br"), [Brotli]);
        assert_eq!(codings("identity, br;q=0.9"), []);
        // As browsers ask for films.
        assert_eq!(codings("identity;q=1, *;q=0"), []);
        for refused in ["identity;q=0, gzip", "gzip, *;q=0"] {
            let accepted = accepted(&[refused]);
            assert!(accepted.is_plain_refused && accepted.takes(Gzip), "{refused}");
        }
        assert!(!accepted(&["gzip, br;q=0"]).is_plain_refused);
        assert!(!accepted(&["*;q=0, identity;q=0.1"]).is_plain_refused);
    }
}
