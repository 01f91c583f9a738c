//! Values of the app's variables, before a node is started with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hedgeschool_proxies::TrustedProxies;
use http::Uri;

use crate::{Check, Finding};

/// The name of a node that nobody has given one.
const NODE_ID_UNSET: &str = "node";
const NODE_ID_CHARACTERS_MAX: usize = 64;
/// Fewest characters of a password.
const PASSWORD_CHARACTERS_MIN: usize = 8;

/// Variables by name, as the node would get them.
#[derive(Debug, Default)]
pub struct Settings(pub BTreeMap<String, String>);

impl Settings {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// Judges them. `is_new`: there is no database with people in it yet.
    pub fn judge(&self, is_new: bool) -> Vec<Finding> {
        let found = [
            self.judge_node_id(),
            self.judge_upstream_url(),
            self.judge_upstream_token(),
            self.judge_first_administrator(is_new),
            self.judge_nodes_below(),
            self.judge_redis_url(),
            self.judge_trusted_proxies(),
        ];
        found.into_iter().flatten().collect()
    }

    fn judge_node_id(&self) -> Option<Finding> {
        // An app of somebody else has no such variable.
        self.0.get("node_id")?;
        let id = self.get("node_id");
        let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if id.is_empty() || id.len() > NODE_ID_CHARACTERS_MAX || !id.chars().all(is_legal) {
            return Some(wrong_setting(
                format!("node_id is {id:?}, which is no name of a node."),
                "Set node_id to 1 to 64 of a-z 0-9 . _ - and never change it afterwards.",
            ));
        }
        if self.ids_below().any(|below| below == id) {
            return Some(wrong_setting(
                format!("This node and one below it (bootstrap_nodes) are both called {id:?}."),
                "Give one of them another node_id: without it, nobody can tell whose a change is.",
            ));
        }
        (id == NODE_ID_UNSET && !self.get("upstream_url").is_empty()).then(|| {
            wrong_setting(
                format!("The node has no name of its own: node_id is {id:?}, as it is if unset."),
                "Set node_id to the name that the node above has for this one (bootstrap_nodes \
                 there).",
            )
        })
    }

    fn judge_upstream_url(&self) -> Option<Finding> {
        let url = self.get("upstream_url");
        if url.is_empty() {
            return None;
        }
        let Some(upstream) = Upstream::parse(url) else {
            return Some(wrong_setting(
                format!("upstream_url is {url:?}, which is no address of a node."),
                "Write scheme, host and port, for example https://hub.example.org.",
            ));
        };
        upstream.is_exposed().then(|| {
            let what = format!(
                "The node above is asked without encryption ({url}): whoever is on the way can \
                 read the token and all records."
            );
            Finding::warning(
                Check::Variables,
                what,
                "Write https:// in upstream_url, and put a proxy with TLS before that node.",
            )
        })
    }

    fn judge_upstream_token(&self) -> Option<Finding> {
        match (self.get("upstream_url").is_empty(), self.get("upstream_token").is_empty()) {
            (false, true) => Some(wrong_setting(
                "There is a node above (upstream_url), and no token for it.",
                "Set upstream_token to what bootstrap_nodes has for this node there.",
            )),
            (true, false) => Some(Finding::warning(
                Check::Variables,
                "There is a token (upstream_token), and no node above that it is for.",
                "Set upstream_url, or take the token away if this node is a hub.",
            )),
            _ => None,
        }
    }

    fn judge_first_administrator(&self, is_new: bool) -> Option<Finding> {
        self.0.get("bootstrap_admin")?;
        let given = self.get("bootstrap_admin");
        let Some((name, password)) = given.split_once(':') else {
            let nobody = "Nobody can sign in: there is no administrator yet, and none is set.";
            return match (given.is_empty(), is_new) {
                (true, true) => Some(wrong_setting(
                    nobody,
                    "Set bootstrap_admin to name:password for the first start.",
                )),
                (true, false) => None,
                // Not shown: it is likely to be the password.
                (false, _) => Some(wrong_setting(
                    "bootstrap_admin has no colon in it.",
                    "Set it to name:password.",
                )),
            };
        };
        if name.is_empty() || password.is_empty() {
            return Some(wrong_setting(
                "The administrator of bootstrap_admin has no name, or an empty password.",
                "Set it to name:password, both of them filled in.",
            ));
        }
        (password.chars().count() < PASSWORD_CHARACTERS_MIN).then(|| {
            wrong_setting(
                format!(
                    "The password in bootstrap_admin has fewer than {PASSWORD_CHARACTERS_MIN} \
                     characters."
                ),
                "Take a longer one.",
            )
        })
    }

    fn judge_nodes_below(&self) -> Option<Finding> {
        let mut pairs = self.pairs_below();
        let bad = pairs.position(|(id, token)| id.is_empty() || token.is_empty())?;
        Some(wrong_setting(
            format!("Entry {} of bootstrap_nodes has no name or no token.", bad + 1),
            "Write id:token,id:token with a name and a token for each node below.",
        ))
    }

    /// Names and tokens of the nodes below.
    fn pairs_below(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.get("bootstrap_nodes").split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries.map(|entry| entry.split_once(':').unwrap_or((entry, "")))
    }

    fn ids_below(&self) -> impl Iterator<Item = &str> {
        self.pairs_below().map(|(id, _)| id)
    }

    fn judge_redis_url(&self) -> Option<Finding> {
        let url = self.get("redis_url");
        let is_known = url.is_empty() || url.starts_with("redis://");
        (!is_known).then(|| {
            wrong_setting(
                format!("redis_url is {url:?}, which is no address of a Redis."),
                "Write redis://host:port, or leave it empty: a small node needs none.",
            )
        })
    }

