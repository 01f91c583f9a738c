//! The process of a node, and what the machine lets it have.

use crate::words::{bytes, number};
use crate::{Check, Finding};

/// Files and sockets that a node needs at least.
const OPEN_FILES_MIN: u64 = 1_024;
/// Memory that one component may take, and with it the host. Below this it is ended in load.
const MEMORY_MIN: u64 = 256 << 20;
/// Of a limit, in percent: what is used beyond this is about to be ended.
const MEMORY_PERCENT: u64 = 90;

/// Who has the databases, and who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// What is known of the process that has the databases. None: no process of `hedge` has.
    pub holder: Option<String>,
    /// Where the node should answer.
    pub url: String,
    /// What came of asking there.
    pub answer: Answer,
}

/// What came of asking a node whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody is there.
    Nobody,
    /// Somebody is, and does not answer in time.
    Silent,
    /// An answer that no node gives.
    Strange,
    /// A node, by the status of its answer.
    Node(u16),
}

impl Running {
    /// Judges the process.
    pub fn judge_process(&self) -> Option<Finding> {
        let Self { holder, url, answer } = self;
        let holder = holder.as_deref()?;
        let (what, advice) = match answer {
            Answer::Node(200) => return None,
            Answer::Node(status) => (
                format!("The node answers at {url}, and is not well: status {status}."),
                "Look at its log: the last lines say what is wrong. A node that has just started \
                 needs some seconds.",
            ),
            Answer::Silent => (
                format!("{holder}, and does not answer at {url}."),
                "It hangs, or the machine is far too busy. Look what else runs there (`top`), and \
                 at its log; then end that process and start the node again. What was acknowledged \
                 is there.",
            ),
            Answer::Nobody | Answer::Strange => (
                format!("{holder}, and no node answers at {url}."),
                "If it listens elsewhere, say where with --url. If not: is it just starting? Else \
                 look at its log, end that process, and start the node again.",
            ),
        };
        Some(Finding::wrong(Check::Process, what, advice))
    }

    /// Judges the port: if the node does not run, nobody may have it.
    pub fn judge_port(&self) -> Option<Finding> {
        let is_taken = self.holder.is_none() && self.answer != Answer::Nobody;
        is_taken.then(|| {
            let who = match self.answer {
                Answer::Node(200) => "a node with another state folder",
                Answer::Node(_) | Answer::Silent => "somebody who is not ready to answer",
                _ => "another program",
            };
            Finding::wrong(
                Check::Port,
                format!("The node does not run, and at its address {} there is {who}.", self.url),
                "If this node is just starting, look again in a minute: the first start after an \
                 upgrade takes one. Otherwise end what is there (`ss -ltnp` shows its process), or \
                 have this node listen elsewhere (--listen).",
            )
        })
    }
}

/// Judges who else has the databases open.
pub fn judge_others(others: &[String]) -> Option<Finding> {
    (!others.is_empty()).then(|| {
        Finding::wrong(
            Check::Alone,
            format!(
                "The node's databases are open in more than one program: {}.",
                others.join(", ")
            ),
            "End all but the node itself. Two nodes on one state folder undo each other's work; \
             use `hedge backup` for copies.",
        )
    })
}

/// Judges how many files a process may have open.
pub fn judge_open_files(limit: u64, whose: &str) -> Option<Finding> {
    (limit < OPEN_FILES_MIN).then(|| {
        Finding::wrong(
            Check::OpenFiles,
            format!(
                "{whose} may have only {} files and connections open: with many learners at once \
                 some are turned away.",
                number(limit)
            ),
            "Raise the limit to 8192 or more: `ulimit -n` before it is started, or LimitNOFILE in \
             its unit of systemd.",
        )
    })
}

/// Judges the memory of the group of processes that the node is in.
pub fn judge_memory(limit: u64, used: u64) -> Option<Finding> {
    if limit < MEMORY_MIN {
        return Some(Finding::wrong(
            Check::Memory,
            format!("The node may have only {} of memory.", bytes(limit)),
            "Raise the limit of its pod, container or unit to 512 MB or more: else it is ended \
             when many learn at once.",
        ));
    }
    let percent = used.saturating_mul(100).checked_div(limit)?;
    (percent >= MEMORY_PERCENT).then(|| {
        Finding::warning(
            Check::Memory,
            format!("Of {} of memory that the node may have, {percent} % are used.", bytes(limit)),
            "Raise the limit of its pod, container or unit. If memory grows from day to day, \
             restart the node in a quiet hour and report it.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(holder: Option<&str>, answer: Answer) -> [bool; 2] {
        let holder = holder.map(str::to_owned);
        let running = Running { holder, url: "http://a".to_owned(), answer };
        [running.judge_process().is_some(), running.judge_port().is_some()]
    }

    #[test]
    fn who_has_the_databases_is_to_answer_and_nobody_else() {
        let held = Some("process 7 works with p.db");
        assert_eq!(running(held, Answer::Node(200)), [false, false]);
        assert_eq!(running(held, Answer::Node(503)), [true, false]);
        for answer in [Answer::Nobody, Answer::Silent, Answer::Strange] {
            assert_eq!(running(held, answer), [true, false]);
        }
        assert_eq!(running(None, Answer::Nobody), [false, false]);
        for answer in [Answer::Node(200), Answer::Silent, Answer::Strange] {
            assert_eq!(running(None, answer), [false, true]);
        }
    }

    #[test]
    fn limits_have_to_suffice() {
        assert_eq!(judge_open_files(1_024, "The node"), None);
        assert!(judge_open_files(256, "The node").unwrap().what.contains("only 256 files"));
        assert_eq!(judge_memory(512 << 20, 100 << 20), None);
        assert!(judge_memory(64 << 20, 0).unwrap().is_wrong());
        assert!(!judge_memory(512 << 20, 500 << 20).unwrap().is_wrong());
        assert_eq!(judge_others(&[]), None);
        assert!(judge_others(&["sqlite3 (7)".to_owned()]).unwrap().what.contains("sqlite3 (7)"));
    }
}
