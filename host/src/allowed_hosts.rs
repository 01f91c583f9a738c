//! Where a component may connect to: `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. Scheme, host and port may each be `*`; the host may also be
//! `*.domain` or `self`, the port a range `from..until`. Without a port the scheme's own is meant.

use anyhow::{Context, Result, bail, ensure};

/// The domain under which components reach each other in memory.
pub const SERVICE_DOMAIN: &str = ".spin.internal";

/// The allow list of one component. Empty: nothing is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedEntry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowedEntry {
    /// `None` for any.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// With its leading dot.
    Subdomain(String),
    /// The application itself: requests without an authority, or to `self`.
    Own,
    Exact(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PortPattern {
    Any,
    /// First and last, both included.
    Range(u16, u16),
}

impl AllowedHosts {
    /// Reads the entries, templates already rendered. An entry that rendered to nothing is left
    /// out, so that a variable can switch an optional endpoint off.
    ///
    /// # Errors
    /// For malformed entries, quoting them.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let entries = entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty());
        let parse = |entry: &str| AllowedEntry::parse(entry).with_context(|| format!("{entry:?}"));
        Ok(Self(entries.map(parse).collect::<Result<_>>()?))
    }

    /// Whether a connection is allowed. `port` is `None` for the scheme's own.
    pub fn allows_connection(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let host = normal_host(host);
        let port = port.or_else(|| default_port(scheme));
        self.0.iter().any(|entry| entry.matches_target(scheme, &host, port))
    }

    /// Whether requests to the application itself are allowed.
    pub fn allows_own(&self, scheme: &str) -> bool {
        let own = |entry: &AllowedEntry| {
            entry.allows_scheme(scheme) && matches!(entry.host, HostPattern::Own | HostPattern::Any)
        };
        self.0.iter().any(own)
    }
}

impl AllowedEntry {
    fn parse(entry: &str) -> Result<Self> {
        let Some((scheme, rest)) = entry.split_once("://") else {
            bail!("expected scheme://host[:port], for example https://example.com");
        };
        ensure!(
            scheme == "*"
                || (!scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic())),
            "the scheme is letters, or * for any"
        );
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(!rest.contains('/'), "an entry has no path");
        let (host, port) = split_port(rest);
        let port = match (port, default_port(scheme)) {
            (Some(port), _) => PortPattern::parse(port)?,
            (None, Some(port)) => PortPattern::Range(port, port),
            (None, None) => bail!("give a port: {scheme:?} has none of its own"),
        };
        let scheme = (scheme != "*").then(|| scheme.to_ascii_lowercase());
        Ok(Self { scheme, host: HostPattern::parse(host)?, port })
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(scheme))
    }

    fn matches_target(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let port_allowed = match (&self.port, port) {
            (PortPattern::Any, _) => true,
            (PortPattern::Range(first, last), Some(port)) => (*first..=*last).contains(&port),
            (PortPattern::Range(..), None) => false,
        };
        let host_allowed = match &self.host {
            HostPattern::Any => true,
            HostPattern::Subdomain(suffix) => host.ends_with(suffix.as_str()),
            HostPattern::Own => false,
            HostPattern::Exact(own) => own == host,
        };
        self.allows_scheme(scheme) && port_allowed && host_allowed
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self> {
        match host {
            "" => bail!("the host is missing"),
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Own),
            _ => {}
        }
        let (wildcard, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        ensure!(!name.contains('*'), "* stands for a whole host or for what precedes a domain");
        ensure!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c)),
            "the host has a character no host has"
        );
        let name = normal_host(name);
        Ok(if wildcard { Self::Subdomain(format!(".{name}")) } else { Self::Exact(name) })
    }
}

impl PortPattern {
    fn parse(port: &str) -> Result<Self> {
        if port == "*" {
            return Ok(Self::Any);
        }
        let number = |text: &str| {
            text.parse::<u16>().with_context(|| format!("port {text:?} is no port number"))
        };
        let (first, last) = match port.split_once("..") {
            // The end of a range is not part of it, as in Spin.
            Some((first, end)) => (number(first)?, number(end)?.saturating_sub(1)),
            None => (number(port)?, number(port)?),
        };
        ensure!(first <= last, "port range {port:?} is empty");
        Ok(Self::Range(first, last))
    }
}

/// Splits `host:port`, leaving the colons of a bracketed IPv6 address alone.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, (!port.is_empty()).then_some(port)),
        _ => (authority, None),
    }
}

fn normal_host(host: &str) -> String {
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "mqtt" => Some(1883),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches_target(entry: &str, scheme: &str, host: &str, port: Option<u16>) -> bool {
        AllowedHosts::parse([entry]).unwrap().allows_connection(scheme, host, port)
    }

    #[test]
    fn an_entry_allows_itself_and_nothing_beside_it() {
        assert!(matches_target("http://example.com", "http", "example.com", None));
        assert!(matches_target("http://example.com/", "http", "EXAMPLE.com", Some(80)));
        assert!(!matches_target("http://example.com", "https", "example.com", None));
        assert!(!matches_target("http://example.com", "http", "example.com", Some(8080)));
        assert!(!matches_target("http://example.com", "http", "a.example.com", None));
        assert!(matches_target("redis://127.0.0.1", "redis", "127.0.0.1", Some(6379)));
        assert!(matches_target("http://[::1]:3000", "http", "[::1]", Some(3000)));
    }

    #[test]
    fn wildcards_stand_for_one_part_each() {
        assert!(matches_target("*://*:*", "redis", "anything", Some(1)));
        assert!(matches_target("https://*", "https", "a.b", None));
        assert!(!matches_target("https://*", "https", "a.b", Some(444)));
        assert!(matches_target("http://*.example.com", "http", "a.b.example.com", None));
        assert!(!matches_target("http://*.example.com", "http", "example.com", None));
        assert!(!matches_target("http://*.example.com", "http", "badexample.com", None));
        assert!(matches_target("http://*.spin.internal", "http", "identity.spin.internal", None));
        assert!(matches_target("http://x:8000..8002", "http", "x", Some(8001)));
        assert!(!matches_target("http://x:8000..8002", "http", "x", Some(8002)));
    }

    #[test]
    fn the_application_itself_is_a_destination_of_its_own() {
        let hosts = AllowedHosts::parse(["http://self"]).unwrap();
        assert!(hosts.allows_own("http") && !hosts.allows_own("https"));
        assert!(!hosts.allows_connection("http", "self", None));
        assert!(!AllowedHosts::default().allows_own("http"));
    }

    #[test]
    fn an_entry_that_rendered_to_nothing_is_left_out() {
        assert_eq!(AllowedHosts::parse([""]).unwrap(), AllowedHosts::default());
    }

    #[test]
    fn malformed_entries_are_refused() {
        let cases = [
            "*",
            "example.com",
            "http://",
            "http://a/b",
            "http://a.*",
            "http://a:port",
            "ftp://a",
            "http://a b",
            "h t://a",
            "http://a:9..9",
            "http://10.0.0.0/8",
        ];
        for entry in cases {
            assert!(AllowedHosts::parse([entry]).is_err(), "{entry}");
        }
    }
}
