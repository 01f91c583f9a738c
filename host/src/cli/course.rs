//! `hedge course`: courses of a running node, over its HTTP interface.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use http::Method;

use super::node::Node;

/// Where a node takes and lists courses.
const COURSES: &str = "/content/v1/courses";
/// Where it takes those that anybody may read.
const PUBLIC_COURSES: &str = "/content/v1/courses?public=true";

/// The arguments of `hedge course`.
#[derive(Debug, Args)]
pub struct Course {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import a course package (a zip of cmi5, SCORM or pages), as a new course or as a course's
    /// new version
    Import {
        /// The zip file
        file: PathBuf,
        /// Let anybody read its files, also without signing in
        #[arg(long)]
        public: bool,
        #[command(flatten)]
        node: Node,
    },
    /// List the courses of a node
    List {
        #[command(flatten)]
        node: Node,
    },
}

impl Course {
    /// Runs the command.
    ///
    /// # Errors
    /// When the node cannot be reached, refuses, or answers something else; says what it said.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Import { file, public, node } => {
                let package = std::fs::read(&file).with_context(|| file.display().to_string())?;
                println!("Sending {} ({} KB) ...", file.display(), package.len().div_ceil(1024));
                let place = if public { PUBLIC_COURSES } else { COURSES };
                let course = node.call(Method::POST, place, Some(("application/zip", package)))?;
                println!("{}", line(&course));
                let notes = course.get("notes").and_then(serde_json::Value::as_array);
                let notes = notes.into_iter().flatten().filter_map(serde_json::Value::as_str);
                notes.for_each(|note| println!("Note: {note}"));
            }
            Command::List { node } => {
                let courses = node.call(Method::GET, COURSES, None)?;
                let courses = courses.get("courses").unwrap_or(&courses);
                courses.as_array().into_iter().flatten().for_each(|c| println!("{}", line(c)));
            }
        }
        Ok(())
    }
}

/// A course in one line: what it is called, and its IRI.
fn line(course: &serde_json::Value) -> String {
    let text = |name| course.get(name).and_then(serde_json::Value::as_str).unwrap_or("?");
    format!("{}\t{}", text("title"), text("id"))
}
