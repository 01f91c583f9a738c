//! Course packages of any format as pure functions: reading a hostile archive safely, and what a
//! course consists of.
//!
//! * [`Opening`] is what an importer wants: it says which parts of a package are to be loaded, and
//!   comes to its [`Contents`]: a course and files whose names and sizes obey the rules.
//!   [`archive::Unpacking`] then has the files, one piece at a time. Neither holds a package.
//! * [`Package`] is the same for whoever has one in memory.
//! * [`archive`] reads a zip that someone may have built to do harm.
//! * [`Format`] is what a format's crate has to know: where its manifest is, and how to read it as
//!   a [`Course`].
//! * [`document`] reads XML, with errors that say where.

pub mod address;
pub mod archive;
mod course;
mod directory;
mod doctype;
pub mod document;
mod entry;
mod error;
mod format;
pub mod limits;
mod media_type;
pub mod memory;
mod name;
mod package;
mod sparse;
mod unpack;
mod xml_limits;

pub use course::{Block, Course, LaunchMethod, MoveOn, Player, Unit};
pub use error::{Cause, Error};
pub use format::{Certainty, Folder, Format};
pub use limits::{MANIFEST_BYTES_MAX, PACKAGE_BYTES_MAX};
pub use media_type::media_type;
pub use package::{Contents, Opening, Package};
