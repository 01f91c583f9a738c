//! The elements of `imsmanifest.xml`.

use hedgeschool_package::Error;
use hedgeschool_package::document::Manifest;
use roxmltree::Node;

/// Where the manifest is, in the package's root folder.
pub const MANIFEST: &str = "imsmanifest.xml";
/// The document.
pub const DOCUMENT: Manifest = Manifest { name: MANIFEST };

/// Elements are known by their names alone, as tools write namespaces of all times, or none.
pub fn is_element(node: Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name().eq_ignore_ascii_case(name)
}

/// The child element of this name, if there is one.
pub fn find_child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is_element(*child, name))
}

/// An attribute of any namespace.
pub fn find_attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let mut all = node.attributes();
    let found = all.find(|attribute| attribute.name().eq_ignore_ascii_case(name));
    found.map(|attribute| attribute.value().trim()).filter(|value| !value.is_empty())
}

/// The text of a child element; empty if there is none.
pub fn text_of(node: Node, name: &str) -> Result<String, Error> {
    find_child(node, name).map_or(Ok(String::new()), |child| DOCUMENT.element_text(child))
}
