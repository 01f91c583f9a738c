//! A node of a schedule, its machine, its link upwards, and the copy of its disk that somebody
//! keeps.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::Result;
use hedgeschool_tests::{Builder, Link, Machine, Node};
use tempfile::TempDir;

use super::watch::Watch;

const STORES: [&str; 3] = ["content", "identity", "progress"];

pub struct Side {
    pub name: &'static str,
    pub node: Node,
    pub machine: Machine,
    /// The node above.
    pub above: Option<usize>,
    /// The link to it.
    pub link: Option<Link>,
    pub is_up: bool,
    /// Its disk was.
    pub was_set_back: bool,
    pub held: Held,
    pub watch: Watch,
    copy: TempDir,
    copied: Option<Held>,
}

/// What was acknowledged by a node, or read there, and is on its disk.
#[derive(Clone, Default)]
pub struct Held {
    /// Ids of statements.
    pub statements: HashSet<String>,
    /// Bytes of attachments, by the id of their statement.
    pub attachments: HashMap<String, Vec<u8>>,
    /// Contents of documents, no two of which are the same.
    pub documents: HashSet<String>,
}

impl Side {
    /// Starts a node; `link` leads to the one above.
    pub fn start(name: &'static str, below: &[&str], above: Option<(usize, Link)>) -> Result<Self> {
        let tokens: Vec<_> = below.iter().map(|node| format!("{node}:token-of-{node}")).collect();
        let builder = Node::builder()?.variable("node_id", name).variable("sync_interval", "100ms");
        let builder = builder.variable("bootstrap_nodes", &tokens.join(","));
        let builder = above.iter().fold(builder, |builder, (_, link)| under(builder, name, link));
        let machine = Machine::under(builder.folder())?;
        let node = builder.environment(machine.environment()?).start()?;
        let (above, link) = above.unzip();
        let (held, watch, copy) = (Held::default(), Watch::default(), TempDir::new()?);
        let (is_up, was_set_back, copied) = (true, false, None);
        Ok(Self {
            name,
            node,
            machine,
            above,
            link,
            is_up,
            was_set_back,
            held,
            watch,
            copy,
            copied,
        })
    }

    /// Kills the node, if it runs.
    pub fn kill(&mut self) -> Result<()> {
        self.is_up = false;
        self.node.kill()
    }

    /// Starts the node, if it does not run.
    pub fn raise(&mut self) -> Result<()> {
        if !self.is_up {
            self.node.restart()?;
            self.is_up = true;
        }
        Ok(())
    }

    /// Copies the disk.
    pub fn copy_disk(&mut self) -> Result<()> {
        self.kill()?;
        copy(self.node.folder(), self.copy.path())?;
        self.copied = Some(self.held.clone());
        self.raise()
    }

    /// Puts the copy in place of the disk, if there is one. What only the disk had is lost.
    pub fn set_back(&mut self) -> Result<()> {
        let Some(copied) = self.copied.clone() else { return Ok(()) };
        self.kill()?;
        copy(self.copy.path(), self.node.folder())?;
        (self.held, self.watch) = (copied, Watch::default());
        self.was_set_back = true;
        self.raise()
    }
}

fn under(builder: Builder, name: &str, link: &Link) -> Builder {
    builder
        .variable("upstream_url", &link.address())
        .variable("upstream_token", &format!("token-of-{name}"))
}

/// Copies the databases of a node that does not run, over those that are there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for store in STORES {
        for ending in ["db", "db-wal", "db-shm"] {
            let name = format!("{store}.{ending}");
            let _ = fs::remove_file(to.join(&name));
            if from.join(&name).exists() {
                fs::copy(from.join(&name), to.join(&name))?;
            }
        }
    }
    Ok(())
}
