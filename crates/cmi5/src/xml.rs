//! Walking a course structure's elements, with errors that say where.

use iri_string::types::IriStr;
use roxmltree::Node;

use crate::Error;
use crate::structure::TEXT_BYTES_MAX;

/// The namespace of a course structure (14.0).
pub const NAMESPACE: &str = "https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd";

/// Whether a node is the element of this name; elements of other namespaces are extensions
/// (13.1.5).
pub fn is(node: Node, name: &str) -> bool {
    node.has_tag_name((NAMESPACE, name))
}

/// A broken rule of an element.
pub fn broken(node: Node, rule: impl Into<String>) -> Error {
    let name = node.tag_name().name();
    let element = match node.attribute("id") {
        Some(id) => format!("{name} id={:?}", id.trim()),
        None => name.to_owned(),
    };
    let line = node.document().text_pos_at(node.range().start).row;
    Error::Element { line, element, rule: rule.into() }
}

/// The child element of this name, if there is one.
pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is(*child, name))
}

/// The child element of this name, which must be there.
pub fn required<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Result<Node<'a, 'input>, Error> {
    child(node, name).ok_or_else(|| broken(node, format!("has no <{name}>")))
}

/// The text of an element, without the white space around it (13.1).
pub fn text(node: Node) -> Result<String, Error> {
    let text: String = node.children().filter_map(|child| child.text()).collect();
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(broken(node, format!("has more than {TEXT_BYTES_MAX} bytes of text")));
    }
    Ok(text.to_owned())
}

/// The first `<langstring>` of a child that must be there, such as a title.
pub fn first_language(node: Node, name: &str) -> Result<String, Error> {
    text(required(required(node, name)?, "langstring")?)
}

/// A title: as [`first_language`], and not empty.
pub fn title(node: Node) -> Result<String, Error> {
    let title = first_language(node, "title")?;
    if title.is_empty() { Err(broken(node, "has an empty <title>")) } else { Ok(title) }
}

/// The `id` attribute, which must be an IRI.
pub fn id(node: Node) -> Result<String, Error> {
    let id = node.attribute("id").ok_or_else(|| broken(node, "has no id"))?.trim();
    match IriStr::new(id) {
        Ok(_) if id.len() <= TEXT_BYTES_MAX => Ok(id.to_owned()),
        _ => Err(broken(node, "has an id that is not an IRI, such as https://example.org/course")),
    }
}
