//! The backup that somebody has named.

use crate::words::span;
use crate::{Check, Finding};

/// A backup that is older than this, in seconds, was forgotten.
const AGE_MAX_S: i64 = 8 * 86_400;

/// Judges a backup that is whole by when it was made. Both are seconds since 1970.
pub fn judge_age(now_s: i64, made_s: i64) -> Option<Finding> {
    let age_s = now_s.saturating_sub(made_s);
    (age_s > AGE_MAX_S).then(|| {
        Finding::warning(
            Check::Backup,
            format!("The last backup is {} old.", span(age_s)),
            "Make one each night: `hedge backup --to FOLDER --force`, while the node runs.",
        )
    })
}

/// A backup that could not be put back.
pub fn unusable(reason: &str) -> Finding {
    Finding::wrong(
        Check::Backup,
        format!("The backup could not be put back: {reason}."),
        "Make another one now, into a new folder, and look at the disk that this one is on.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_of_last_week_will_do() {
        assert_eq!(judge_age(AGE_MAX_S, 0), None);
        assert!(judge_age(30 * 86_400, 0).unwrap().what.contains("30 days old"));
    }
}
