//! Course files from a node, and the same from nginx.

use anyhow::Result;
use hedgeschool_tests::Node;

use crate::meter::Meter;
use crate::nginx::Nginx;
use crate::target::{LARGE, SMALL, Target};

/// Measures the node first.
pub fn measure(node: &Node, meter: &Meter) -> Result<()> {
    let nginx = Nginx::start()?;
    meter.table("Course files");
    for sample in [SMALL, LARGE] {
        let name = format!("a {} file", sample.size);
        let files = [
            (name, Target::import_file(node, sample)?),
            ("the same from nginx".to_owned(), nginx.file(sample)?),
        ];
        for (name, file) in &files {
            for connections in [1, 16] {
                meter.measure(name, connections, 1, file)?;
            }
        }
    }
    Ok(())
}
