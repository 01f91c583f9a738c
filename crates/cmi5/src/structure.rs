use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node, NodeId, ParsingOptions};

use crate::xml::{NAMESPACE, broken, child, first_language, id, is, required, title};
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
    /// The blocks in document order: one stands before those inside it.
    pub blocks: Vec<Block>,
    /// The units in document order, those inside blocks included. At least one.
    pub units: Vec<AssignableUnit>,
}

/// A part of a course that has others (13.1.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The publisher's IRI, unique in the course.
    pub id: String,
    /// Title in the first language.
    pub title: String,
    /// The block that it stands in, by its position.
    pub parent: Option<usize>,
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
        check_objectives(root)?;
        let (blocks, units) = parts(root)?;
        Ok(Self {
            id: id(course)?,
            title: title(course)?,
            description: first_language(course, "description")?,
            blocks,
            units,
        })
    }

    /// Refuses a relative address, for a structure without files (14.2).
    pub fn check_absolute(&self) -> Result<(), Error> {
        let relative = self.units.iter().find(|unit| unit.path().is_some());
        let Some(unit) = relative else { return Ok(()) };
        let rule = "which is relative: without a zip around it, units are on other servers";
        Err(Error::Xml(format!("unit {:?} has the <url> {:?}, {rule}", unit.id, unit.url)))
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

/// All blocks and units below the root. Blocks nest without recursion here: depth is the attacker's
/// choice.
fn parts(root: Node) -> Result<(Vec<Block>, Vec<AssignableUnit>), Error> {
    let (mut blocks, mut units) = (Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    let mut positions: HashMap<NodeId, usize> = HashMap::new();
    let parts = root.descendants().filter(|node| is(*node, "au") || is(*node, "block"));
    for part in parts {
        let parent = part.parent().filter(|parent| *parent != root);
        let position = parent.and_then(|parent| positions.get(&parent.id()).copied());
        if parent.is_some() && position.is_none() {
            return Err(broken(part, "stands neither in a <block> nor in <courseStructure>"));
        }
        if !ids.insert(id(part)?) {
            return Err(broken(part, "has the id of another unit or block"));
        }
        if is(part, "block") {
            positions.insert(part.id(), blocks.len());
            blocks.push(block(part, position)?);
        } else if units.len() == UNITS_MAX {
            return Err(broken(root, format!("has more than {UNITS_MAX} units")));
        } else {
            units.push(AssignableUnit::parse(part, position)?);
        }
    }
    if units.is_empty() { Err(broken(root, "has no <au>")) } else { Ok((blocks, units)) }
}

fn block(node: Node, parent: Option<usize>) -> Result<Block, Error> {
    let block = Block { id: id(node)?, title: title(node)?, parent };
    if node.children().any(|child| is(child, "au") || is(child, "block")) {
        return Ok(block);
    }
    Err(broken(node, "has neither an <au> nor a <block>"))
}

/// Objectives (13.1.3) are checked and not kept: nothing here speaks of them.
fn check_objectives(root: Node) -> Result<(), Error> {
    let mut ids = HashSet::new();
    let all = child(root, "objectives").into_iter().flat_map(|all| all.children());
    for objective in all.filter(|node| is(*node, "objective")) {
        title(objective)?;
        if !ids.insert(id(objective)?) {
            return Err(broken(objective, "has the id of another objective"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
