//! `hedge course`: courses of a running node, over its HTTP interface.

mod progress;
mod send;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use self::send::Upload;
use super::node::Node;
use crate::duration;

/// Where a node takes and lists courses.
const COURSES: &str = "/content/v1/courses";
/// Where it takes those that anybody may read.
const PUBLIC_COURSES: &str = "/content/v1/courses?public=true";

/// The arguments of `hedge course`.
#[derive(Debug, Args)]
pub struct Course {
    #[command(subcommand)]
    command: CourseCommand,
}

#[derive(Debug, Subcommand)]
enum CourseCommand {
    /// Import a course package (a zip of cmi5, SCORM or pages), as a new course or as a course's
    /// new version
    ///
    /// It is sent in pieces. Where the connection breaks, it goes on from where it was.
    Import {
        /// The file: a zip, or a document by itself
        file: PathBuf,
        /// Let anybody read its files, also without signing in
        #[arg(long)]
        public: bool,
        /// How long to try again when the connection breaks or the node is busy
        #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
        retry_for: Duration,
        #[command(flatten)]
        node: Node,
    },
    /// List the courses of a node
    List {
        #[command(flatten)]
        node: Node,
    },
    /// Offer a course to nobody any more but who has begun it, here and at the nodes below
    Retire(KnownCourse),
    /// Offer a retired course again
    Restore(KnownCourse),
    /// Remove a course with its files, here and at the nodes below; what learners did stays
    Remove(KnownCourse),
}

/// A course of a node.
#[derive(Debug, Args)]
struct KnownCourse {
    /// Its IRI, as `hedge course list` has it
    id: String,
    #[command(flatten)]
    node: Node,
}

impl KnownCourse {
    /// Where the node has it.
    fn course_path(&self) -> String {
        format!("{COURSES}/{}", utf8_percent_encode(&self.id, NON_ALPHANUMERIC))
    }

    fn set_retired(&self, retired: bool) -> Result<()> {
        let change = json!({ "retired": retired }).to_string().into_bytes();
        let body = Some(("application/json", change));
        println!(
            "{}",
            course_line(&self.node.request_json(Method::PATCH, &self.course_path(), body)?)
        );
        Ok(())
    }
}

impl Course {
    /// Runs the command.
    ///
    /// # Errors
    /// When the node cannot be reached, refuses, or answers something else; says what it said.
    pub fn run(self) -> Result<()> {
        match self.command {
            CourseCommand::Import { file, public, retry_for, node } => {
                let place = if public { PUBLIC_COURSES } else { COURSES };
                let course = import_file(&node, &file, place, retry_for)?;
                println!("{}", course_line(&course));
                let notes = course.get("notes").and_then(serde_json::Value::as_array);
                let notes = notes.into_iter().flatten().filter_map(serde_json::Value::as_str);
                notes.for_each(|note| println!("Note: {note}"));
            }
            CourseCommand::List { node } => {
                let courses = node.request_json(Method::GET, COURSES, None)?;
                let courses = courses.get("courses").unwrap_or(&courses);
                courses
                    .as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|c| println!("{}", course_line(c)));
            }
            CourseCommand::Retire(course) => course.set_retired(true)?,
            CourseCommand::Restore(course) => course.set_retired(false)?,
            CourseCommand::Remove(course) => {
                course.node.request_json(Method::DELETE, &course.course_path(), None)?;
                println!("Removed {}", course.id);
            }
        }
        Ok(())
    }
}

/// Sends a file, and has it imported at an address.
fn import_file(
    node: &Node,
    file: &Path,
    place: &str,
    retry_for: Duration,
) -> Result<serde_json::Value> {
    let upload = Upload::new(node, file, retry_for)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    println!("Sending {} ({} KB) ...", file.display(), upload.size().div_ceil(1024));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(upload.send_all(&name, place))
}

/// A course in one line: what it is called, and its IRI.
fn course_line(course: &serde_json::Value) -> String {
    let text = |name| course.get(name).and_then(serde_json::Value::as_str);
    let state = if text("withdrawn").is_some() { "\tretired" } else { "" };
    format!("{}\t{}{state}", text("title").unwrap_or("?"), text("id").unwrap_or("?"))
}
