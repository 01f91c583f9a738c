//! From the start of the process to the first answer.

use std::time::Instant;

use anyhow::Result;
use hedgeschool_tests::Node;

use crate::report::{Times, milliseconds};

/// Starts a node again and again in one state folder, compiled components cached, and asks its portal.
pub fn measure(starts: u32) -> Result<String> {
    let mut node = Node::builder()?.on_disk()?.quiet().start()?;
    let mut times = Vec::new();
    for _ in 0..starts {
        node.terminate()?;
        let start = Instant::now();
        node.spawn()?;
        node.first_answer("/sign-in")?;
        times.push(start.elapsed());
        node.await_ready()?;
    }
    let times = Times::new(times);
    let [median, worst] = [0.5, 1.0].map(|share| milliseconds(times.percentile(share)));
    Ok(format!(
        "Process start to the portal's first 200 (its sign-in page): median {median}, worst {worst} of {starts}.\n"
    ))
}
