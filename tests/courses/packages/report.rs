//! What came of it, as a table.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::repository;

use super::learner::is_done;
use super::list::Row;

/// What came of a package.
#[derive(Default)]
pub struct Outcome {
    pub starts: bool,
    pub moved: bool,
    pub place: bool,
    pub second: bool,
    pub standings: Vec<String>,
    pub statements: usize,
}

impl Outcome {
    fn counts(&self) -> bool {
        // What asks for an answer that only people know gets no further than it was taken.
        let counts = |it: &String| is_done(it) || it.contains('%');
        !self.standings.is_empty() && self.standings.iter().all(counts)
    }

    fn is_whole(&self) -> bool {
        self.starts && self.place && self.counts() && self.second
    }
}

/// The table, and how many rows of it are whole.
#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    whole: usize,
    /// Those that fell short and should not have.
    worse: Vec<String>,
}

impl Report {
    pub fn add(&mut self, row: &Row, outcome: Result<Outcome>) {
        let mark = |is: bool| if is { "yes" } else { "**no**" };
        let cells = match &outcome {
            Ok(it) => [
                mark(it.starts).to_owned(),
                format!("{}", it.statements),
                place(row, it),
                standing(&it.standings),
                mark(it.second).to_owned(),
            ],
            Err(error) => {
                println!("{error:?}");
                let reason = format!("{error}").replace('|', "/");
                [
                    reason.lines().next().unwrap_or_default().chars().take(120).collect(),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                ]
            }
        };
        let is_whole = outcome.is_ok_and(|outcome| outcome.is_whole());
        self.whole += usize::from(is_whole);
        if !is_whole && ["place", "short"].iter().all(|name| row.text(name).is_empty()) {
            self.worse.push(row.name());
        }
        let line = format!(
            "| {} | {} | {} `{}` | {} | {} |",
            row.text("tool"),
            row.text("format"),
            row.text("repository"),
            row.name(),
            cells.join(" | "),
            row.text("short"),
        );
        println!("{line}");
        self.lines.push(line);
    }

    /// Writes the table to `target/courses/packages.md`.
    pub fn write(&self) -> Result<()> {
        let head = "| made by | format | package | starts | statements | place | counts | second \
            node | why not |\n|---|---|---|---|---|---|---|---|---|\n";
        fs::create_dir_all(repository("target/courses"))?;
        let table = head.to_owned() + &self.lines.join("\n");
        fs::write(repository("target/courses/packages.md"), table)?;
        Ok(())
    }

    /// Fails where a package fell short of which the list does not say why.
    pub fn expect(&self) -> Result<()> {
        println!("{} of {} did all", self.whole, self.lines.len());
        ensure!(self.worse.is_empty(), "these fell short: {}", self.worse.join(", "));
        Ok(())
    }
}

/// Whether its place is kept, or why there is none.
fn place(row: &Row, outcome: &Outcome) -> String {
    match (row.text("place"), outcome.place) {
        ("", true) => "yes".to_owned(),
        ("", false) if !outcome.moved => "**no**: nothing led away from its begin".to_owned(),
        ("", false) => "**no**".to_owned(),
        (why, _) => why.to_owned(),
    }
}

/// What was reached, of one unit or of several.
fn standing(standings: &[String]) -> String {
    let done = standings.iter().filter(|it| is_done(it)).count();
    match standings {
        [] => "**no**".to_owned(),
        [one] => one.clone(),
        all => format!("{done} of {}", all.len()),
    }
}
