//! cmi5 as pure functions, as an LMS sees it: understanding `cmi5.xml`, composing a launch, and
//! judging what a launched unit says.
//!
//! Section numbers in these docs refer to the cmi5 specification, Quartz 1st Edition.
//!
//! * [`Cmi5`] reads `cmi5.xml` as a course.
//! * [`launch`] makes the identifiers and the address of a launch; every node makes the same ones.
//! * [`session`] is what the LMS says of a launch, [`conduct`] what the unit may say in it, and
//!   [`satisfaction`] what it all adds up to.

pub mod conduct;
pub mod launch;
pub mod satisfaction;
pub mod session;
mod structure;
mod unit;
pub mod vocabulary;
mod xml;

pub use structure::{Cmi5, UNITS_MAX};
pub use xml::STRUCTURE_PATH;
