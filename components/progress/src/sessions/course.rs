//! The course that a unit is in, as the content component has it.

use hedgeschool_cmi5::launch;
use hedgeschool_package::MoveOn;
use hedgeschool_web::{Problem, inside};
use serde::Deserialize;
use serde_json::{Value, json};

/// A course, as far as it matters here.
#[derive(Deserialize)]
pub struct Course {
    /// The publisher's IRI.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its units, in order.
    pub units: Vec<Unit>,
    /// Its blocks, in order.
    #[serde(default)]
    blocks: Option<Vec<Block>>,
}

/// A unit of it.
#[derive(Deserialize)]
pub struct Unit {
    /// The IRI under which statements speak of it.
    pub activity: String,
    /// What it asks for.
    pub move_on: MoveOn,
    /// The block that it stands in.
    #[serde(default)]
    pub block: Option<usize>,
}

/// A block of it.
#[derive(Deserialize)]
pub struct Block {
    /// The publisher's IRI.
    pub id: String,
    /// The IRI under which statements speak of it.
    pub activity: String,
    /// Its title.
    pub title: String,
    /// The block that it stands in.
    #[serde(default)]
    pub parent: Option<usize>,
}

impl Course {
    /// Its blocks.
    pub fn blocks(&self) -> &[Block] {
        self.blocks.as_deref().unwrap_or_default()
    }

    /// The IRI under which statements speak of the course itself.
    pub fn activity_id(&self) -> String {
        launch::course_activity_id(&self.id)
    }
}

/// The course of a short name.
///
/// # Errors
/// 404 if there is none.
pub async fn of_key(key: &str) -> Result<Course, Problem> {
    let found = ask_content(json!({ "key": key })).await?;
    found.ok_or_else(|| Problem::not_found("there is no such course any more"))
}

/// The course as a package has it. None: the package is not here, or not all of it.
///
/// # Errors
/// The content component failed.
pub async fn of_package(package: &str) -> Result<Option<Course>, Problem> {
    ask_content(json!({ "package": package })).await
}

/// The course that a unit is in. None: it is gone.
///
/// # Errors
/// The content component failed.
pub async fn of_unit(activity: &str) -> Result<Option<Course>, Problem> {
    ask_content(json!({ "activity": activity })).await
}

async fn ask_content(question: Value) -> Result<Option<Course>, Problem> {
    inside::ask("content", "/structure", &question).await
}
