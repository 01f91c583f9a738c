//! The table of all checks.

use serde::{Serialize, Serializer};

/// Something that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// `spin.toml`.
    Manifest,
    /// The `.wasm` files it names.
    Components,
    /// `runtime-config.toml`.
    RuntimeConfig,
    /// Values of variables.
    Variables,
    /// Whose the state folder and its files are, and whether they can be written.
    Permissions,
    /// What kind of file system the state is on.
    Filesystem,
    /// Room on that.
    Disk,
    /// Whether each database opens and is whole.
    Databases,
    /// Whether a later release wrote it.
    Schema,
    /// Whether it has a write-ahead log.
    JournalMode,
    /// How long that is.
    Wal,
    /// Whether the process that has the databases answers.
    Process,
    /// Whether it alone has them.
    Alone,
    /// Whether its port is free for it.
    Port,
    /// How many files it may have open.
    OpenFiles,
    /// How much memory it may have.
    Memory,
    /// The clock.
    Clock,
    /// The name of the node above.
    UpstreamName,
    /// A connection to it.
    UpstreamConnection,
    /// Its certificate.
    UpstreamCertificate,
    /// What it answers.
    UpstreamAnswer,
    /// Whether it knows this node's token.
    UpstreamToken,
    /// What replication itself says.
    Replication,
    /// Changes that wait.
    Backlog,
    /// Nodes of different releases.
    Upgrade,
    /// What the stores take, and may.
    Storage,
    /// Conflicts that nobody has settled.
    Conflicts,
    /// Courses on their way here.
    Courses,
    /// Redis, where there is one.
    Redis,
    /// The nodes below.
    Below,
    /// The backup that was named.
    Backup,
}

/// What is to be said of a check.
struct Row {
    check: Check,
    /// Its name in JSON, and its section in `docs/doctor.md`.
    id: &'static str,
    /// What people call it.
    title: &'static str,
    /// Where it says more than the advice does.
    see: &'static str,
}

const fn table_row(check: Check, id: &'static str, title: &'static str, see: &'static str) -> Row {
    Row { check, id, title, see }
}

/// All of them, in the order in which they are told: what explains others comes first.
const TABLE: [Row; 31] = [
    table_row(Check::Manifest, "manifest", "Manifest", "docs/doctor.md#checks"),
    table_row(Check::Components, "components", "Components", "docs/deploy.md#an-upgrade"),
    table_row(
        Check::RuntimeConfig,
        "runtime-config",
        "Runtime configuration",
        "docs/doctor.md#checks",
    ),
    table_row(Check::Variables, "variables", "Settings", "docs/doctor.md#checks"),
    table_row(Check::Permissions, "permissions", "Permissions", "docs/doctor.md#checks"),
    table_row(Check::Filesystem, "filesystem", "File system", "docs/edge-box.md#what-a-box-needs"),
    table_row(Check::Disk, "disk", "Disk", "docs/runbook.md#disknearlyfull"),
    table_row(Check::Databases, "databases", "Databases", "docs/backup.md#putting-one-back"),
    table_row(Check::Schema, "schema", "Release of the data", "docs/deploy.md#back-again"),
    table_row(Check::JournalMode, "journal-mode", "Kind of log", "docs/doctor.md#checks"),
    table_row(Check::Wal, "wal", "Length of the log", "docs/runbook.md#writeswait"),
    table_row(Check::Process, "process", "The node's process", "docs/runbook.md#hostdown"),
    table_row(Check::Alone, "alone", "One node a folder", "docs/backup.md#putting-one-back"),
    table_row(Check::Port, "port", "Port", "docs/doctor.md#checks"),
    table_row(Check::OpenFiles, "open-files", "Open files", "docs/doctor.md#checks"),
    table_row(Check::Memory, "memory", "Memory", "docs/runbook.md#memorygrows"),
    table_row(Check::Clock, "clock", "Clock", "docs/runbook.md#clockskewed"),
    table_row(Check::UpstreamName, "upstream-name", "Name above", "docs/runbook.md#upstreamsilent"),
    table_row(
        Check::UpstreamConnection,
        "upstream-connection",
        "Line above",
        "docs/runbook.md#upstreamsilent",
    ),
    table_row(
        Check::UpstreamCertificate,
        "upstream-certificate",
        "Certificate above",
        "docs/runbook.md#manynodessilent",
    ),
    table_row(
        Check::UpstreamAnswer,
        "upstream-answer",
        "Answer above",
        "docs/runbook.md#roundsfail",
    ),
    table_row(Check::UpstreamToken, "upstream-token", "Token", "docs/runbook.md#roundsfail"),
    table_row(Check::Replication, "replication", "Node above", "docs/runbook.md#upstreamsilent"),
    table_row(
        Check::Backlog,
        "backlog",
        "Waiting to be sent",
        "docs/runbook.md#unsyncedchangesold",
    ),
    table_row(Check::Upgrade, "upgrade", "Releases", "docs/runbook.md#kindswithheld"),
    table_row(Check::Storage, "storage", "Room for records", "docs/runbook.md#storagenearlimit"),
    table_row(Check::Conflicts, "conflicts", "Conflicts", "docs/runbook.md#conflictsunsettled"),
    table_row(Check::Courses, "courses", "Courses", "docs/runbook.md#coursesgivenup"),
    table_row(Check::Redis, "redis", "Redis", "docs/runbook.md#redisdown"),
    table_row(Check::Below, "below", "Nodes below", "docs/runbook.md#nodesilent"),
    table_row(Check::Backup, "backup", "Backup", "docs/backup.md"),
];

impl Check {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.check)
    }

    fn look_up(self, of: fn(&Row) -> &'static str) -> &'static str {
        TABLE.iter().find(|row| row.check == self).map_or("", of)
    }

    /// Its name for programs.
    pub fn id(self) -> &'static str {
        self.look_up(|row| row.id)
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.look_up(|row| row.title)
    }

    /// Where there is more about it.
    pub fn see(self) -> &'static str {
        self.look_up(|row| row.see)
    }

    /// Whether a look at the node above from here answers it: what replication says of the link is
    /// then older news.
    pub fn is_of_the_link(self) -> bool {
        (Self::UpstreamName..=Self::UpstreamToken).contains(&self)
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/doctor.md");

    #[test]
    fn the_table_has_every_check_once_in_order_and_the_document_has_each() {
        assert!(TABLE.is_sorted_by(|one, next| one.check < next.check));
        assert_eq!(TABLE.len(), Check::Backup as usize + 1);
        for row in TABLE {
            assert!(DOCUMENT.contains(&format!("| `{}` |", row.id)), "{}", row.id);
        }
    }

    #[test]
    fn every_check_leads_to_a_section_that_there_is() {
        let documents = [
            ("docs/doctor.md", DOCUMENT),
            ("docs/runbook.md", include_str!("../../../docs/runbook.md")),
            ("docs/backup.md", include_str!("../../../docs/backup.md")),
            ("docs/deploy.md", include_str!("../../../docs/deploy.md")),
            ("docs/edge-box.md", include_str!("../../../docs/edge-box.md")),
        ];
        for row in TABLE {
            let (file, section) = row.see.split_once('#').unwrap_or((row.see, ""));
            let (_, text) = documents.iter().find(|(name, _)| *name == file).unwrap();
            let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase();
            let mut headings = text.lines().filter(|line| line.starts_with('#')).map(heading);
            assert!(
                section.is_empty() || headings.any(|it| it.replace(' ', "-") == section),
                "{}",
                row.see
            );
        }
    }
}
