//! Walking a course structure's elements.

use hedgeschool_package::Error;
use hedgeschool_package::document::{Manifest, TEXT_BYTES_MAX};
use iri_string::types::IriStr;
use roxmltree::Node;

/// Where a package keeps its course structure (14.0).
pub const STRUCTURE_PATH: &str = "cmi5.xml";
/// The namespace of a course structure (14.0).
pub const NAMESPACE: &str = "https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd";
/// The document.
pub const STRUCTURE: Manifest = Manifest { name: STRUCTURE_PATH };

/// Whether a node is the element of this name; elements of other namespaces are extensions
/// (13.1.5).
pub fn is_element(node: Node, name: &str) -> bool {
    node.has_tag_name((NAMESPACE, name))
}

/// A broken rule of an element.
pub fn broken_rule(node: Node, rule: impl Into<String>) -> Error {
    STRUCTURE.broken_rule(node, rule)
}

/// The child element of this name, if there is one.
pub fn find_child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is_element(*child, name))
}

/// The child element of this name, which must be there.
pub fn require_child<'a, 'input>(
    node: Node<'a, 'input>,
    name: &str,
) -> Result<Node<'a, 'input>, Error> {
    find_child(node, name).ok_or_else(|| broken_rule(node, format!("has no <{name}>")))
}

/// The text of an element, without the white space around it (13.1).
pub fn element_text(node: Node) -> Result<String, Error> {
    STRUCTURE.element_text(node)
}

/// The first `<langstring>` of a child that must be there, such as a title.
pub fn first_language(node: Node, name: &str) -> Result<String, Error> {
    element_text(require_child(require_child(node, name)?, "langstring")?)
}

/// A title: as [`first_language`], and not empty.
pub fn read_title(node: Node) -> Result<String, Error> {
    let title = first_language(node, "title")?;
    if title.is_empty() { Err(broken_rule(node, "has an empty <title>")) } else { Ok(title) }
}

/// The `id` attribute, which must be an IRI.
pub fn read_id(node: Node) -> Result<String, Error> {
    let id = node.attribute("id").ok_or_else(|| broken_rule(node, "has no id"))?.trim();
    match IriStr::new(id) {
        Ok(_) if id.len() <= TEXT_BYTES_MAX => Ok(id.to_owned()),
        _ => Err(broken_rule(
            node,
            "has an id that is not an IRI, such as https://example.org/course",
        )),
    }
}
