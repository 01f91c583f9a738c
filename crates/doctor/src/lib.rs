//! What is wrong with a node, and what to do about it, in plain words.
//!
//! The rules alone: each is a function from what was observed to a [`Finding`], or to none. `hedge
//! doctor` observes a machine and asks all of them; the portal's *Node* page knows a node's
//! [`Status`] and asks [`standing`](standing::findings). So both say the same in the same words.
//!
//! [`Check`] is the table of what is looked at: order, name, where it is explained.

mod check;
mod finding;
mod report;

pub mod backup;
pub mod clock;
pub mod database;
pub mod link;
pub mod machine;
pub mod room;
pub mod settings;
pub mod standing;
pub mod status;
pub mod words;

pub use check::Check;
pub use finding::{Finding, Severity};
pub use report::{Report, Unseen};
pub use status::Status;
