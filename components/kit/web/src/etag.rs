use http::HeaderMap;

use crate::Problem;

/// What `If-Match` and `If-None-Match` name (RFC 9110, 13.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ETags {
    /// `*`
    Any,
    /// A list of entity tags, never empty.
    These(Vec<ETag>),
}

/// An entity tag (RFC 9110, 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag {
    /// Without quotes.
    pub value: String,
    /// A proxy that recompresses a response weakens its tag.
    pub is_weak: bool,
}

impl ETags {
    /// Reads a header, if it is there; 400 for one that names nothing.
    ///
    /// # Errors
    /// 400 if the header is there and is no list.
    pub fn of(headers: &HeaderMap, name: &str) -> Result<Option<Self>, Problem> {
        let values = headers.get_all(name).into_iter();
        let text: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        if text.is_empty() {
            return Ok(None);
        }
        let rule = || Problem::bad_request(format!("{name} must be \"*\" or a list of ETags"));
        Self::parse(&text.join(",")).map(Some).ok_or_else(rule)
    }

    /// Reads `*` or a list. Tags without quotes are read too: clients in the wild send the bare
    /// hash.
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = skip_commas(text);
        while !rest.is_empty() {
            let (tag, after) = ETag::parse(rest)?;
            tags.push(tag);
            rest = skip_commas(after);
        }
        if tags.is_empty() { None } else { Some(Self::These(tags)) }
    }

    /// Whether one of them is the tag, weak or not. `value` is without quotes.
    pub fn name(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag.value == value),
        }
    }

    /// Whether one of them is the tag, and stands for the very same bytes.
    pub fn name_strongly(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag.value == value && !tag.is_weak),
        }
    }
}

impl ETag {
    /// Reads one tag; answers what comes after it, from the comma on.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (is_weak, text) = match text.strip_prefix("W/") {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (value, after) = match text.strip_prefix('"') {
            Some(text) => text.split_once('"')?,
            None => text.split_at(text.find(',').unwrap_or(text.len())),
        };
        let value = value.trim_end();
        let is_bare = !text.starts_with('"');
        let is_value = !is_bare || !(value.is_empty() || value.contains(['"', '*']));
        let after_space = after.trim_start();
        let is_one = after_space.is_empty() || after_space.starts_with(',');
        (is_one && is_value).then(|| (Self { value: value.to_owned(), is_weak }, after))
    }
}

fn skip_commas(text: &str) -> &str {
    text.trim_start_matches([',', ' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        let named = |text: &str| ETags::parse(text).is_some_and(|tags| tags.name("a"));
        assert!(named("\"a\"") && named("\"b\", W/\"a\"") && named("*") && named("a"));
        assert!(!named("\"b\"") && !named("") && !named("\"a") && !named("\"a\"b"));
    }

    #[test]
    fn a_weak_tag_does_not_stand_for_the_same_bytes() {
        let tags = ETags::parse("W/\"a\", \"b\"").unwrap();
        assert!(tags.name("a") && !tags.name_strongly("a") && tags.name_strongly("b"));
    }
}
