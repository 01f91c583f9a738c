//! The command line. Each command is a module; adding one is adding a variant here.

mod backup;
mod client;
mod course;
mod doctor;
mod image;
mod location;
mod node;
mod statements;
mod status;
mod up;

pub(crate) use node::Node;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hedgeschool's host and operator tool.
///
/// `hedge up` runs the application described by a spin.toml, as `spin up` would: it serves its
/// HTTP routes, keeps its databases, and tells its sync component when to replicate.
#[derive(Debug, Parser)]
#[command(name = "hedge", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an application.
    Up(Box<up::Up>),
    /// Make an OCI image of an application, for containerd-shim-hedge-v1.
    Image(image::Image),
    /// Compile an application's components ahead of time, for machines like this one.
    Compile(image::Compile),
    /// Import and list the courses of a running node.
    Course(course::Course),
    /// Add, list and revoke the xAPI clients of a running node.
    Client(client::Client),
    /// Export the statements of a running node.
    Statements(statements::Statements),
    /// Copy a node's databases while it runs, each as it is at one moment.
    Backup(backup::Backup),
    /// Put a backup in the place of what a stopped node has; that is kept beside.
    Restore(backup::Restore),
    /// Show how a running node stands with others: what is to be sent, since when, and what
    /// conflicts.
    Status(status::Status),
    /// Say what is wrong with a node, running or stopped, and what to do about it.
    ///
    /// Looks from the node's own machine, with the flags that the node is started with, and changes
    /// nothing. Ends with 0 if nothing is wrong, 1 if something is, 2 if it could not look.
    Doctor(Box<doctor::Doctor>),
}

/// Runs the command the process was started with.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(up) => up.run(),
        Command::Image(image) => image.run(),
        Command::Compile(compile) => compile.run(),
        Command::Course(course) => course.run(),
        Command::Client(client) => client.run(),
        Command::Statements(statements) => statements.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Status(status) => status.run(),
        Command::Doctor(doctor) => return doctor.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_documented() {
        Cli::command().debug_assert();
        check_help(&Cli::command());
    }

    fn check_help(command: &clap::Command) {
        for command in command.get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{argument} has no help");
            }
            check_help(command);
        }
    }
}
