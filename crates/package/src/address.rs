//! Addresses of units. Whether one is in the package or on another server is decided here alone.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a path in an address has to have encoded; `%` is not among it where it is there already.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');
/// The same, of a name that is no address.
const NAME: &AsciiSet = &PATH.add(b'%').add(b'#').add(b'?');

/// The path of an address, with what some tools leave as it is encoded.
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// The address of a file, by its name.
pub fn of_file(path: &str) -> String {
    utf8_percent_encode(path, NAME).to_string()
}

/// Whether an address is absolute, with http or https.
pub fn is_absolute(url: &str) -> bool {
    let start = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    start.starts_with("http://") || start.starts_with("https://")
}

/// Scheme, host and port of an absolute address. None: it is relative, or its host has characters
/// that hosts do not have, and which would mean something in a header.
pub fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://").filter(|_| is_absolute(url))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let is_host = !host.is_empty() && host.chars().all(is_plain);
    url.get(..scheme.len() + "://".len() + host.len()).filter(|_| is_host)
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn only_absolute_addresses_have_an_origin() {
        assert_eq!(origin("https://a.example:8443/x?y://z"), Some("https://a.example:8443"));
        assert_eq!(origin("unit/index.html"), None);
        assert_eq!(origin("index.html?next=https://a.example/"), None);
        assert_eq!(origin("https://a.example; script-src */x"), None);
        assert_eq!(origin("https://ada@a.example/x"), None);
    }
}
