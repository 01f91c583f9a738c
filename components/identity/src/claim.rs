//! What a request claims with its headers. No I/O.

use hedgeschool_credentials::{Credentials, SESSION_COOKIE, find_cookie};
use hedgeschool_web::identity::Presented;

/// A claim to be somebody, which is still to be judged.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// A client's key and secret, or a person's name and password.
    Basic {
        /// Key or name.
        name: String,
        /// Secret or password.
        secret: String,
    },
    /// A launched unit's bearer, or a node's token.
    Token(String),
    /// The session of a browser.
    Session(String),
}

/// What a request claims; None: nothing that is known here. A header that is there and wrong is
/// not made good by a cookie: browsers add those by themselves.
pub fn read_claim(presented: &Presented) -> Option<Claim> {
    match (&presented.authorization, &presented.cookie) {
        (Some(value), _) => Credentials::parse(value).map(|credentials| match credentials {
            Credentials::Basic { name, secret } => Claim::Basic { name, secret },
            Credentials::Bearer(token) => Claim::Token(token),
        }),
        (None, Some(cookies)) => {
            find_cookie(cookies, SESSION_COOKIE).map(|text| Claim::Session(text.to_owned()))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(authorization: Option<&str>, cookie: Option<&str>) -> Option<Claim> {
        let text = |text: &str| text.to_owned();
        read_claim(&Presented { authorization: authorization.map(text), cookie: cookie.map(text) })
    }

    #[test]
    fn each_kind_of_claim_is_known() {
        let basic = Claim::Basic { name: "key".into(), secret: "se:cret".into() };
        assert_eq!(read(Some("Basic a2V5OnNlOmNyZXQ="), None), Some(basic));
        assert_eq!(read(Some("Bearer abc"), None), Some(Claim::Token("abc".into())));
        // As cmi5 units send theirs.
        assert_eq!(read(Some("Basic abc"), None), Some(Claim::Token("abc".into())));
        let cookies = "a=1; hedgeschool_session=s.t";
        assert_eq!(read(None, Some(cookies)), Some(Claim::Session("s.t".into())));
        assert_eq!(read(None, Some("a=1")), None);
        assert_eq!(read(None, None), None);
    }

    #[test]
    fn of_two_sessions_none_counts() {
        let cookies = "hedgeschool_session=a; hedgeschool_session=b";
        assert_eq!(read(None, Some(cookies)), None);
    }

    proptest! {
        /// Whatever the header says, a cookie beside it changes nothing.
        #[test]
        fn a_header_is_judged_alone(
            header in "(Basic|Bearer|Digest)? ?.{0,20}", value in "[a-z]{1,9}",
        ) {
            let cookies = format!("{SESSION_COOKIE}={value}");
            prop_assert_eq!(read(Some(&header), Some(&cookies)), read(Some(&header), None));
        }
    }
}
