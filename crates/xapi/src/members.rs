//! An object of which nothing is lost: the order of its properties, and how each was written.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Name;

/// The properties of an object in the order and the words they were written in.
#[derive(Debug)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Members<'a> {
    /// Reads an object. That no property stands twice is for [`crate::Json`] to say.
    ///
    /// # Errors
    /// It is not JSON, or no object.
    pub fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Properties that were found in a text.
    pub fn from_written(members: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self(members)
    }

    /// The properties of a value, each written anew; none if it is no object.
    pub fn from_value(value: &'a Value) -> Self {
        let members = value.as_object().into_iter().flatten();
        Self(members.map(|(name, value)| (name.into(), value.to_string().into())).collect())
    }

    /// How long the object is as text, in bytes, if no name has escapes.
    pub fn text_bytes(&self) -> usize {
        self.0.iter().map(|(name, json)| name.len() + json.len() + 4).sum::<usize>() + 1
    }

    /// The text of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, json)| json.as_ref())
    }

    /// Puts another text in the place of a property's.
    pub fn replace(&mut self, name: &str, json: String) {
        if let Some((_, text)) = self.0.iter_mut().find(|(key, _)| key == name) {
            *text = json.into();
        }
    }

    /// Whether there is such a property.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Takes a property away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| key != name);
    }

    /// Adds a property in front.
    pub fn insert_first(&mut self, name: &'a str, json: impl Into<Cow<'a, str>>) {
        self.0.insert(0, (name.into(), json.into()));
    }

    /// Adds a property at the end.
    pub fn insert_last(&mut self, name: &'a str, json: impl Into<Cow<'a, str>>) {
        self.0.push((name.into(), json.into()));
    }

    /// The object as text.
    pub fn into_json(self) -> String {
        let mut text = String::with_capacity(self.text_bytes());
        for (name, json) in self.0 {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(&Value::from(name.as_ref()).to_string());
            text.push(':');
            text.push_str(&json);
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        text
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members(Vec::new());
        while let Some((Name(name), value)) = map.next_entry::<_, &RawValue>()? {
            members.0.push((name, value.get().into()));
        }
        Ok(members)
    }
}
