//! `imsmanifest.xml`: what a package has, in which order (CAM, 3).

use std::collections::HashMap;

use hedgeschool_package::address::is_absolute;
use hedgeschool_package::document::Doctype;
use hedgeschool_package::{
    Block, Course, Error, Folder, Format, LaunchMethod, MoveOn, Player, Unit,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use roxmltree::{Node, NodeId};
use uuid::Uuid;

use crate::resource::Resources;
use crate::xml::{DOCUMENT, MANIFEST, find_attribute, find_child, is_element, text_of};

/// Most items of a course.
const ITEMS_MAX: usize = 5_000;
/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x2f0e_7a61_90b4_4d0d_8c55_3a41_7be2_91d3);

/// Packages with an IMS manifest: SCORM 1.2 and 2004, and those that have pages alone.
pub struct Scorm;

impl Format for Scorm {
    fn name(&self) -> &'static str {
        "scorm"
    }

    fn manifest_path(&self) -> Option<&'static str> {
        Some(MANIFEST)
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        let document = DOCUMENT.parse(folder.text(MANIFEST)?, Doctype::Empty)?;
        let root = document.root_element();
        if !is_element(root, "manifest") {
            return Err(DOCUMENT.broken_rule(root, "is not <manifest>"));
        }
        CourseReader::new(root, &|path| folder.has_file(path)).read_course(root)
    }
}

/// What SCOs look for, by what the manifest says of itself.
fn required_player(root: Node) -> Player {
    let version = find_child(root, "metadata").and_then(|node| find_child(node, "schemaversion"));
    let version = version.and_then(|node| node.text()).unwrap_or_default();
    let is_2004 = |text: &str| ["2004", "1.3"].iter().any(|part| text.contains(part));
    let is_new = if version.trim().is_empty() {
        root.namespaces().any(|namespace| namespace.uri().contains("adlcp_v1p3"))
    } else {
        is_2004(version)
    };
    if is_new { Player::Scorm2004 } else { Player::Scorm12 }
}

struct CourseReader<'a, 'input> {
    player: Player,
    resources: Resources<'a, 'input>,
    course: Course,
    /// How often each identifier has come.
    ids: HashMap<String, usize>,
    /// The block that each item's children stand in.
    blocks: HashMap<NodeId, usize>,
}

impl<'a, 'input> CourseReader<'a, 'input> {
    fn new(root: Node<'a, 'input>, has_file: &'a dyn Fn(&str) -> bool) -> Self {
        let course = Course {
            id: String::new(),
            title: String::new(),
            description: String::new(),
            blocks: Vec::new(),
            units: Vec::new(),
            notes: Vec::new(),
            lacks: Vec::new(),
        };
        let resources = Resources::new(root, has_file);
        Self {
            player: required_player(root),
            resources,
            course,
            ids: HashMap::new(),
            blocks: HashMap::new(),
        }
    }

    fn read_course(mut self, root: Node<'a, 'input>) -> Result<Course, Error> {
        let organization = self.find_organization(root);
        let title = organization.map_or(Ok(String::new()), |node| text_of(node, "title"))?;
        let name = find_attribute(root, "identifier").unwrap_or_default();
        self.course.title = [title.as_str(), &lom_title(root), name, "Untitled"]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned();
        // Tools give all their packages one identifier; the title tells these apart, and leaves
        // versions of one course together.
        let course = format!("course\u{1f}{name}\u{1f}{}", self.course.title);
        self.course.id = Uuid::new_v5(&NAMESPACE, course.as_bytes()).urn().to_string();
        match organization {
            Some(organization) => self.read_items(organization)?,
            None => self.read_scos(root)?,
        }
        self.add_notes(root);
        if self.course.units.is_empty() {
            return Err(DOCUMENT.broken_rule(root, "has nothing that can be opened"));
        }
        Ok(self.course)
    }

    /// The default organization, or the first.
    fn find_organization(&mut self, root: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
        let all = find_child(root, "organizations")?;
        let organizations = || all.children().filter(|node| is_element(*node, "organization"));
        if organizations().count() > 1 {
            self.course.notes.push("Of several organizations, the default one is taken.".into());
        }
        let default = find_attribute(all, "default");
        let named = organizations().find(|node| find_attribute(*node, "identifier") == default);
        named.filter(|_| default.is_some()).or_else(|| organizations().next())
    }

