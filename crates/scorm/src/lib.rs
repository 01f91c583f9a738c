//! SCORM 1.2 and 2004 as pure functions: understanding `imsmanifest.xml`.
//!
//! CAM and RTE in these docs are the Content Aggregation Model and the Run-Time Environment of
//! SCORM 2004, 4th edition; 1.2 has books of the same names.

mod manifest;
mod resource;
mod xml;

pub use manifest::Scorm;
pub use xml::MANIFEST;