    fn judge_trusted_proxies(&self) -> Option<Finding> {
        let error = TrustedProxies::parse(self.get("trusted_proxies")).err()?;
        Some(wrong_setting(
            format!("trusted_proxies cannot be read: {error}."),
            "Name the proxies before this node alone. Until then whatever comes by one is answered \
             by an error.",
        ))
    }
}

fn wrong_setting(what: impl Into<String>, advice: &str) -> Finding {
    Finding::wrong(Check::Variables, what, advice)
}

/// A variable that the manifest does not have.
pub fn unknown(set_by: &str) -> Finding {
    Finding::wrong(
        Check::Variables,
        format!("{set_by} sets a variable that this app does not have."),
        "Correct its name: spin.toml lists all of them under [variables]. Until then it does \
         nothing.",
    )
}

/// The address of the node above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Whether it is `https`.
    pub is_encrypted: bool,
    /// Its host: a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Upstream {
    /// Reads an address: scheme, host, perhaps a port, and nothing else.
    pub fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.trim_end_matches('/').parse().ok()?;
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let has_more = !matches!(uri.path(), "" | "/") || uri.query().is_some();
        if has_more || authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().ok()?,
            _ => match is_encrypted {
                true => 443,
                false => 80,
            },
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { is_encrypted, host, port })
    }

    /// Whether others can read what is said: it leaves the building unencrypted.
    fn is_exposed(&self) -> bool {
        let is_inside = match self.host.parse() {
            Ok(IpAddr::V4(address)) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
            // A name without dots, or below these, is not of the internet.
            Err(_) => {
                let ends = [".local", ".lan", ".internal", ".localhost", ".svc"];
                !self.host.contains('.') || ends.iter().any(|end| self.host.ends_with(end))
            }
        };
        !self.is_encrypted && !is_inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings about an edge in order, with one variable changed.
    fn found(name: &str, value: &str) -> Vec<String> {
        let mut settings: BTreeMap<String, String> = [
            ("node_id", "galway"),
            ("upstream_url", "https://hub.example.org"),
            ("upstream_token", "t"),
            ("bootstrap_admin", "admin:a-long-password"),
            ("bootstrap_nodes", "a:x, b:y"),
            ("redis_url", "redis://127.0.0.1:6379"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        settings.insert(name.to_owned(), value.to_owned());
        Settings(settings).judge(false).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn each_wrong_value_is_found_and_nothing_else() {
        assert_eq!(found("other", ""), [""; 0]);
        for (name, value, says) in [
            ("node_id", "Galway!", "no name of a node"),
            ("node_id", "", "no name of a node"),
            ("node_id", "node", "no name of its own"),
            ("node_id", "a", "are both called"),
            ("upstream_url", "hub.example.org", "no address of a node"),
            ("upstream_url", "ftp://hub", "no address of a node"),
            ("upstream_url", "https://hub/sync", "no address of a node"),
            ("upstream_url", "http://hub.example.org", "without encryption"),
            ("upstream_url", "", "no node above that it is for"),
            ("upstream_token", " ", "no token for it"),
            ("bootstrap_admin", "admin", "no colon"),
            ("bootstrap_admin", "admin:", "an empty password"),
            ("bootstrap_admin", "admin:short", "fewer than 8"),
            ("bootstrap_nodes", "a:x,b", "Entry 2"),
            ("redis_url", "localhost:6379", "no address of a Redis"),
            ("trusted_proxies", "10.0.0.0/99", "\"10.0.0.0/99\" is no range"),
        ] {
            let found = found(name, value);
            assert!(found.len() == 1 && found[0].contains(says), "{name}={value}: {found:?}");
        }
    }

    #[test]
    fn without_people_somebody_has_to_be_named() {
        let settings = Settings([("bootstrap_admin".to_owned(), String::new())].into());
        assert_eq!(settings.judge(true).len(), 1);
        assert_eq!(settings.judge(false).len(), 0);
        assert_eq!(Settings::default().judge(true).len(), 0, "an app of somebody else");
        let min = hedgeschool_credentials::PASSWORD_CHARACTERS_MIN;
        assert_eq!(PASSWORD_CHARACTERS_MIN, min);
    }

    #[test]
    fn a_nodes_name_is_what_the_node_takes_for_one() {
        let long = "a".repeat(NODE_ID_CHARACTERS_MAX);
        for id in ["galway", "a.b_c-1", "-", "Galway", "a b", "", "gaillimh\u{301}", "a:b", &long] {
            let is_taken = found("node_id", id).is_empty();
            assert_eq!(is_taken, hedgeschool_credentials::is_name(id), "{id}");
        }
        let longer = format!("{long}a");
        assert!(!found("node_id", &longer).is_empty());
    }

    #[test]
    fn addresses_have_parts() {
        let parsed = |url| Upstream::parse(url).map(|it| (it.is_encrypted, it.host, it.port));
        assert_eq!(parsed("https://hub/"), Some((true, "hub".to_owned(), 443)));
        assert_eq!(parsed("http://[::1]:81"), Some((false, "::1".to_owned(), 81)));
        assert_eq!(parsed("http://[::1]"), Some((false, "::1".to_owned(), 80)));
        assert_eq!(parsed("https://hub:x"), None);
        let exposed = |url: &str| Upstream::parse(url).unwrap().is_exposed();
        for inside in ["http://127.0.0.1:1", "http://10.0.0.1", "http://hub", "http://a.lan"] {
            assert!(!exposed(inside), "{inside}");
        }
        assert!(exposed("http://192.0.2.1") && !exposed("https://192.0.2.1"));
    }
}
