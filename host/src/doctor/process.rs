//! Who has the databases, who answers, and what the machine lets that process have.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use hedgeschool_doctor::machine::{self, Answer, Running};
use hedgeschool_doctor::{Check, Report};
use http::Request;
use http_body_util::Empty;
use procfs::process::{LimitValue, Process};

use super::subject::{DoctorOptions, Subject};
use crate::client::http_client;
use crate::lock;
use crate::paths::path_beside;

/// What this program's processes are called.
const OURS: &str = "hedge";
/// How long a node may take to say whether it is well.
const ANSWER_MAX: Duration = Duration::from_secs(5);
const HEALTH: &str = "/.well-known/spin/health";
/// Bytes of a file of the kernel's that are read.
const KERNEL_FILE_MAX: u64 = 64 << 10;
/// No limit of memory is as large as this: version 1 of control groups says so for none.
const NO_LIMIT: u64 = 1 << 60;

/// What is known of the process of a node.
pub struct RunningNode {
    /// Whether some process works with the databases.
    pub is_open: bool,
    /// Whether a node answers.
    pub answers: bool,
    /// Where.
    pub url: String,
}

/// A process that has a database open.
struct Opener {
    id: u32,
    name: String,
    /// Whether it has the lock file open too, as hosts of ours have.
    has_lock: bool,
}

/// Looks for the process, and at it.
pub fn probe_process(
    subject: &Subject,
    options: &DoctorOptions,
    report: &mut Report,
) -> RunningNode {
    let openers = find_openers(subject);
    let held = subject.files.keys().find_map(|file| lock::find_holder(file).ok().flatten());
    let others = other_openers(held.as_ref().is_some_and(|it| it.has_file), &openers);
    report.saw(Check::Alone, machine::judge_others(&others));
    // Another host takes no lock.
    let holder = held.as_ref().map(|held| held.description.clone());
    let holder = holder.or_else(|| {
        openers.first().map(|opener| format!("{} has the databases open", opener.describe()))
    });
    let url = options.url.clone().unwrap_or_else(|| local_url(options.listen));
    let running = Running { holder, answer: ask_health(&url), url };
    report.is_running = running.holder.is_some();
    if running.holder.is_some() {
        report.saw(Check::Process, running.judge_process());
        report.could_not_see(Check::Port, "the node itself has it");
    } else {
        report.could_not_see(Check::Process, "the node does not run");
        report.saw(Check::Port, running.judge_port());
    }
    let of_lock = openers.iter().find(|it| it.has_lock).or(openers.first()).map(|it| it.id);
    match held.and_then(|held| held.process).or(of_lock) {
        Some(id) => probe_limits(id, report),
        None => {
            let reason = match running.holder {
                Some(_) => "which process the node is cannot be told from here",
                None => "the node does not run",
            };
            for check in [Check::OpenFiles, Check::Memory] {
                report.could_not_see(check, reason);
            }
        }
    }
    RunningNode {
        is_open: running.holder.is_some(),
        answers: matches!(running.answer, Answer::Node(_)) && running.holder.is_some(),
        url: running.url,
    }
}

