//! cmi5 as pure functions, as an LMS sees it: reading a hostile archive safely, understanding
//! `cmi5.xml`, composing a launch, and judging what a launched unit says.
//!
//! Section numbers in these docs refer to the cmi5 specification, Quartz 1st Edition.
//!
//! * [`Package`] is what an importer wants: an archive whose names, sizes and course structure
//!   obey the rules, with its files one piece at a time.
//! * [`archive`] reads a zip that someone may have built to do harm.
//! * [`CourseStructure`] is `cmi5.xml` without its XML.
//! * [`launch`] makes the identifiers and the address of a launch; every node makes the same ones.
//! * [`session`] is what the LMS says of a launch, [`conduct`] what the unit may say in it, and
//!   [`satisfaction`] what it all adds up to.

pub mod address;
pub mod archive;
pub mod conduct;
mod directory;
mod error;
pub mod launch;
mod media_type;
mod name;
mod package;
pub mod satisfaction;
pub mod session;
mod structure;
mod unit;
pub mod vocabulary;
mod xml;

pub use error::Error;
pub use media_type::media_type;
pub use package::{PACKAGE_BYTES_MAX, Package, STRUCTURE_BYTES_MAX, STRUCTURE_PATH};
pub use structure::{Block, CourseStructure, TEXT_BYTES_MAX, UNITS_MAX};
pub use unit::{AssignableUnit, LaunchMethod, MoveOn};
