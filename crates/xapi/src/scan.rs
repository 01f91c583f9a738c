//! A body of statements, read once: what each says, and the words it says it in.
//!
//! A parser tells the values and not where they stand. But names that are written without escapes
//! are borrowed from the body, so their places are known; and what stands between a name and the
//! next one is the text of a property, for the body is JSON: else there would be no names.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

use crate::json::{Json, Name, Object};
use crate::limits::BATCH_STATEMENTS_MAX;
use crate::members::Members;

/// A statement in both forms.
#[derive(Debug)]
pub struct Scanned<'a> {
    /// All of it, as it was written.
    pub text: &'a str,
    /// Its properties, as they were written.
    pub members: Members<'a>,
    /// What it says.
    pub value: Json<'a>,
}

/// Reads a statement, or a list of at most [`BATCH_STATEMENTS_MAX`]. None: it is something else,
/// breaks a rule of JSON, or is written in a way that hides where its parts are; who has to know
/// reads it again, part for part.
pub fn scan_statements(body: &str) -> Option<Vec<Scanned<'_>>> {
    let Batch(statements) = serde_json::from_str(body).ok()?;
    let body_text = body.trim();
    let all = match body_text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.trim(),
        None => body_text,
    };
    let mut starts = Vec::with_capacity(statements.len());
    for statement in &statements {
        starts.push(statement.start_in(all)?);
    }
    let ends = starts.iter().skip(1).map(|next| item_before(all.get(..*next)?));
    let ends = ends.chain([Some(all)]);
    let mut scanned = Vec::with_capacity(statements.len());
    for ((statement, start), end) in statements.into_iter().zip(&starts).zip(ends) {
        scanned.push(statement.scanned(end?.get(*start..)?)?);
    }
    Some(scanned)
}

/// What comes before the comma that a text ends with.
fn item_before(text: &str) -> Option<&str> {
    Some(text.trim_end().strip_suffix(',')?.trim_end())
}

/// Where in a text a part of it begins, in bytes. None: it is no part of it.
fn offset_in(text: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (offset + part.len() <= text.len()).then_some(offset)
}

/// The properties of a statement, whose names lie in the body.
struct Statement<'a> {
    /// In the order of the body.
    names: Vec<&'a str>,
    value: Json<'a>,
}

impl<'a> Statement<'a> {
    /// Where it begins: at the brace before its first name.
    fn start_in(&self, text: &str) -> Option<usize> {
        let quote = offset_in(text, self.names.first()?)?.checked_sub(1)?;
        let before = text.get(..quote)?.trim_end();
        before.ends_with('{').then(|| before.len() - 1)
    }

    /// The statement with its texts. `text` is all of it.
    fn scanned(self, text: &'a str) -> Option<Scanned<'a>> {
        let mut members = Vec::with_capacity(self.names.len());
        let mut rest = text.strip_suffix('}')?.trim_end();
        for name in self.names.into_iter().rev() {
            let start = offset_in(text, name)?;
            let value = rest.get(start + name.len()..)?.strip_prefix('"')?.trim_start();
            members.push((Cow::Borrowed(name), Cow::Borrowed(value.strip_prefix(':')?.trim())));
            let before = rest.get(..start.checked_sub(1)?)?;
            rest = item_before(before).unwrap_or(before);
        }
        members.reverse();
        Some(Scanned { text, members: Members::from_written(members), value: self.value })
    }
}

/// A statement or a list of some.
struct Batch<'a>(Vec<Statement<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("statements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
        let mut statements = Vec::new();
        while let Some(statement) = seq.next_element()? {
            if statements.len() == BATCH_STATEMENTS_MAX {
                return Err(A::Error::custom("too many"));
            }
            statements.push(statement);
        }
        Ok(Batch(statements))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Batch<'de>, A::Error> {
        StatementVisitor.visit_map(map).map(|statement| Batch(vec![statement]))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Statement<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StatementVisitor)
    }
}

struct StatementVisitor;

