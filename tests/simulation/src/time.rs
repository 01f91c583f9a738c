//! Virtual time.

/// Microseconds since the simulation's first midnight.
pub type Time = u64;

pub const MS: Time = 1_000;
pub const SECOND: Time = 1_000 * MS;
pub const MINUTE: Time = 60 * SECOND;
pub const HOUR: Time = 60 * MINUTE;
pub const DAY: Time = 24 * HOUR;

/// Seconds of a time.
pub fn seconds(time: Time) -> f64 {
    time as f64 / SECOND as f64
}

/// The time of so many seconds.
pub fn of_seconds(seconds: f64) -> Time {
    (seconds * SECOND as f64).round() as Time
}

/// The time of a duration.
pub fn of(duration: std::time::Duration) -> Time {
    duration.as_micros().try_into().unwrap_or(Time::MAX)
}
