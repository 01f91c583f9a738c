//! `hedge statements`: the statements of a running node, over its xAPI interface.

mod filter;
mod output;
mod pages;
mod progress;
mod table;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::value::RawValue;

use self::filter::Filter;
use self::output::Output;
use self::pages::Pages;
use self::progress::ExportProgress;
use super::node::Node;
use crate::duration;

/// The arguments of `hedge statements`.
#[derive(Debug, Args)]
pub struct Statements {
    #[command(subcommand)]
    command: StatementsCommand,
}

#[derive(Debug, Subcommand)]
enum StatementsCommand {
    /// Write a node's statements to a file or standard output, oldest first
    ///
    /// Each statement comes once, in the order of storing; voided ones are left out, as in every
    /// xAPI query. Where the connection breaks, the export goes on from where it was. To go on
    /// from an earlier export, give the `stored` of its last statement as --since.
    ///
    /// Credentials with the scope statements/read, as an administrator's, export everything; those
    /// with statements/read/mine, their own.
    ///
    /// Ends with 0 when everything was written, 1 when not, 2 for arguments that make no sense.
    Export(Export),
}

/// The arguments of `hedge statements export`.
#[derive(Debug, Args)]
struct Export {
    /// How statements are written
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Write to this file instead of standard output. It appears, or is replaced, when the export
    /// is whole, and is readable by its owner alone
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// How long to try again when the connection breaks or the node is busy
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    retry_for: Duration,
    #[command(flatten)]
    node: Node,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// JSON lines: a statement a line, exactly as stored
    Json,
    /// A table for spreadsheets (RFC 4180, UTF-8, with a header). A text that a spreadsheet would
    /// take for a formula, because it begins with = + - @, a tab or a line break, gets an
    /// apostrophe before it
    Csv,
}

impl Statements {
    /// Runs the command.
    ///
    /// # Errors
    /// When the node cannot be reached, refuses, or answers something else; says what it said. And
    /// when the output cannot be written.
    pub fn run(self) -> Result<()> {
        let StatementsCommand::Export(export) = self.command;
        match export.run() {
            // Who reads has enough, as `head` does.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            done => done,
        }
    }
}

impl Export {
    fn run(self) -> Result<()> {
        let output = Output::open(self.output.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // A file is half written until it is whole; of an output that someone reads, the
            // signal's own effect is the right one, at once.
            let interrupted = async {
                match self.output {
                    Some(_) => tokio::signal::ctrl_c().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                done = self.export_all(output) => done,
                _ = interrupted => bail!("interrupted: nothing is kept"),
            }
        })
    }

    async fn export_all(&self, mut output: Output) -> Result<()> {
        let progress = ExportProgress::new();
        let mut pages = Pages::new(&self.node, &self.filter, self.retry_for, &progress)?;
        let mut count: u64 = 0;
        output.write_bytes(&self.format.header_bytes())?;
        while let Some(statements) =
            pages.next_page().await.with_context(|| stopped_after(count))?
        {
            output.write_bytes(&self.format.encode_statements(&statements)?)?;
            count += statements.len() as u64;
            progress.show_count(count, &statements);
        }
        progress.clear_line();
        output.finish_file()?;
        progress.show_done(count, self.output.as_deref());
        Ok(())
    }
}

impl Format {
    /// What comes before all statements.
    fn header_bytes(self) -> Vec<u8> {
        match self {
            Self::Json => Vec::new(),
            Self::Csv => table::header_row(),
        }
    }

    fn encode_statements(self, statements: &[Box<RawValue>]) -> Result<Vec<u8>> {
        match self {
            Self::Json => Ok(json_lines(statements)),
            Self::Csv => table::csv_rows(statements),
        }
    }
}

/// A statement a line. Line breaks between the tokens of one, the only place where JSON allows
/// them, become spaces.
fn json_lines(statements: &[Box<RawValue>]) -> Vec<u8> {
    let mut lines = Vec::new();
    for statement in statements {
        let bytes = statement.get().bytes();
        lines.extend(bytes.map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        lines.push(b'\n');
    }
    lines
}

/// How far an export came that goes no further.
fn stopped_after(count: u64) -> String {
    match count {
        0 => "no statement exported".to_owned(),
        1 => "stopped after 1 statement".to_owned(),
        count => format!("stopped after {count} statements"),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_a_statement_as_it_is_but_for_line_breaks_between_tokens() {
        let statement = RawValue::from_string("{\"b\": 1.50,\r\n \"a\":\"x\\n\u{2028}\"}".into());
        let line = json_lines(&[statement.unwrap()]);
        assert_eq!(line, "{\"b\": 1.50,   \"a\":\"x\\n\u{2028}\"}\n".as_bytes());
    }
}
