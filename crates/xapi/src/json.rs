//! JSON as statements are read: texts stay where they stand in the body, and every object has each
//! property once (2.2).
//!
//! A statement is kept as it was written. If it said a property twice, one reader would see the
//! first and another the last, and only one of the two was checked. That no library refuses it is
//! why there is a type of our own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// A value, which borrows from the text that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string; owned if it was written with escapes.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The properties of an object, sorted by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    /// Reads a text, or says what is wrong with it: which property is repeated, for one.
    ///
    /// # Errors
    /// If it is not JSON, nests deeper than 127, has a number beyond a double's range, or says a
    /// property twice.
    pub fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// A property, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// What is in it at the end of a path of properties.
    pub fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The properties of an object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The value of a number, as near as a double comes.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }

    /// The value of a whole number.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }
}

impl<'a> Object<'a> {
    /// An object of these properties, or the first name that two of them have.
    pub(crate) fn from_members(
        mut members: Vec<(Cow<'a, str>, Json<'a>)>,
    ) -> Result<Self, Cow<'a, str>> {
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let twice = members.array_windows().position(|[(one, _), (other, _)]| one == other);
        match twice {
            Some(place) => Err(members.swap_remove(place).0),
            None => Ok(Self(members)),
        }
    }

    /// A property.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        // Few have more than a handful: comparing lengths first is faster than halving.
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The properties in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Sets a property.
    pub fn insert(&mut self, name: &'static str, value: Json<'a>) {
        self.remove(name);
        let place = self.0.partition_point(|(key, _)| key.as_ref() < name);
        self.0.insert(place, (name.into(), value));
    }

    /// Takes a property away.
    pub fn remove(&mut self, name: &str) -> Option<Json<'a>> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(place).1)
    }
}

/// For who has read it already.
impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::String(text.into()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.into(), value.into()));
                // That map is sorted too, and has each name once.
                Self::Object(Object(members.collect()))
            }
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// For those who know no other JSON than that of `serde_json`.
impl From<&Json<'_>> for Value {
    fn from(json: &Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.clone()),
            Json::String(text) => Self::String(text.to_string()),
            Json::Array(items) => items.iter().map(Self::from).collect(),
            Json::Object(object) => {
                object.iter().map(|(name, value)| (name.to_owned(), Self::from(value))).collect()
            }
        }
    }
}

/// Names are written sorted and each text in one form: equal values become equal texts.
impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => serializer.collect_map(object.iter()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("has too large a number"))?;
        Ok(Json::Number(number))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(value.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        let repeated = |name| A::Error::custom(format_args!("has the property {name:?} twice"));
        Object::from_members(members).map(Json::Object).map_err(repeated)
    }
}

/// The name of a property, where it stands if it is written without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Name<'a>(#[serde(borrow)] pub Cow<'a, str>);

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
            let error = Json::parse(text).unwrap_err().to_string();
            assert!(error.contains("twice"), "{text}: {error}");
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn text_is_borrowed_unless_it_is_escaped() {
        let json = Json::parse(r#"{"a":"b","c":"\u0064"}"#).unwrap();
        let Json::Object(Object(members)) = json else { panic!("no object") };
        assert!(matches!(members[..], [(Cow::Borrowed("a"), Json::String(Cow::Borrowed("b"))), _]));
        assert!(matches!(&members[1].1, Json::String(Cow::Owned(text)) if text == "d"));
    }

    #[test]
    fn properties_stay_sorted() {
        let mut json = Json::parse(r#"{"b":1,"d":2}"#).unwrap();
        let Json::Object(object) = &mut json else { panic!("no object") };
        object.insert("c", Json::Null);
        object.insert("b", Json::Bool(true));
        assert_eq!(object.remove("d"), Some(Json::Number(2.into())));
        assert_eq!(object.remove("d"), None);
        assert_eq!(serde_json::to_string(&json).unwrap(), r#"{"b":true,"c":null}"#);
    }

    proptest! {
        #[test]
        fn all_other_json_is_read_as_ever(
            text in "[\\[{]{0,3}(\"a\":|\"[bc]?\"[:,]?|-?[0-9]{1,22}(\\.[0-9])?(e[0-9]{1,3})?|null|true|[\\]},: ]){0,8}[\\]}]{0,3}",
        ) {
            let read = Json::parse(&text).map_err(|error| error.to_string());
            let usual = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string());
            let repeats = matches!(&read, Err(error) if error.contains("twice"));
            prop_assert!(repeats || read.is_ok() == usual.is_ok(), "{text}: {read:?} {usual:?}");
            if let (Ok(read), Ok(usual)) = (read, usual) {
                prop_assert_eq!(&read, &Json::from(&usual), "{}", text);
                prop_assert_eq!(&Value::from(&read), &usual, "{}", text);
                prop_assert_eq!(read.to_string(), usual.to_string());
            }
        }
    }
}
