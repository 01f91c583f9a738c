//! Course packages of any format as pure functions: reading a hostile archive safely, and what a
//! course consists of.
//!
//! * [`Package`] is what an importer wants: an archive whose names, sizes and course obey the
//!   rules, with its files one piece at a time.
//! * [`archive`] reads a zip that someone may have built to do harm.
//! * [`Format`] is what a format's crate has to know: where its manifest is, and how to read it as
//!   a [`Course`].
//! * [`document`] reads XML, with errors that say where.

pub mod address;
pub mod archive;
mod course;
mod directory;
pub mod document;
mod error;
mod format;
mod media_type;
mod name;
mod package;

pub use course::{Block, Course, LaunchMethod, MoveOn, Player, Unit};
pub use error::Error;
pub use format::{Certainty, Folder, Format};
pub use media_type::media_type;
pub use package::{MANIFEST_BYTES_MAX, PACKAGE_BYTES_MAX, Package, Reader};
