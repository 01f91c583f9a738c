//! The identifiers and the address of a launch (8.1).
//!
//! Identifiers are derived, not drawn: a learner who moves to another node, or whose record
//! arrives there later, keeps the registration, and statements of all nodes speak of the same
//! activity. Both are version 5 UUIDs (RFC 9562, 5.5) in a namespace of this project.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use uuid::Uuid;

/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_1f0e_52a4_4e0c_9d53_7c2f_3d0a_6e11);

/// The state of a learner in a course as a whole that names the version they began: JSON with the
/// hash of its `package`. Who is under way finishes that one.
pub const VERSION_STATE: &str = "hedgeschool.version";

/// The parameters of a launch address, in the order of [`Launch::launch_url`].
pub const PARAMETERS: [&str; 5] = ["endpoint", "fetch", "actor", "registration", "activityId"];

/// The activity IRI under which statements speak of a unit, a block or the course itself:
/// `urn:uuid:…`.
///
/// The LMS generates it, it is not the publisher's id, and it is the same at every launch (8.1.5).
pub fn activity_id(course: &str, part: &str) -> String {
    derive_uuid("activity", &[course, part]).urn().to_string()
}

/// The activity IRI under which statements speak of a course as a whole: that of no part of it.
pub fn course_activity_id(course: &str) -> String {
    derive_uuid("course", &[course]).urn().to_string()
}

/// The registration of a learner in a course (8.1.4), a lower-case UUID.
///
/// `learner` is the agent's identifier, such as `account:https://example.org|ada`; there is one
/// registration a learner and course.
pub fn registration_id(learner: &str, course: &str) -> String {
    derive_uuid("registration", &[learner, course]).to_string()
}

/// A UUID of some texts. A unit separator, which is in none of them, keeps `a b` + `c` from `a` +
/// `b c`.
fn derive_uuid(kind: &str, parts: &[&str]) -> Uuid {
    let name = [&[kind], parts].concat().join("\u{1f}");
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// What the launch address tells a unit (8.1.1 to 8.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch<'a> {
    /// Absolute URL of the xAPI resources, with `/` at its end.
    pub endpoint: &'a str,
    /// Absolute URL at which the unit redeems its authorization token, once.
    pub fetch: &'a str,
    /// The learner, an xAPI agent with an account, as JSON.
    pub actor: &'a str,
    /// Registration UUID.
    pub registration: &'a str,
    /// Activity IRI of the unit.
    pub activity: &'a str,
}

impl Launch<'_> {
    /// The address of a unit with the launch's parameters; what query and fragment it has stay.
    pub fn launch_url(&self, unit: &str) -> String {
        let (address, fragment) = match unit.split_once('#') {
            Some((address, fragment)) => (address, format!("#{fragment}")),
            None => (unit, String::new()),
        };
        let separator = if address.contains('?') { '&' } else { '?' };
        let values = [self.endpoint, self.fetch, self.actor, self.registration, self.activity];
        let parameters = PARAMETERS.iter().zip(values);
        let parameters = parameters.map(|(name, value)| format!("{name}={}", encode_value(value)));
        let query = parameters.collect::<Vec<_>>().join("&");
        format!("{address}{separator}{query}{fragment}")
    }
}

/// Percent-encoded throughout: units that know no `+` for a space read it too.
fn encode_value(value: &str) -> String {
    percent_encode(value.as_bytes(), NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_the_same_everywhere_and_differ_by_every_part() {
        let activity = activity_id("https://example.org/c", "https://example.org/u");
        assert_eq!(activity, "urn:uuid:91e6cc51-03f9-5720-8d74-a722c2980799");
        let registration_ada =
            registration_id("account:https://example.org|ada", "https://example.org/c");
        assert_eq!(registration_ada, "956e01fe-5807-510e-932c-4136ae2a7bcf");
        assert_ne!(activity_id("a b", "c"), activity_id("a", "b c"));
        assert_ne!(registration_id("a", "b"), activity_id("a", "b").replace("urn:uuid:", ""));
    }

    #[test]
    fn a_launch_address_keeps_query_and_fragment() {
        let launch = Launch {
            endpoint: "https://n/xapi/",
            fetch: "https://n/auth/fetch?token=t",
            actor: r#"{"name":"A b"}"#,
            registration: "r",
            activity: "urn:uuid:1",
        };
        let url = launch.launch_url("unit/a.html?x=1#top");
        assert!(
            url.starts_with("unit/a.html?x=1&endpoint=https%3A%2F%2Fn%2Fxapi%2F&fetch="),
            "{url}"
        );
        assert!(url.contains("token%3Dt&actor=%7B%22name%22%3A%22A%20b%22%7D&"), "{url}");
        assert!(url.ends_with("&registration=r&activityId=urn%3Auuid%3A1#top"), "{url}");
        assert!(launch.launch_url("a.html").starts_with("a.html?endpoint="));
    }
}
