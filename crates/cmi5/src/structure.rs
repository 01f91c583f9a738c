use std::collections::{HashMap, HashSet};

use hedgeschool_package::document::Doctype;
use hedgeschool_package::{Block, Course, Error, Folder, Format, Unit};
use roxmltree::{Node, NodeId};

use crate::unit::read_unit;
use crate::xml::{
    NAMESPACE, STRUCTURE, STRUCTURE_PATH, broken_rule, find_child, first_language, is_element,
    read_id, read_title, require_child,
};

/// Most units a course may have; the standard asks for more than 1,000 (6.1).
pub const UNITS_MAX: usize = 5_000;

/// Packages with a course structure (13 and 14).
pub struct Cmi5;

impl Format for Cmi5 {
    fn name(&self) -> &'static str {
        "cmi5"
    }

    fn manifest_path(&self) -> Option<&'static str> {
        Some(STRUCTURE_PATH)
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        let course = parse_structure(folder.text(STRUCTURE_PATH)?)?;
        check_urls(&course, folder)?;
        Ok(course)
    }

    fn read_alone(&self, manifest: &str) -> Option<Result<Course, Error>> {
        let course = parse_structure(manifest);
        Some(course.and_then(|course| check_absolute(&course).map(|()| course)))
    }
}

/// Reads a course structure document (13.1). A document type declaration is refused.
pub fn parse_structure(xml: &str) -> Result<Course, Error> {
    let document = STRUCTURE.parse(xml, Doctype::Refused)?;
    let root = document.root_element();
    if !is_element(root, "courseStructure") {
        let rule = format!("is not <courseStructure> in the namespace {NAMESPACE}");
        return Err(broken_rule(root, rule));
    }
    let course = require_child(root, "course")?;
    check_objectives(root)?;
    let (blocks, units) = read_parts(root)?;
    Ok(Course {
        id: read_id(course)?,
        title: read_title(course)?,
        description: first_language(course, "description")?,
        blocks,
        units,
        notes: Vec::new(),
        lacks: Vec::new(),
    })
}

/// Refuses a relative address, for a structure without files (14.2).
fn check_absolute(course: &Course) -> Result<(), Error> {
    let relative = course.units.iter().find(|unit| unit.file_path().is_some());
    let Some(unit) = relative else { return Ok(()) };
    let rule = "which is relative: without a zip around it, units are on other servers";
    let reason = format!("unit {:?} has the <url> {:?}, {rule}", unit.id, unit.url);
    Err(STRUCTURE.refusal(reason))
}

/// Refuses a unit whose address is relative and names no file of the package (14.1).
fn check_urls(course: &Course, folder: &Folder<'_>) -> Result<(), Error> {
    let missing = |unit: &&Unit| unit.file_path().is_some_and(|path| !folder.has_file(&path));
    match course.units.iter().find(missing) {
        None => Ok(()),
        Some(unit) => {
            let rule = format!("has the <url> {:?}, which is no file of the package", unit.url);
            Err(STRUCTURE.refusal(format!("unit {:?} {rule}", unit.id)))
        }
    }
}

/// All blocks and units below the root. Blocks nest without recursion here: depth is the attacker's
/// choice.
fn read_parts(root: Node) -> Result<(Vec<Block>, Vec<Unit>), Error> {
    let (mut blocks, mut units) = (Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    let mut positions: HashMap<NodeId, usize> = HashMap::new();
    let parts =
        root.descendants().filter(|node| is_element(*node, "au") || is_element(*node, "block"));
    for part in parts {
        let parent = part.parent().filter(|parent| *parent != root);
        let position = parent.and_then(|parent| positions.get(&parent.id()).copied());
        if parent.is_some() && position.is_none() {
            return Err(broken_rule(part, "stands neither in a <block> nor in <courseStructure>"));
        }
        if !ids.insert(read_id(part)?) {
            return Err(broken_rule(part, "has the id of another unit or block"));
        }
        if is_element(part, "block") {
            positions.insert(part.id(), blocks.len());
            blocks.push(read_block(part, position)?);
        } else if units.len() == UNITS_MAX {
            return Err(broken_rule(root, format!("has more than {UNITS_MAX} units")));
        } else {
            units.push(read_unit(part, position)?);
        }
    }
    if units.is_empty() { Err(broken_rule(root, "has no <au>")) } else { Ok((blocks, units)) }
}

fn read_block(node: Node, parent: Option<usize>) -> Result<Block, Error> {
    let block = Block { id: read_id(node)?, title: read_title(node)?, parent };
    if node.children().any(|child| is_element(child, "au") || is_element(child, "block")) {
        return Ok(block);
    }
    Err(broken_rule(node, "has neither an <au> nor a <block>"))
}

/// Objectives (13.1.3) are checked and not kept: nothing here speaks of them.
fn check_objectives(root: Node) -> Result<(), Error> {
    let mut ids = HashSet::new();
    let all = find_child(root, "objectives").into_iter().flat_map(|all| all.children());
    for objective in all.filter(|node| is_element(*node, "objective")) {
        read_title(objective)?;
        if !ids.insert(read_id(objective)?) {
            return Err(broken_rule(objective, "has the id of another objective"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
