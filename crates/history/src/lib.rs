//! A node's last week in figures, for those who have no Prometheus: what is kept, and what is drawn
//! of it. No I/O.
//!
//! * A [`Sample`] is how a node stood at one moment, and what its host has measured since the
//!   sample before. One is taken in each [`PERIOD_S`].
//! * A [`Day`] is the samples of a day, as they are kept together. The days are a ring: a day takes
//!   the [`place`] of the one [`DAYS`] before.
//! * [`Series`] is one figure of the week, an hour a point: a page for a thin cable does not want a
//!   thousand.

mod sample;
mod series;

pub use sample::{DAYS, Day, Disk, Host, PERIOD_S, Requests, Sample, is_due, place};
pub use series::{HOURS, Hours, Series, hours};
