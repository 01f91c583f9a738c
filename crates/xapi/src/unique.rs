//! JSON in which every object has each property once (2.2).
//!
//! A statement is kept as it was written. If it said a property twice, one reader would see the first and another
//! the last, and only one of the two was checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Reads JSON, or says which property is repeated and where.
pub fn parse_unique(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<Unique>(text).map(|unique| unique.0)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("has too large a number"))?;
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(place) => {
                    let Unique(value) = map.next_value()?;
                    place.insert(value);
                }
                Entry::Occupied(place) => {
                    let repeated = format!("has the property {:?} twice", place.key());
                    return Err(A::Error::custom(repeated));
                }
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_property_is_refused_wherever_it_is() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"c":2,"b":3}}"#,
            r#"[{"a":[{"b":1,"\u0062":2}]}]"#,
            r#"{"":0,"":0}"#,
        ] {
            assert!(parse_unique(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn all_other_json_is_read_as_ever(
            text in "[\\[{]{0,3}(\"a\":|\"[bc]?\"[:,]?|-?[0-9]{1,22}(\\.[0-9])?(e[0-9]{1,3})?|null|true|[\\]},: ]){0,8}[\\]}]{0,3}",
        ) {
            let read = parse_unique(&text).map_err(|error| error.to_string());
            let usual = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string());
            let repeats = matches!(&read, Err(error) if error.contains("twice"));
            prop_assert!(repeats || read.is_ok() == usual.is_ok(), "{text}: {read:?} {usual:?}");
            prop_assert!(read.is_err() || read == usual, "{text}");
        }
    }
}
