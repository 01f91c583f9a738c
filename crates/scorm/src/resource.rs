//! The resources of a manifest, and the addresses that lead to them (CAM, 3.4.3).

use std::collections::HashMap;

use hedgeschool_package::Error;
use hedgeschool_package::address::{self, is_absolute};
use percent_encoding::percent_decode_str;
use roxmltree::Node;

use crate::manifest::{DOCUMENT, attribute, is};

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
    pub fn of(root: Node<'a, 'input>, has_file: &'a dyn Fn(&str) -> bool) -> Self {
        let all: Vec<_> = root.descendants().filter(|node| is(*node, "resource")).collect();
        let named =
            all.iter().rev().filter_map(|node| Some((attribute(*node, "identifier")?, *node)));
        let by_identifier = named.collect();
        Self { all, by_identifier, has_file }
    }

    /// The resource of this identifier.
    pub fn find(&self, identifier: &str) -> Option<Resource<'a, 'input>> {
        let node = *self.by_identifier.get(identifier)?;
        Some(Resource { node, has_file: self.has_file })
    }

    /// Identifiers of those that are SCOs, with their files' names.
    pub fn scos(&self) -> Vec<(String, String)> {
        let scos = self.all.iter().copied().filter(|node| is_sco(*node));
        let named = scos.filter_map(|node| {
            let href = attribute(node, "href")?;
            let file = href.rsplit('/').next().unwrap_or(href);
            Some((attribute(node, "identifier")?.to_owned(), file.to_owned()))
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
    pub fn url(&self, parameters: &str) -> Result<String, Error> {
        let broken = |rule: &str| DOCUMENT.broken(self.node, rule);
        let href = attribute(self.node, "href").ok_or_else(|| broken("has no href"))?;
        let href = format!("{}{href}", base(self.node)).replace('\\', "/");
        if is_absolute(&href) {
            return Ok(with_parameters(&href, parameters));
        }
        let href = href.trim_start_matches("./");
        let url = self.path(href).ok_or_else(|| {
            DOCUMENT.broken(
                self.node,
                format!("has the href {href:?}, which is no file of the package"),
            )
        })?;
        Ok(with_parameters(&url, parameters))
    }

    /// The address of a file: tools write names as they are, and as addresses.
    fn path(&self, href: &str) -> Option<String> {
        let (path, rest) = href.split_at(href.find(['?', '#']).unwrap_or(href.len()));
        let decoded = percent_decode_str(path).decode_utf8().ok()?;
        if (self.has_file)(&decoded) {
            return Some(format!("{}{rest}", address::repaired(path)));
        }
        (self.has_file)(href).then(|| address::of_file(href))
    }
}

fn is_sco(resource: Node) -> bool {
    attribute(resource, "scormtype").is_some_and(|kind| kind.eq_ignore_ascii_case("sco"))
}

/// What `xml:base` of the elements around a resource says together (XML Base).
fn base(resource: Node) -> String {
    let mut bases: Vec<_> =
        resource.ancestors().filter_map(|node| attribute(node, "base")).collect();
    bases.reverse();
    bases.into_iter().fold(String::new(), |base, next| match is_absolute(next) {
        true => next.to_owned(),
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
    use super::with_parameters;

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
