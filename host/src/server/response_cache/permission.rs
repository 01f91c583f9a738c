//! What a component vouches for.

use std::time::Duration;

use http::HeaderValue;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The longest time for which a component can vouch: whoever loses a right to read keeps it for so
/// long.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A component's word, for a part of its addresses.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    /// Which part: a path that ends with a slash.
    pub prefix: String,
    /// What all prefixes have in common below which there is the same.
    pub key: String,
    /// For how long.
    pub max_age: Duration,
}

/// Why it does not count.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// It is no such field.
    #[error("it is no dictionary (RFC 9651)")]
    Syntax(#[from] sfv::Error),
    /// A member is missing, or is something else.
    #[error("{0} is missing, or not what it should be")]
    Member(&'static str),
}

impl Permission {
    /// Reads the field's value; what else it says is left alone.
    pub fn parse(value: &HeaderValue) -> Result<Self, Malformed> {
        let members: Dictionary = Parser::new(value.as_bytes()).parse()?;
        let text = |name| match bare_item(&members, name) {
            Some(BareItem::String(text)) if !text.as_str().is_empty() => Some(text.to_string()),
            _ => None,
        };
        let is_folder = |path: &String| path.starts_with('/') && path.ends_with('/');
        let prefix = text("prefix").filter(is_folder).ok_or(Malformed::Member("prefix"))?;
        let key = text("key").ok_or(Malformed::Member("key"))?;
        let max_age = match bare_item(&members, "max-age") {
            Some(BareItem::Integer(seconds)) => u64::try_from(i64::from(*seconds)).ok(),
            _ => None,
        };
        let max_age = Duration::from_secs(max_age.ok_or(Malformed::Member("max-age"))?);
        Ok(Self { prefix, key, max_age: max_age.min(MAX_AGE) })
    }
}

fn bare_item<'a>(members: &'a Dictionary, name: &str) -> Option<&'a BareItem> {
    match members.get(name)? {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Permission, String> {
        let value = HeaderValue::from_str(text).unwrap();
        Permission::parse(&value).map_err(|error| error.to_string())
    }

    #[test]
    fn it_names_a_prefix_a_key_and_a_time() {
        let permission = |max_age| Permission {
            prefix: "/f/G/P/".to_owned(),
            key: "f/P".to_owned(),
            max_age: Duration::from_secs(max_age),
        };
        let given = parse("max-age=30, prefix=\"/f/G/P/\", key=\"f/P\", other");
        assert_eq!(given, Ok(permission(30)));
        let long = parse("max-age=3600, prefix=\"/f/G/P/\", key=\"f/P\"");
        assert_eq!(long, Ok(permission(60)));
    }

    #[test]
    fn anything_else_does_not_count() {
        let cases = [
            ("max-age=30, prefix=\"/f\", key=\"k\"", "prefix is missing, or not what it should be"),
            ("max-age=30, prefix=\"f/\", key=\"k\"", "prefix is missing, or not what it should be"),
            (
                "max-age=30, prefix=(\"/\"), key=\"k\"",
                "prefix is missing, or not what it should be",
            ),
            ("max-age=30, prefix=\"/\", key=\"\"", "key is missing, or not what it should be"),
            ("max-age=-1, prefix=\"/\", key=\"k\"", "max-age is missing, or not what it should be"),
            ("prefix=\"/\", key=\"k\"", "max-age is missing, or not what it should be"),
            ("max-age=, prefix", "it is no dictionary (RFC 9651)"),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
