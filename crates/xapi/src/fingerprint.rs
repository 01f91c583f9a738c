//! Comparison of statements (2.3.1 and "Statement Comparison Requirements").
//!
//! Two statements of one id are the same when they differ only in what a record store sets, in how the
//! JSON was written, and in what merely describes: displays and activity definitions.

use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Set by a record store, or by a client that sends the same statement a second time.
const SET_BY_STORE: [&str; 5] = ["id", "authority", "stored", "timestamp", "version"];

/// Half a SHA-256 over what must be equal, in hexadecimal.
pub fn fingerprint(statement: &Value) -> String {
    let mut text = String::new();
    if let Some(members) = statement.as_object() {
        write_object(&mut text, members, &|name| !SET_BY_STORE.contains(&name));
    }
    let digest = Sha256::digest(text);
    digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Writes JSON in one form only: names sorted, numbers by value, and nothing that merely describes.
fn write_value(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            let descriptive: &[&str] = match name {
                "verb" => &["display"],
                "object" | "parent" | "grouping" | "category" | "other" => &["definition"],
                _ => &[],
            };
            write_object(out, members, &|name| !descriptive.contains(&name));
        }
        // One context activity may be written with or without an array (2.4.6.2).
        Value::Array(items) if items.len() == 1 && is_context_list(name) => {
            items.iter().for_each(|item| write_value(out, name, item));
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_value(out, name, item);
                out.push(',');
            }
            out.push(']');
        }
        Value::Number(number) => write_number(out, number),
        Value::String(text) if is_uuid_property(name) => {
            let _ = write!(out, "{}", Value::from(text.to_ascii_lowercase()));
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>, keep: &dyn Fn(&str) -> bool) {
    let mut names: Vec<&String> = members.keys().filter(|name| keep(name)).collect();
    names.sort_unstable();
    out.push('{');
    for name in names {
        let _ = write!(out, "{}:", Value::from(name.as_str()));
        write_value(out, name, members.get(name).unwrap_or(&Value::Null));
        out.push(',');
    }
    out.push('}');
}

/// 1, 1.0 and 1e0 are one number.
fn write_number(out: &mut String, number: &serde_json::Number) {
    let _ = match number.as_f64() {
        Some(float) => write!(out, "{float}"),
        None => write!(out, "{number}"),
    };
}

fn is_context_list(name: &str) -> bool {
    matches!(name, "parent" | "grouping" | "category" | "other")
}

fn is_uuid_property(name: &str) -> bool {
    name == "registration"
}
