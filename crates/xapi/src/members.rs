//! An object of which nothing is lost: the order of its properties, and how each was written.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The properties of an object in the order and the words they were written in.
#[derive(Debug)]
pub struct Members(Vec<(String, String)>);

impl Members {
    /// Reads an object; a property that stands twice is an error.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The text of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, json)| json.as_str())
    }

    /// Puts another text in the place of a property's.
    pub fn replace(&mut self, name: &str, json: String) {
        if let Some((_, text)) = self.0.iter_mut().find(|(key, _)| key == name) {
            *text = json;
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
    pub fn insert_first(&mut self, name: &str, json: String) {
        self.0.insert(0, (name.to_owned(), json));
    }

    /// Adds a property at the end.
    pub fn insert_last(&mut self, name: &str, json: String) {
        self.0.push((name.to_owned(), json));
    }

    /// The object as text.
    pub fn into_json(self) -> String {
        let length = self.0.iter().map(|(name, json)| name.len() + json.len() + 4).sum();
        let mut text = String::with_capacity(length);
        for (name, json) in self.0 {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(&Value::from(name).to_string());
            text.push(':');
            text.push_str(&json);
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        text
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members(Vec::new());
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if members.contains(&name) {
                let repeated = format!("has the property {name:?} twice");
                return Err(serde::de::Error::custom(repeated));
            }
            members.insert_last(&name, value.get().to_owned());
        }
        Ok(members)
    }
}
