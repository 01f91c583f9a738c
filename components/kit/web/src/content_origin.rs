//! Where course content runs: on an origin of its own, if the node has one (ADR 20).

use crate::client::is_https;
use crate::origin::asked_host;
use crate::{Problem, Request, settings};

const VARIABLE: &str = "content_origin";
/// Instead of a host's first label: one for each course.
const EACH_COURSE: &str = "*.";

/// What the variable `content_origin` says. The portal answers nothing there, and content nothing
/// but there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentOrigin {
    /// Empty: there is none. Content runs on the portal's, in a sandbox.
    Shared,
    /// `:3001`: whatever host a request is made to, at this port.
    Port(u16),
    /// `https://content.example.org`.
    Url {
        /// `http` or `https`.
        scheme: String,
        /// Host and, unless it is the scheme's own, port.
        authority: String,
        /// `https://*.content.example.org`: each course has a host below it.
        is_per_course: bool,
    },
}

impl ContentOrigin {
    /// What the operator has set.
    ///
    /// # Errors
    /// 500 if the variable is not legible.
    pub async fn configured() -> Result<Self, Problem> {
        let text = settings::text(VARIABLE).await?;
        let wrong = || {
            let rule = "https://content.example.org, https://*.content.example.org or :3001";
            Problem::internal(format!("variable {VARIABLE}: {text:?} is none of {rule}"))
        };
        Self::parse(&text).ok_or_else(wrong)
    }

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Shared);
        }
        if let Some(port) = text.strip_prefix(':') {
            return port.parse().ok().map(Self::Port);
        }
        let text = text.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://")?;
        let own = authority.strip_prefix(EACH_COURSE);
        let host = own.unwrap_or(authority);
        let is_host = !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' ']);
        let is_known = matches!(scheme, "http" | "https");
        (is_host && is_known).then(|| Self::Url {
            scheme: scheme.to_owned(),
            authority: strip_default_port(host, scheme == "https").to_owned(),
            is_per_course: own.is_some(),
        })
    }

    /// Whether a request was made to it.
    ///
    /// # Errors
    /// 500 if it cannot be told which proxies are trusted.
    pub async fn is_of(&self, request: &Request) -> Result<bool, Problem> {
        let is_https = is_https(request.headers()).await?;
        let host = asked_host(request).map(str::to_ascii_lowercase);
        Ok(host.is_some_and(|host| self.has_authority(&host, is_https)))
    }

    /// Whether it was made to where the content of the course with this key runs: of hosts for each
    /// course, a course has its own alone.
    ///
    /// # Errors
    /// 500 if it cannot be told which proxies are trusted.
    pub async fn is_of_course(&self, request: &Request, key: &str) -> Result<bool, Problem> {
        let is_own = asked_host(request).is_some_and(|host| self.is_own(host, key));
        Ok(is_own && self.is_of(request).await?)
    }

    fn is_own(&self, asked: &str, key: &str) -> bool {
        let label = asked.split('.').next().unwrap_or_default();
        !matches!(self, Self::Url { is_per_course: true, .. }) || label.eq_ignore_ascii_case(key)
    }

    fn has_authority(&self, asked: &str, is_https: bool) -> bool {
        match self {
            Self::Shared => false,
            Self::Port(port) => {
                let (_, written) = split_port(asked);
                written.unwrap_or(if is_https { 443 } else { 80 }) == *port
            }
            Self::Url { scheme, authority, is_per_course } => {
                let asked = strip_default_port(asked, scheme == "https");
                match asked.split_once('.') {
                    Some((course, rest)) if *is_per_course => {
                        !course.is_empty() && rest == authority
                    }
                    _ => !is_per_course && asked == authority,
                }
            }
        }
    }

    /// Where the content of the course with this key runs, for somebody who reaches the portal at
    /// `base`. None: on the portal's origin.
    pub fn of_course(&self, base: &str, key: &str) -> Option<String> {
        match self {
            Self::Shared => None,
            Self::Port(port) => {
                let (scheme, asked) = base.split_once("://")?;
                let authority = format!("{}:{port}", split_port(asked).0);
                Some(format!("{scheme}://{}", strip_default_port(&authority, scheme == "https")))
            }
            Self::Url { scheme, authority, is_per_course: true } => {
                Some(format!("{scheme}://{key}.{authority}"))
            }
            Self::Url { scheme, authority, .. } => Some(format!("{scheme}://{authority}")),
        }
    }
}

/// Refuses what was sent to the content's origin: nothing but content is there.
///
/// # Errors
/// 404 if it was sent there; 500 if the variable is not legible.
pub async fn refuse_there(request: &Request) -> Result<(), Problem> {
    match ContentOrigin::configured().await?.is_of(request).await? {
        true => Err(Problem::not_found("there are only course files at this address")),
        false => Ok(()),
    }
}

/// Host and port of an authority; `[::1]` is a host.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}

/// An authority without the port that goes without saying.
fn strip_default_port(authority: &str, is_https: bool) -> &str {
    let port = if is_https { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> ContentOrigin {
        ContentOrigin::parse(text).unwrap()
    }

    #[test]
    fn a_port_is_of_any_host() {
        let origin = origin(":3001");
        let base = |base: &str| origin.of_course(base, "k").unwrap();
        assert_eq!(base("http://127.0.0.1:3000"), "http://127.0.0.1:3001");
        assert_eq!(base("http://school.local"), "http://school.local:3001");
        assert_eq!(base("http://[::1]:3000"), "http://[::1]:3001");
        let plain = ContentOrigin::Port(80).of_course("http://n:3000", "k");
        assert_eq!(plain.as_deref(), Some("http://n"));
        assert!(
            origin.has_authority("school.local:3001", false)
                && origin.has_authority("[::1]:3001", false)
        );
        assert!(
            !origin.has_authority("school.local:3000", false)
                && !origin.has_authority("[::1]", false)
        );
        assert!(!origin.has_authority("identity.spin.internal", false));
    }

    #[test]
    fn a_url_is_one_place() {
        let origin = origin("https://Content.example.org:443/");
        let of = origin.of_course("https://example.org", "k");
        assert_eq!(of.as_deref(), Some("https://content.example.org"));
        assert!(origin.has_authority("content.example.org", true));
        assert!(origin.has_authority("content.example.org:443", true));
        assert!(
            !origin.has_authority("example.org", true)
                && !origin.has_authority("x.content.example.org", true)
        );
    }

    #[test]
    fn each_course_may_have_a_host() {
        let origin = origin("http://*.localhost:3000");
        let of = origin.of_course("http://localhost:3000", "0123");
        assert_eq!(of.as_deref(), Some("http://0123.localhost:3000"));
        assert!(origin.has_authority("0123.localhost:3000", false));
        assert!(
            !origin.has_authority("localhost:3000", false)
                && !origin.has_authority("a.b.localhost:3000", false)
        );
        assert!(origin.is_own("0123.localhost:3000", "0123"));
        assert!(!origin.is_own("4567.localhost:3000", "0123"));
    }

    #[test]
    fn without_one_everything_is_the_portals() {
        assert_eq!(origin("").of_course("http://n:3000", "k"), None);
        assert!(!origin("").has_authority("n:3000", false));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in ["content.example.org", "ftp://n", "http://", ":x", ":70000", "http://a/b"] {
            assert_eq!(ContentOrigin::parse(wrong), None, "{wrong}");
        }
        assert_eq!(ContentOrigin::parse("http://a.*.b"), None);
    }
}
