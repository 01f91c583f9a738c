//! A database file, as it was found.

use crate::words::{bytes, number};
use crate::{Check, Finding};

/// A write-ahead log that is longer than this is not emptied any more. Hosts make it start over at
/// 64 MiB.
const WAL_BYTES_MAX: u64 = 256 << 20;
/// The `application_id` of a database that was put back and not used since: of no other program.
const RESTORED: i32 = 0x6865_6472;

/// What a database shows.
#[derive(Clone, Debug, Default)]
pub struct DatabaseSeen {
    /// The file.
    pub path: String,
    /// Its kind of journal.
    pub journal_mode: String,
    /// The version of its schema.
    pub version: u64,
    /// Whose file it is; 0: nobody has said.
    pub application: i32,
    /// What SQLite finds wrong with its pages. None: nothing.
    pub damage: Option<String>,
    /// Bytes of its write-ahead log.
    pub wal_bytes: u64,
}

impl DatabaseSeen {
    /// Judges the file; `known` is the latest schema that the components know.
    pub fn judge(&self, known: Option<u64>) -> Vec<Finding> {
        let found = [
            self.damage.as_deref().map(|damage| damaged(&self.path, damage)),
            self.judge_application(),
            known.and_then(|known| self.judge_version(known)),
            self.judge_journal_mode(),
            self.judge_wal_length(),
        ];
        found.into_iter().flatten().collect()
    }

    fn judge_application(&self) -> Option<Finding> {
        let is_ours = matches!(self.application, 0 | RESTORED);
        (!is_ours).then(|| {
            Finding::wrong(
                Check::Databases,
                format!("{} is a database of another program.", self.path),
                "Correct the path in the runtime configuration. Do not remove the file.",
            )
        })
    }

    fn judge_version(&self, known: u64) -> Option<Finding> {
        (self.version > known).then(|| {
            Finding::wrong(
                Check::Schema,
                format!(
                    "A later release wrote {}: its schema is version {}, and the components here \
                     know {known}.",
                    self.path, self.version
                ),
                "Run that release again, or a later one. The only way back is a backup of before \
                 the upgrade.",
            )
        })
    }

    fn judge_journal_mode(&self) -> Option<Finding> {
        // Without a schema nobody has used it yet.
        let is_other = self.version > 0 && self.journal_mode != "wal";
        (is_other && self.damage.is_none()).then(|| {
            Finding::wrong(
                Check::JournalMode,
                format!(
                    "{} has no write-ahead log: its journal mode is {:?}. Who reads waits for who \
                     writes, and every change takes longer.",
                    self.path, self.journal_mode
                ),
                format!(
                    "Stop the node and run `sqlite3 {} 'PRAGMA journal_mode = WAL'`. Some tool has \
                     changed it: use `hedge backup` for copies.",
                    self.path
                ),
            )
        })
    }

    fn judge_wal_length(&self) -> Option<Finding> {
        (self.wal_bytes > WAL_BYTES_MAX).then(|| {
            Finding::wrong(
                Check::Wal,
                format!(
                    "The log of {} has {}, and is not emptied.",
                    self.path,
                    bytes(self.wal_bytes)
                ),
                "Some program reads the database for hours on end, or the disk is too slow. End \
                 that program (the check `alone` names it), or start the node again. Never remove \
                 the -wal file: changes are in it.",
            )
        })
    }
}

/// A file whose pages are not what they should be.
pub fn damaged(path: &str, damage: &str) -> Finding {
    Finding::wrong(
        Check::Databases,
        format!("{path} is damaged: {damage}."),
        "Stop the node, keep the file, and put back the last backup (`hedge restore`); what was \
         sent since comes again from the node above. Then test the disk: it is likely to fail \
         again.",
    )
}

/// A file that does not open as a database.
pub fn unreadable(path: &str, reason: &str) -> Finding {
    Finding::wrong(
        Check::Databases,
        format!("{path} does not open as a database: {reason}."),
        "If the path in the runtime configuration is right, keep the file and put back the last \
         backup (`hedge restore`).",
    )
}

/// Some of a node's databases are there, and these are not.
pub fn missing(paths: &[String]) -> Option<Finding> {
    (!paths.is_empty()).then(|| {
        Finding::wrong(
            Check::Databases,
            format!(
                "{} of the node's databases {} missing: {}.",
                number(paths.len() as u64),
                if paths.len() == 1 { "is" } else { "are" },
                paths.join(", ")
            ),
            "Do not start the node: it would begin anew, without what was in there. Look where the \
             files went, or put back the last backup (`hedge restore`).",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> DatabaseSeen {
        DatabaseSeen {
            path: "p.db".into(),
            journal_mode: "wal".into(),
            version: 3,
            ..DatabaseSeen::default()
        }
    }

    fn checks(seen: &DatabaseSeen) -> Vec<Check> {
        seen.judge(Some(3)).into_iter().map(|finding| finding.check).collect()
    }

    #[test]
    fn each_fault_of_a_file_is_found_and_nothing_else() {
        assert_eq!(checks(&seen()), []);
        assert_eq!(checks(&DatabaseSeen { application: RESTORED, ..seen() }), []);
        assert_eq!(
            checks(&DatabaseSeen { version: 0, journal_mode: "delete".into(), ..seen() }),
            []
        );
        assert_eq!(checks(&DatabaseSeen { version: 4, ..seen() }), [Check::Schema]);
        assert_eq!(checks(&DatabaseSeen { application: 7, ..seen() }), [Check::Databases]);
        let deleting = DatabaseSeen { journal_mode: "delete".into(), ..seen() };
        assert_eq!(checks(&deleting), [Check::JournalMode]);
        assert_eq!(checks(&DatabaseSeen { wal_bytes: WAL_BYTES_MAX + 1, ..seen() }), [Check::Wal]);
        let damaged = DatabaseSeen { damage: Some("page 7".into()), ..seen() };
        assert_eq!(checks(&damaged), [Check::Databases]);
        assert_eq!(seen().judge(None), []);
    }

    #[test]
    fn missing_files_are_named() {
        assert_eq!(missing(&[]), None);
        let what = missing(&["a.db".into(), "b.db".into()]).unwrap().what;
        assert_eq!(what, "2 of the node's databases are missing: a.db, b.db.");
    }
}
