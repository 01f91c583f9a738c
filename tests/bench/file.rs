//! A course file from a node, and the same from nginx.

use anyhow::Result;
use hedgeschool_tests::Node;

use crate::meter::Meter;
use crate::nginx::Nginx;
use crate::target::Target;

/// Measures the node first.
pub fn measure(node: &Node, meter: &Meter) -> Result<()> {
    let nginx = Nginx::start()?;
    let files =
        [("a 16 KB file", Target::import_file(node)?), ("the same from nginx", nginx.file()?)];
    meter.table("Course files");
    for (name, file) in &files {
        for connections in [1, 16] {
            meter.measure(name, connections, 1, file)?;
        }
    }
    Ok(())
}
