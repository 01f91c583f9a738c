//! Manifests that are XML: their text, their elements, and errors that say where.

use roxmltree::{Document, Node, ParsingOptions};

use crate::error::{Cause, Error};
use crate::limits::XML_NODES_MAX;
use crate::xml_limits::{MANIFEST_LIMITS, check_limits};

pub use crate::doctype::Doctype;

/// Longest text of one element, in bytes.
pub const TEXT_BYTES_MAX: usize = 16_384;

/// A manifest.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// Its file's name.
    pub name: &'static str,
}

impl Manifest {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is not well-formed, has more in it than [`crate::limits`] allow, or declares what it
    /// may not.
    pub fn parse(self, xml: &str, doctype: Doctype) -> Result<Document<'_>, Error> {
        let xml = xml.trim_start_matches('\u{feff}');
        let allow_dtd = doctype == Doctype::Empty;
        if allow_dtd && xml.contains("<!ENTITY") {
            return Err(self.refusal("it declares an entity"));
        }
        check_limits(xml, doctype, &MANIFEST_LIMITS).map_err(|rule| self.refusal(rule))?;
        let options =
            ParsingOptions { allow_dtd, nodes_limit: XML_NODES_MAX, ..Default::default() };
        Document::parse_with_options(xml, options).map_err(|error| {
            let source = Cause::new(error);
            Error::Xml { manifest: self.name, source }
        })
    }

    /// What is wrong with it as a whole.
    pub fn refusal(self, reason: impl Into<String>) -> Error {
        Error::Manifest { manifest: self.name, reason: reason.into() }
    }

    /// A rule that an element breaks.
    pub fn broken_rule(self, node: Node, rule: impl Into<String>) -> Error {
        let name = node.tag_name().name();
        let id =
            ["id", "identifier"].into_iter().find_map(|id| node.attribute(id).map(|v| (id, v)));
        let element = match id {
            Some((attribute, id)) => format!("{name} {attribute}={:?}", id.trim()),
            None => name.to_owned(),
        };
        let line = node.document().text_pos_at(node.range().start).row;
        Error::Element { manifest: self.name, line, element, rule: rule.into() }
    }

    /// The text of an element, without the white space around it.
    ///
    /// # Errors
    /// When it has more than [`TEXT_BYTES_MAX`] bytes.
    pub fn element_text(self, node: Node) -> Result<String, Error> {
        let text: String = node.children().filter_map(|child| child.text()).collect();
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return Err(
                self.broken_rule(node, format!("has more than {TEXT_BYTES_MAX} bytes of text"))
            );
        }
        Ok(text.to_owned())
    }
}

/// How a document may begin: with a byte order mark, or with `<` in the bytes of an encoding
/// (XML 1.0, F.1).
pub fn is_xml(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 6] = [b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"];
    let text = bytes.trim_ascii_start();
    starts.iter().any(|start| text.starts_with(start))
}

/// The text of a document in UTF-8 or UTF-16, which every reader of XML knows (XML 1.0, 4.3.3).
pub fn decode_text(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode_utf_16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => decode_utf_16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => decode_utf_16(bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

fn decode_utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text = char::decode_utf16(units).collect::<Result<_, _>>();
    text.ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_may_be_utf_16() {
        let text = "<a>Čh 課</a>";
        let units: Vec<_> = text.encode_utf16().collect();
        let marked = [&[0xfeff], units.as_slice()].concat();
        for units in [&units, &marked] {
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for bytes in [little, big] {
                assert!(decode_text(&bytes).unwrap().contains("Čh 課"));
                assert!(is_xml(&bytes) && decode_text(&bytes[..bytes.len() - 1]).is_none());
            }
        }
        assert!(decode_text(b"<a>\xff</a>").is_none());
    }

    #[test]
    fn a_manifest_that_is_work_is_refused_before_it_is_parsed() {
        let manifest = Manifest { name: "m.xml" };
        let attributes: String = (0..300).map(|n| format!(" a{n}=''")).collect();
        for (xml, rule) in [
            (format!("<a{attributes}/>"), "m.xml: line 1: an element has more than 256 attributes"),
            ("<a>".repeat(300), "m.xml: line 1: its elements nest deeper than 256"),
        ] {
            for doctype in [Doctype::Refused, Doctype::Empty] {
                assert_eq!(manifest.parse(&xml, doctype).unwrap_err().to_string(), rule);
            }
        }
    }

    #[test]
    fn no_entity_expands() {
        let manifest = Manifest { name: "m.xml" };
        let entity = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        let named = "<!DOCTYPE a SYSTEM 'a.dtd'><a>b</a>";
        for xml in [entity, named] {
            assert!(manifest.parse(xml, Doctype::Refused).is_err());
        }
        assert!(manifest.parse(entity, Doctype::Empty).is_err());
        assert!(manifest.parse(named, Doctype::Empty).is_ok());
    }
}
