//! JSON of which nothing is kept but what is asked for: a tree of all of it may take a hundred
//! times the memory that its text does.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use hedgeschool_package::address;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The servers that have files which some content names: the object of each has its `path`.
///
/// # Errors
/// When it is no JSON.
pub fn find_servers(content: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let mut servers = BTreeSet::new();
    let mut json = serde_json::Deserializer::from_str(content);
    ServerSearch { found: &mut servers, is_path: false }.deserialize(&mut json)?;
    json.end()?;
    Ok(servers)
}

/// A value in which servers are looked for.
struct ServerSearch<'a> {
    found: &'a mut BTreeSet<String>,
    /// It is the path of a file.
    is_path: bool,
}

impl<'de> DeserializeSeed<'de> for ServerSearch<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ServerSearch<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Some(server) = address::origin(text).filter(|_| self.is_path) {
            self.found.insert(server.to_owned());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let found = self.found;
        while values.next_element_seed(ServerSearch { found, is_path: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let found = self.found;
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            fields.next_value_seed(ServerSearch { found, is_path: name == "path" })?;
        }
        Ok(())
    }
}

/// A number, which some tools write as a text.
pub struct NumberText(pub String);

impl<'de> Deserialize<'de> for NumberText {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = NumberText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<NumberText, E> {
        let number = u32::try_from(number).map_err(|_| E::custom("a number is too large"))?;
        Ok(NumberText(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NumberText, E> {
        Ok(NumberText(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_however_deep_and_however_written() {
        let content = r#"{"a": [1, -1, 0.5, true, null, {"path": "https:\/\/a.example\/film"}],
            "b": {"path": {"path": "http://b.example"}, "p\u0061th": "https://c.example/x"},
            "c": "https://none.example", "path": ["https://none.example"]}"#;
        let servers: Vec<_> = find_servers(content).unwrap().into_iter().collect();
        assert_eq!(servers, ["http://b.example", "https://a.example", "https://c.example"]);
        assert!(find_servers("{} {}").is_err() && find_servers("").is_err());
        assert!(find_servers(&"[".repeat(200)).is_err());
    }

    #[test]
    fn numbers_are_texts_or_numbers() {
        let number = |json: &str| serde_json::from_str(json).map(|NumberText(text)| text);
        assert_eq!(number("10").unwrap(), "10");
        assert_eq!(number("\"1.x\"").unwrap(), "1.x");
        for wrong in ["-1", "1.5", "[1]", "4294967296"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}