    /// All items, in document order. They nest without recursion here: depth is the publisher's
    /// choice.
    fn read_items(&mut self, organization: Node<'a, 'input>) -> Result<(), Error> {
        let items = organization.descendants().filter(|node| is_element(*node, "item"));
        for (position, item) in items.enumerate() {
            if position == ITEMS_MAX {
                return Err(
                    DOCUMENT.broken_rule(item, format!("is one of more than {ITEMS_MAX} items"))
                );
            }
            let around = item.parent().and_then(|parent| self.blocks.get(&parent.id()).copied());
            let has_items = item.children().any(|child| is_element(child, "item"));
            let title = text_of(item, "title")?;
            let block = if has_items {
                self.blocks.insert(item.id(), self.course.blocks.len());
                let block = Block {
                    id: self.unique_id(item),
                    title: title_or_untitled(&title),
                    parent: around,
                };
                self.course.blocks.push(block);
                Some(self.course.blocks.len() - 1)
            } else {
                around
            };
            match find_attribute(item, "identifierref") {
                Some(reference) => self.read_unit(item, reference, &title, block)?,
                None if has_items => {}
                None => self
                    .course
                    .notes
                    .push(format!("{:?} has nothing to open.", title_or_untitled(&title))),
            }
        }
        Ok(())
    }

    /// Every resource that is a SCO, where no organization says what there is.
    fn read_scos(&mut self, root: Node<'a, 'input>) -> Result<(), Error> {
        self.course.notes.push("It has no organization: its SCOs are in the file's order.".into());
        for (identifier, title) in self.resources.list_scos() {
            self.read_unit(root, &identifier, &title, None)?;
        }
        Ok(())
    }

    fn read_unit(
        &mut self,
        item: Node<'a, 'input>,
        reference: &str,
        title: &str,
        block: Option<usize>,
    ) -> Result<(), Error> {
        let Some(resource) = self.resources.find_resource(reference) else {
            return Err(
                DOCUMENT.broken_rule(item, format!("names {reference:?}, which is no resource"))
            );
        };
        let url = resource.launch_url(find_attribute(item, "parameters").unwrap_or_default())?;
        let player = if resource.is_sco() { self.player } else { Player::Page };
        if is_absolute(&url) {
            let note = format!(
                "{:?} is on another server, and is not there without it.",
                title_or_untitled(title)
            );
            self.course.notes.push(note);
        }
        let launch_parameters = text_of(item, "dataFromLMS")?;
        let id = self.unique_id(item);
        self.course.units.push(Unit {
            id,
            title: title_or_untitled(title),
            url,
            player,
            launch_method: LaunchMethod::AnyWindow,
            launch_parameters,
            move_on: MoveOn::CompletedOrPassed,
            mastery_score: mastery_score(item),
            entitlement_key: String::new(),
            block,
        });
        Ok(())
    }

    /// The IRI of an item, unique in the course.
    fn unique_id(&mut self, item: Node) -> String {
        let name = find_attribute(item, "identifier").unwrap_or("item");
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let id = format!("{}#{name}", self.course.id);
        let times = self.ids.entry(id.clone()).or_default();
        *times += 1;
        // No name has this character: it is encoded.
        if *times == 1 { id } else { format!("{id}-{times}") }
    }

    /// What of a manifest is not honoured.
    fn add_notes(&mut self, root: Node) {
        let has = |name: &str| root.descendants().any(|node| is_element(node, name));
        let notes = [
            ("prerequisites", "Prerequisites are not honoured: all units are open at all times."),
            ("maxtimeallowed", "A time limit is told to the unit, which has to keep it."),
            ("sequencing", "Rules of sequencing are not honoured: learners choose freely."),
        ];
        let notes = notes.into_iter().filter(|(name, _)| has(name));
        self.course.notes.extend(notes.map(|(_, note)| note.to_owned()));
    }
}

fn title_or_untitled(title: &str) -> String {
    if title.is_empty() { "Untitled".to_owned() } else { title.to_owned() }
}

/// The title in the metadata of the manifest (IEEE LOM), if it has one.
fn lom_title(root: Node) -> String {
    let metadata = find_child(root, "metadata");
    let title =
        metadata.and_then(|node| node.descendants().find(|node| is_element(*node, "title")));
    let words = title.into_iter().flat_map(|node| node.descendants());
    let mut words = words.filter_map(|node| node.text()).map(str::trim);
    words.find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

/// The scaled score from which an item counts as passed: `masteryscore` of 1.2, in percent, or the
/// measure of 2004's primary objective.
fn mastery_score(item: Node) -> Option<f64> {
    let number = |node: Node| node.text().and_then(|text| text.trim().parse::<f64>().ok());
    if let Some(score) = find_child(item, "masteryscore").and_then(number) {
        return Some(score / 100.0).filter(|score| (0.0..=1.0).contains(score));
    }
    let objectives = find_child(find_child(item, "sequencing")?, "objectives")?;
    let primary = find_child(objectives, "primaryObjective")?;
    let counts = find_attribute(primary, "satisfiedByMeasure").is_some_and(|text| text == "true");
    // What is not said is 1.0 (Sequencing and Navigation, 3.10).
    let measure = find_child(primary, "minNormalizedMeasure").and_then(number).unwrap_or(1.0);
    counts.then(|| measure.clamp(0.0, 1.0))
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
