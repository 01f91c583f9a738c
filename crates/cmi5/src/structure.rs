use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

use crate::xml::{NAMESPACE, broken, first_language, id, is, required, title};
use crate::{AssignableUnit, Error};

/// Most units a course may have; the standard asks for more than 1,000 (6.1).
pub const UNITS_MAX: usize = 5_000;
/// Longest text of one element, in bytes.
pub const TEXT_BYTES_MAX: usize = 16_384;
/// Most nodes a document may have.
const NODES_MAX: u32 = 1_000_000;

/// A course as `cmi5.xml` describes it (13.1).
#[derive(Clone, Debug, PartialEq)]
pub struct CourseStructure {
    /// The publisher's IRI.
    pub id: String,
    /// Title in the first language.
    pub title: String,
    /// Description in the first language; may be empty.
    pub description: String,
    /// The units in document order, those inside blocks included. At least one.
    pub units: Vec<AssignableUnit>,
}

impl CourseStructure {
    /// Reads a course structure document. A document type declaration is refused, so no entity can
    /// expand or reach out.
    pub fn parse(xml: &str) -> Result<Self, Error> {
        let options =
            ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..Default::default() };
        let document = Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
            .map_err(|error| Error::Xml(error.to_string()))?;
        let root = document.root_element();
        if !is(root, "courseStructure") {
            let rule = format!("is not <courseStructure> in the namespace {NAMESPACE}");
            return Err(broken(root, rule));
        }
        let course = required(root, "course")?;
        Ok(Self {
            id: id(course)?,
            title: title(course)?,
            description: first_language(course, "description")?,
            units: units(root)?,
        })
    }

    /// Refuses a unit whose address is relative and names no file of the package (14.1).
    pub fn check_urls(&self, has_file: impl Fn(&str) -> bool) -> Result<(), Error> {
        let missing = |unit: &&AssignableUnit| unit.path().is_some_and(|path| !has_file(&path));
        match self.units.iter().find(missing) {
            None => Ok(()),
            Some(unit) => {
                let rule = format!("has the <url> {:?}, which is no file of the package", unit.url);
                Err(Error::Xml(format!("unit {:?} {rule}", unit.id)))
            }
        }
    }
}

/// All units below the root. Blocks nest without recursion here: depth is the attacker's choice.
fn units(root: Node) -> Result<Vec<AssignableUnit>, Error> {
    let mut units = Vec::new();
    let mut ids = HashSet::new();
    let parts = root.descendants().filter(|node| is(*node, "au") || is(*node, "block"));
    for part in parts {
        if !part.parent().is_some_and(|parent| parent == root || is(parent, "block")) {
            return Err(broken(part, "stands neither in a <block> nor in <courseStructure>"));
        }
        if !ids.insert(id(part)?) {
            return Err(broken(part, "has the id of another unit or block"));
        }
        if is(part, "block") {
            check_block(part)?;
        } else if units.len() == UNITS_MAX {
            return Err(broken(root, format!("has more than {UNITS_MAX} units")));
        } else {
            units.push(AssignableUnit::parse(part)?);
        }
    }
    if units.is_empty() { Err(broken(root, "has no <au>")) } else { Ok(units) }
}

fn check_block(block: Node) -> Result<(), Error> {
    title(block)?;
    if block.children().any(|child| is(child, "au") || is(child, "block")) {
        return Ok(());
    }
    Err(broken(block, "has neither an <au> nor a <block>"))
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
