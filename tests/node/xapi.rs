//! The record store, section by section, as any xAPI client sees it (xAPI 1.0.3; 2.0, IEEE
//! 9274.1.1).

mod attachments;
mod consistency;
mod directory;
mod documents;
mod filters;
mod formats;
mod limits;
pub mod multipart;
mod paging;
mod parameters;
mod range;
mod recording;
mod references;
mod related;
mod shelf;
mod single;
mod voiding;

use hedgeschool_tests::statement;

const ADA: &str = statement::LEARNER;
const EVE: &str = r#"{"mbox":"mailto:eve@example.org"}"#;
const ACTIVITY: &str = statement::ACTIVITY;
const STATEMENTS: &str = statement::PATH;
const VERSIONS: [&str; 2] = ["1.0.3", "2.0.0"];
