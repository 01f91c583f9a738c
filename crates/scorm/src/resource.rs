//! The resources of a manifest, and the addresses that lead to them (CAM, 3.4.3).

use std::collections::HashMap;

use hedgeschool_package::Error;
use hedgeschool_package::address::{self, is_absolute};
use percent_encoding::percent_decode_str;
use roxmltree::Node;

use crate::xml::{DOCUMENT, find_attribute, is_element};

/// Longest address of a unit, in bytes: what is around a resource counts for each that is in it.
const ADDRESS_BYTES_MAX: usize = 4_096;

/// All resources of a manifest.
pub struct Resources<'a, 'input> {
    all: Vec<Node<'a, 'input>>,
    by_identifier: HashMap<&'a str, Node<'a, 'input>>,
    has_file: &'a dyn Fn(&str) -> bool,
}

/// One of them.
pub struct Resource<'a, 'input> {
    node: Node<'a, 'input>,
    has_file: &'a dyn Fn(&str) -> bool,
}

impl<'a, 'input> Resources<'a, 'input> {
    pub fn new(root: Node<'a, 'input>, has_file: &'a dyn Fn(&str) -> bool) -> Self {
        let all: Vec<_> = root.descendants().filter(|node| is_element(*node, "resource")).collect();
        let named =
            all.iter().rev().filter_map(|node| Some((find_attribute(*node, "identifier")?, *node)));
        let by_identifier = named.collect();
        Self { all, by_identifier, has_file }
    }

    /// The resource of this identifier.
    pub fn find_resource(&self, identifier: &str) -> Option<Resource<'a, 'input>> {
        let node = *self.by_identifier.get(identifier)?;
        Some(Resource { node, has_file: self.has_file })
    }

    /// Identifiers of those that are SCOs, with their files' names.
    pub fn list_scos(&self) -> Vec<(String, String)> {
        let scos = self.all.iter().copied().filter(|node| is_sco(*node));
        let named = scos.filter_map(|node| {
            let href = find_attribute(node, "href")?;
            let file = href.rsplit('/').next().unwrap_or(href);
            Some((find_attribute(node, "identifier")?.to_owned(), file.to_owned()))
        });
        named.collect()
    }
}

impl Resource<'_, '_> {
    /// Whether it talks to the run-time environment.
    pub fn is_sco(&self) -> bool {
        is_sco(self.node)
    }

    /// Its address, with an item's parameters.
    pub fn launch_url(&self, parameters: &str) -> Result<String, Error> {
        let broken = |rule: &str| DOCUMENT.broken_rule(self.node, rule);
        let href = find_attribute(self.node, "href").ok_or_else(|| broken("has no href"))?;
        let bases = xml_bases(self.node);
        let length = bases.iter().copied().chain([href, parameters]).map(str::len).sum::<usize>();
        if length > ADDRESS_BYTES_MAX {
            let rule = format!("has an address of more than {ADDRESS_BYTES_MAX} bytes");
            return Err(broken(&rule));
        }
        let href = format!("{}{href}", join_bases(&bases)).replace('\\', "/");
        if is_absolute(&href) {
            return Ok(with_parameters(&href, parameters));
        }
        let href = href.trim_start_matches("./");
        let url = self.file_address(href).ok_or_else(|| {
            DOCUMENT.broken_rule(
                self.node,
                format!("has the href {href:?}, which is no file of the package"),
            )
        })?;
        Ok(with_parameters(&url, parameters))
    }

    /// The address of a file: tools write names as they are, and as addresses.
    fn file_address(&self, href: &str) -> Option<String> {
        let (path, rest) = href.split_at(href.find(['?', '#']).unwrap_or(href.len()));
        let decoded = percent_decode_str(path).decode_utf8().ok()?;
        if (self.has_file)(&decoded) {
            return Some(format!("{}{rest}", address::encode_path(path)));
        }
        (self.has_file)(href).then(|| address::of_file(href))
    }
}

fn is_sco(resource: Node) -> bool {
    find_attribute(resource, "scormtype").is_some_and(|kind| kind.eq_ignore_ascii_case("sco"))
}

/// What `xml:base` of the elements around a resource says, the outermost first.
fn xml_bases<'a>(resource: Node<'a, '_>) -> Vec<&'a str> {
    let mut bases: Vec<_> =
        resource.ancestors().filter_map(|node| find_attribute(node, "base")).collect();
    bases.reverse();
    bases
}

/// What they say together (XML Base).
fn join_bases(bases: &[&str]) -> String {
    bases.iter().fold(String::new(), |base, next| match is_absolute(next) {
        true => (*next).to_owned(),
        false => base + next,
    })
}

/// An address with parameters (CAM, 3.4.4.1).
fn with_parameters(url: &str, parameters: &str) -> String {
    if parameters.starts_with('#') {
        return if url.contains('#') { url.to_owned() } else { format!("{url}{parameters}") };
    }
    let parameters = parameters.trim_start_matches(['?', '&']);
    if parameters.is_empty() {
        return url.to_owned();
    }
    let (before, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let mark = if before.contains('?') { '&' } else { '?' };
    format!("{before}{mark}{parameters}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::{join_bases, with_parameters};

    #[test]
    fn bases_go_on_from_each_other_until_one_is_absolute() {
        assert_eq!(join_bases(&["a/", "b/"]), "a/b/");
        assert_eq!(join_bases(&["a/", "https://b.example/", "c/"]), "https://b.example/c/");
        assert_eq!(join_bases(&[]), "");
    }

    #[test]
    fn parameters_go_where_addresses_have_them() {
        for (url, parameters, expected) in [
            ("a.html", "", "a.html"),
            ("a.html", "x=1", "a.html?x=1"),
            ("a.html", "?x=1", "a.html?x=1"),
            ("a.html?y=2", "&x=1", "a.html?y=2&x=1"),
            ("a.html#p", "x=1", "a.html?x=1#p"),
            ("a.html", "#p", "a.html#p"),
            ("a.html#q", "#p", "a.html#q"),
        ] {
            assert_eq!(with_parameters(url, parameters), expected);
        }
    }
}
