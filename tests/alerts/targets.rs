//! Where nodes tell their figures.

use std::fs;
use std::path::Path;

use anyhow::Result;
use hedgeschool_tests::{Builder, Node, free_port};
use serde_json::{Value, json};

/// Nodes that Prometheus reads, as its files name them.
#[derive(Default)]
pub struct Targets {
    hosts: Vec<Value>,
    stores: Vec<Value>,
}

impl Targets {
    /// Starts a node that is read, in a region.
    pub fn start(&mut self, builder: Builder, name: &str, region: &str) -> Result<Node> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let builder = builder.argument("--metrics-listen").argument(&address).quiet();
        let node = builder.start()?;
        let labels = json!({"instance": name, "region": region});
        self.hosts.push(json!({"targets": [address], "labels": labels}));
        Ok(node)
    }

    /// Has a node's page of what its stores know read, too, as another job.
    pub fn add_stores(&mut self, node: &Node, name: &str, region: &str) {
        let address = format!("127.0.0.1:{}", node.port());
        let labels = json!({"instance": name, "region": region});
        self.stores.push(json!({"targets": [address], "labels": labels}));
    }

    /// How many pages there are.
    pub fn len(&self) -> usize {
        self.hosts.len() + self.stores.len()
    }

    /// Tells Prometheus.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let site = folder.join("site");
        fs::create_dir_all(&site)?;
        fs::write(site.join("nodes.json"), json!(self.hosts).to_string())?;
        Ok(fs::write(site.join("stores.json"), json!(self.stores).to_string())?)
    }
}