/// Where a listener is reached from its own machine.
fn local_url(listen: SocketAddr) -> String {
    let mut reached = listen;
    if listen.ip().is_unspecified() {
        reached.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{reached}")
}

/// Who has the databases open, if that is more than a node.
fn other_openers(is_held: bool, openers: &[Opener]) -> Vec<String> {
    let strangers = openers.iter().filter(|it| !(is_held && it.has_lock)).count();
    // One without a lock is another host's node, if there is no host of ours.
    let is_alone = strangers == 0 || (!is_held && strangers == 1);
    if is_alone { Vec::new() } else { openers.iter().map(Opener::describe).collect() }
}

impl Opener {
    fn describe(&self) -> String {
        format!("process {} ({})", self.id, self.name)
    }
}

/// The processes that have a database open, as far as this one may know.
fn find_openers(subject: &Subject) -> Vec<Opener> {
    let inode = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let files = subject.files.keys();
    let wanted: BTreeMap<_, bool> = files
        .flat_map(|file| [(inode(file), false), (inode(&path_beside(file, ".lock")), true)])
        .filter_map(|(inode, is_lock)| Some((inode?, is_lock)))
        .collect();
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    let mut openers: Vec<_> =
        processes.filter_map(|process| as_opener(&process, &wanted)).collect();
    openers.sort_by_key(|opener| opener.id);
    openers
}

fn as_opener(process: &Process, wanted: &BTreeMap<(u64, u64), bool>) -> Option<Opener> {
    let id = u32::try_from(process.pid()).ok().filter(|id| *id != std::process::id())?;
    let open = fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
    let kinds = open.filter_map(|entry| {
        let file = fs::metadata(entry.path()).ok()?;
        wanted.get(&(file.dev(), file.ino())).copied()
    });
    let kinds: Vec<_> = kinds.collect();
    let has_lock = kinds.contains(&true);
    let name = process.stat().map_or_else(|_| "?".to_owned(), |stat| stat.comm);
    // `hedge backup` may read at any time.
    let is_one = has_lock || (!kinds.is_empty() && name != OURS);
    is_one.then_some(Opener { id, name, has_lock })
}

/// Asks whether a node is well.
fn ask_health(url: &str) -> Answer {
    let asked = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = asked else { return Answer::Nobody };
    runtime.block_on(async {
        let Ok(client) = http_client::<Empty<Bytes>>(ANSWER_MAX, false) else {
            return Answer::Nobody;
        };
        let request = Request::get(format!("{url}{HEALTH}")).body(Empty::new());
        let Ok(request) = request else { return Answer::Nobody };
        match tokio::time::timeout(ANSWER_MAX, client.request(request)).await {
            Err(_) => Answer::Silent,
            Ok(Err(error)) if error.is_connect() => Answer::Nobody,
            Ok(Err(_)) => Answer::Strange,
            Ok(Ok(response)) => match response.status().as_u16() {
                status @ (200 | 503) => Answer::Node(status),
                _ => Answer::Strange,
            },
        }
    })
}

/// Looks at the limits of a process.
fn probe_limits(id: u32, report: &mut Report) {
    let limit = i32::try_from(id).ok().and_then(|id| Process::new(id).ok()?.limits().ok());
    match limit.map(|limits| limits.max_open_files.soft_limit) {
        Some(LimitValue::Value(limit)) => {
            report.saw(Check::OpenFiles, machine::judge_open_files(limit, "The node"));
        }
        Some(LimitValue::Unlimited) => report.saw(Check::OpenFiles, []),
        None => report.could_not_see(Check::OpenFiles, "the process may not be looked at"),
    }
    match memory_limit(id) {
        Some((limit, used)) => report.saw(Check::Memory, machine::judge_memory(limit, used)),
        None => report.saw(Check::Memory, []),
    }
}

/// The memory that the control group of a process may have, and has. None: there is no limit.
fn memory_limit(id: u32) -> Option<(u64, u64)> {
    let groups = read_kernel_file(Path::new(&format!("/proc/{id}/cgroup")))?;
    groups.lines().find_map(|line| {
        // Hierarchy, controllers, path: cgroups(7).
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
            _ => return None,
        };
        let group = PathBuf::from(root).join(path);
        let number = |name| read_kernel_file(&group.join(name))?.trim().parse::<u64>().ok();
        let limit = number(limit).filter(|limit| *limit < NO_LIMIT)?;
        // Copies of files go when memory is short.
        let copies = read_kernel_file(&group.join("memory.stat")).and_then(|stat| {
            let mut lines = stat.lines();
            lines.find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok())
        });
        Some((limit, number(used)?.saturating_sub(copies.unwrap_or(0))))
    })
}

fn read_kernel_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(KERNEL_FILE_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opener(id: u32, has_lock: bool) -> Opener {
        Opener { id, name: "x".to_owned(), has_lock }
    }

    #[test]
    fn one_process_works_with_the_databases() {
        let count = |is_held, openers: &[Opener]| other_openers(is_held, openers).len();
        assert_eq!(count(true, &[opener(1, true)]), 0);
        assert_eq!(count(true, &[opener(1, true), opener(2, true)]), 0, "the next one waits");
        assert_eq!(count(true, &[opener(1, true), opener(2, false)]), 2);
        assert_eq!(count(false, &[opener(1, false)]), 0, "another host");
        assert_eq!(count(false, &[opener(1, false), opener(2, false)]), 2);
        assert_eq!(count(false, &[]), 0);
    }

    #[test]
    fn a_listener_for_all_is_asked_from_here() {
        assert_eq!(local_url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(local_url("192.0.2.1:80".parse().unwrap()), "http://192.0.2.1:80");
    }
}
