//! Launched units: what the LMS records of a launch, what a unit may record in it, and when a
//! course is satisfied (cmi5, 9 and 10).
//!
//! The routes are private: they lie outside `/xapi`, so that only the app's own components reach
//! them.
//!
//! | address | body | does |
//! |---|---|---|
//! | `/launch` | `begin::Launch` | begins a session: abandons others, writes launch data, says launched |
//! | `/waive` | `waive::Waiver` | says that a unit counts as done |
//! | `/renew` | `begun_version::Renewal` | forgets which version of a course a learner has begun |
//! | `/abandon` | `abandon::Abandonment` | ends a session that has not ended |

mod abandon;
mod begin;
mod begun_version;
mod course;
mod judge;
mod satisfy;
mod say;
mod state;
#[cfg(test)]
mod test_session;
mod waive;

pub use abandon::abandon_session;
pub use begin::begin_session;
pub use begun_version::renew_version;
pub use judge::{judge_statements, note_read, open_session};
pub use waive::waive_unit;
