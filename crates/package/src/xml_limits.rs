//! How much work an XML document may be to whoever parses it: looked at before it is parsed, in one
//! pass that costs no more than reading it.
//!
//! Parsers compare each attribute of an element with its others, and have every element know all
//! namespaces around it: without limits, a manifest of a few megabytes can take hours. The pass
//! sees at least what the parser sees. What is not well-formed in a way that could have the two
//! differ is refused here; the rest is left to the parser, which says better what is wrong.

use memchr::memmem::find;
use memchr::{memchr, memchr_iter};

use crate::doctype::Doctype;
use crate::limits;

/// The limits of a document.
#[derive(Clone, Copy, Debug)]
pub struct XmlLimits {
    /// How deep elements nest.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes in all.
    pub all_attributes: usize,
    /// Attributes of one element, and namespaces that are declared around one.
    pub attributes: usize,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Bytes of an attribute's value.
    pub value_bytes: usize,
}

/// Those of manifests.
pub const MANIFEST_LIMITS: XmlLimits = XmlLimits {
    depth: limits::XML_DEPTH_MAX,
    elements: limits::XML_ELEMENTS_MAX,
    all_attributes: limits::XML_ALL_ATTRIBUTES_MAX,
    attributes: limits::XML_ATTRIBUTES_MAX,
    name_bytes: limits::XML_NAME_BYTES_MAX,
    value_bytes: limits::XML_VALUE_BYTES_MAX,
};

/// Looks through a document.
///
/// # Errors
/// What is past a limit, with its line.
pub fn check_limits(xml: &str, doctype: Doctype, limits: &XmlLimits) -> Result<(), String> {
    let mut scan = Scan {
        xml: xml.as_bytes(),
        at: 0,
        limits,
        elements: 0,
        all_attributes: 0,
        open: Vec::new(),
    };
    scan.scan_document(doctype).map_err(|rule| {
        let line = memchr_iter(b'\n', scan.before()).count() + 1;
        format!("line {line}: {rule}")
    })
}

struct Scan<'a> {
    xml: &'a [u8],
    at: usize,
    limits: &'a XmlLimits,
    elements: usize,
    all_attributes: usize,
    /// For each element that is open, how many namespaces are declared in it and around it.
    open: Vec<usize>,
}

impl Scan<'_> {
    fn before(&self) -> &[u8] {
        self.xml.get(..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &[u8] {
        self.xml.get(self.at..).unwrap_or_default()
    }

    fn scan_document(&mut self, doctype: Doctype) -> Result<(), String> {
        while let Some(next) = memchr(b'<', self.rest()) {
            self.at += next;
            let goes_on = match self.rest() {
                rest if rest.starts_with(b"<!--") => self.skip_past(4, b"-->"),
                rest if rest.starts_with(b"<![CDATA[") => self.skip_past(9, b"]]>"),
                rest if rest.starts_with(b"<!DOCTYPE") => match doctype {
                    // The parser says so.
                    Doctype::Refused => false,
                    Doctype::Empty => self.skip_quoted(9, b">")?,
                },
                rest if rest.starts_with(b"<?xml ") => self.skip_quoted(6, b"?>")?,
                rest if rest.starts_with(b"<?") => self.skip_past(2, b"?>"),
                rest if rest.starts_with(b"</") => {
                    self.open.pop();
                    self.skip_past(2, b">")
                }
                _ => self.scan_tag()?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Goes on after what ends there. False: it does not end.
    fn skip_past(&mut self, start: usize, end: &[u8]) -> bool {
        let from = self.rest().get(start..).unwrap_or_default();
        let Some(found) = find(from, end) else { return false };
        self.at += start + found + end.len();
        true
    }

    /// The same, where what ends it may stand in quotes, which it does not end. No element, and
    /// nothing that could hide one, may stand there.
    fn skip_quoted(&mut self, start: usize, end: &[u8]) -> Result<bool, String> {
        self.at += start;
        let mut quote = None;
        while let Some(byte) = self.rest().first().copied() {
            match (byte, quote) {
                (b'<', _) => return Err("its beginning is not well-formed".into()),
                (byte, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'"' | b'\'', None) => quote = Some(byte),
                (b'[', None) => {
                    return Err("its document type declares something: leave that out".into());
                }
                _ if self.rest().starts_with(end) => {
                    self.at += end.len();
                    return Ok(true);
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(false)
    }

    /// Goes on after the tag that begins an element.
    fn scan_tag(&mut self) -> Result<bool, String> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(format!("it has more than {} elements", self.limits.elements));
        }
        self.at += 1;
        self.scan_name()?;
        let mut namespaces = self.open.last().copied().unwrap_or_default();
        let mut attributes = 0;
        loop {
            self.skip_spaces();
            match self.rest() {
                [b'/', b'>', ..] => {
                    self.at += 2;
                    return Ok(true);
                }
                [b'>', ..] => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            attributes += 1;
            self.all_attributes += 1;
            if self.scan_attribute()? {
                namespaces += 1;
            }
            if attributes > self.limits.attributes {
                let most = self.limits.attributes;
                return Err(format!("an element has more than {most} attributes"));
            }
            if self.all_attributes > self.limits.all_attributes {
                return Err(format!("it has more than {} attributes", self.limits.all_attributes));
            }
            if namespaces > self.limits.attributes {
                let most = self.limits.attributes;
                return Err(format!("more than {most} namespaces are declared around an element"));
            }
        }
        self.open.push(namespaces);
        if self.open.len() > self.limits.depth {
            return Err(format!("its elements nest deeper than {}", self.limits.depth));
        }
        Ok(true)
    }

    /// Goes on after an attribute. Answers whether it declares a namespace.
    fn scan_attribute(&mut self) -> Result<bool, String> {
        let broken = || "a tag is not well-formed".to_owned();
        let start = self.at;
        self.scan_name()?;
        let name = self.xml.get(start..self.at).unwrap_or_default();
        let is_namespace = name == b"xmlns" || name.starts_with(b"xmlns:");
        self.skip_spaces();
        self.at += self.rest().starts_with(b"=").then_some(1).ok_or_else(broken)?;
        self.skip_spaces();
        let quote = self.rest().first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let value = self.rest().get(1..).unwrap_or_default();
        let length = quote.and_then(|quote| memchr(quote, value)).ok_or_else(broken)?;
        if length > self.limits.value_bytes {
            return Err(format!("an attribute has more than {} bytes", self.limits.value_bytes));
        }
        if value.get(..length).is_none_or(|value| value.contains(&b'<')) {
            return Err(broken());
        }
        self.at += length + 2;
        Ok(is_namespace)
    }

    /// Goes on after a name. The parser may find that it ends earlier.
    fn scan_name(&mut self) -> Result<(), String> {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"/>=<\"'".contains(byte);
        let rest = self.rest();
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        if length > self.limits.name_bytes {
            return Err(format!("a name has more than {} bytes", self.limits.name_bytes));
        }
        if length == 0 {
            return Err("a tag is not well-formed".into());
        }
        self.at += length;
        Ok(())
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        self.at += rest.iter().position(|byte| !is_space(byte)).unwrap_or(rest.len());
    }
}

#[cfg(test)]
#[path = "xml_limits_tests.rs"]
mod tests;