impl<'de> Visitor<'de> for StatementVisitor {
    type Value = Statement<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Statement<'de>, A::Error> {
        let (mut names, mut members) = (Vec::new(), Vec::new());
        while let Some((Name(name), value)) = map.next_entry()? {
            let Cow::Borrowed(written) = name else {
                return Err(A::Error::custom("a name with escapes"));
            };
            names.push(written);
            members.push((name, value));
        }
        let value = Object::from_members(members).map(Json::Object);
        let value = value.map_err(|name| A::Error::custom(format_args!("{name:?} twice")))?;
        Ok(Statement { names, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    /// The same in the slow way: text, properties and value of each statement.
    fn read_part_for_part(body: &str) -> Option<Vec<(String, String, String)>> {
        let items: Vec<&RawValue> = match body.trim_start().starts_with('[') {
            true => serde_json::from_str(body).ok()?,
            false => vec![serde_json::from_str(body).ok()?],
        };
        let read = |item: &&RawValue| {
            let value = Json::parse(item.get()).ok()?;
            let members = Members::parse(item.get()).ok()?;
            Some((item.get().to_owned(), format!("{members:?}"), value.to_string()))
        };
        items.iter().map(read).collect()
    }

    fn check(body: &str) -> Result<bool, TestCaseError> {
        let Some(scanned) = scan_statements(body) else { return Ok(false) };
        let scanned: Vec<_> = scanned
            .into_iter()
            .map(|s| (s.text.to_owned(), format!("{:?}", s.members), s.value.to_string()))
            .collect();
        prop_assert_eq!(Some(scanned), read_part_for_part(body), "{}", body);
        Ok(true)
    }

    #[test]
    fn usual_bodies_are_read_once() {
        for body in [
            r#"{"a":1}"#,
            " {\n \"a\" : [ 1.50 , \"},{\" ] ,\t\"b\"\r\n:{ \"c\":\"d\" } }\n",
            r#"[{"a":"\"b\":1,","":{}},{"b":[{"a":{}}]} , { "c" : null }]"#,
            "[ ]",
        ] {
            assert!(check(body).unwrap(), "{body}");
        }
    }

    #[test]
    fn what_is_unusual_or_wrong_is_left_to_the_slow_way() {
        let many = format!("[{}]", vec![r#"{"a":1}"#; BATCH_STATEMENTS_MAX + 1].join(","));
        for body in
            [r#"{"\u0061":1}"#, r#"{"a":1,"a":2}"#, "{}", "[1]", "1", "[{\"a\":1}", "", &many]
        {
            assert!(scan_statements(body).is_none(), "{body}");
        }
    }

    /// White space, as JSON has it.
    fn space() -> impl Strategy<Value = String> {
        "[ \n\r\t]{0,2}"
    }

    /// JSON texts with white space in all places.
    fn any_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1.50e1".to_owned()),
            "[a-z{}\\[\\],:é]{0,4}".prop_map(|text| format!("\"{text}\"")),
            Just(r#""\"\u0041\\""#.to_owned()),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| prop_oneof![list_of(inner.clone()), object_of(inner)])
    }

    fn list_of(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        prop::collection::vec((space(), item, space()), 0..4).prop_map(|items| {
            let items = items.iter().map(|(before, item, after)| format!("{before}{item}{after}"));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        })
    }

    fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let member = (space(), "[a-eé{,]{0,2}", space(), space(), value, space());
        prop::collection::vec(member, 0..4).prop_map(|members| {
            let write =
                |(a, name, b, c, value, d): &(String, String, String, String, String, String)| {
                    format!("{a}\"{name}\"{b}:{c}{value}{d}")
                };
            format!("{{{}}}", members.iter().map(write).collect::<Vec<_>>().join(","))
        })
    }

    proptest! {
        #[test]
        fn one_reading_finds_what_several_find(
            body in prop_oneof![object_of(any_text()), list_of(object_of(any_text()))],
            before in space(),
            after in space(),
        ) {
            check(&format!("{before}{body}{after}"))?;
        }

        #[test]
        fn no_text_is_trouble(body in "[\\[{]{0,2}(\"[ab]?\":|[0-9]|[\\]},{ ]){0,12}") {
            check(&body)?;
        }
    }
}
