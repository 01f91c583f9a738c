//! Languages a client prefers, and the one a text is answered in.

use std::cmp::Reverse;

use serde_json::{Map, Value};

/// Most language ranges of an `Accept-Language` header that count; what follows is not looked at.
pub const LANGUAGES_MAX: usize = 32;

/// Quality of a range without `q`, in thousandths.
const QUALITY_MAX: u16 = 1_000;

/// A language a client accepts, or refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguagePreference {
    /// Language range (RFC 4647, 2.1), lower case: `en`, `en-gb`, or `*` for any other.
    pub range: String,
    /// Thousandths from 0, which refuses the language, to 1,000.
    pub quality: u16,
}

/// Reads an `Accept-Language` header (RFC 9110, 12.5.4), best first, equals in their order.
///
/// Ranges that are not well-formed are left out: the header is a wish, not a reason to refuse a
/// request.
pub fn accept_language(header: &str) -> Vec<LanguagePreference> {
    let ranges = header.split(',').take(LANGUAGES_MAX);
    let mut preferences: Vec<_> = ranges.filter_map(preference).collect();
    preferences.sort_by_key(|preference| Reverse(preference.quality));
    preferences
}

fn preference(item: &str) -> Option<LanguagePreference> {
    let (range, weight) = match item.split_once(';') {
        Some((range, weight)) => (range, quality(weight.trim())?),
        None => (item, QUALITY_MAX),
    };
    let range = range.trim().to_ascii_lowercase();
    let formed = range == "*" || range.split('-').all(is_subtag);
    formed.then_some(LanguagePreference { range, quality: weight })
}

fn is_subtag(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `q=0.8` in thousandths (RFC 9110, 12.4.2): at most three decimals, at most 1.
fn quality(weight: &str) -> Option<u16> {
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !digits {
        return None;
    }
    let thousandths: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (thousandths <= QUALITY_MAX).then_some(thousandths)
}

/// Leaves of a language map the entry that is liked best. One remains even where none is
/// acceptable: the standard wants exactly one.
pub fn choose(map: Option<&mut Value>, preferences: &[LanguagePreference]) {
    let Some(Value::Object(map)) = map else { return };
    if let Some(best) = best(map, preferences) {
        map.retain(|tag, _| *tag == best);
    }
}

fn best(map: &Map<String, Value>, preferences: &[LanguagePreference]) -> Option<String> {
    // Of equals, max_by_key answers the last: backwards, that is the first.
    map.keys().rev().max_by_key(|tag| liking(tag, preferences)).cloned()
}

/// How much a language is liked. The order of the variants is the order of liking.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Liking {
    /// By a quality of 0.
    Refused,
    /// The header says nothing of it.
    Unmentioned,
    /// Another variety of a language that is accepted: `en-US` for who asks for `en-GB`.
    Related(Reverse<usize>),
    /// By its quality, then by the place of the range in the list, then whether it is the range to
    /// the letter.
    Accepted(u16, Reverse<usize>, bool),
}

fn liking(tag: &str, preferences: &[LanguagePreference]) -> Liking {
    let tag = tag.to_ascii_lowercase();
    let numbered = || preferences.iter().enumerate();
    let named = numbered().filter(|(_, p)| matches(&tag, &p.range));
    let specific = named.max_by_key(|(place, p)| (p.range.len(), Reverse(*place)));
    let any = || numbered().find(|(_, p)| p.range == "*");
    let related = numbered().find(|(_, p)| p.quality > 0 && primary(&p.range) == primary(&tag));
    match specific.or_else(any) {
        Some((place, p)) if p.quality > 0 => {
            // What `*` accepts is liked better when it is related to what is named.
            let close = p.range == tag || (p.range == "*" && related.is_some());
            Liking::Accepted(p.quality, Reverse(place), close)
        }
        refused => match (related, refused) {
            (Some((place, _)), None) => Liking::Related(Reverse(place)),
            // `*;q=0` refuses in general, the relation is to something in particular.
            (Some((place, _)), Some((_, p))) if p.range == "*" => Liking::Related(Reverse(place)),
            (_, Some(_)) => Liking::Refused,
            (None, None) => Liking::Unmentioned,
        },
    }
}

/// Basic filtering (RFC 4647, 3.3.1): `en` matches `en` and `en-GB`, not `enm`.
fn matches(tag: &str, range: &str) -> bool {
    let rest = tag.strip_prefix(range);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}
