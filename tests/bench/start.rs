//! From the start of the process to the first answer.

use std::time::{Duration, Instant};

use anyhow::Result;
use hedgeschool_tests::Node;

use crate::report::{Times, milliseconds};

/// The portal's page for those who have not signed in.
pub const SIGN_IN: &str = "/sign-in";

/// Starts a node again and again in one state folder, compiled components cached, and asks its
/// portal.
pub fn measure(starts: u32) -> Result<String> {
    let mut node = Node::builder()?.on_disk()?.quiet().start()?;
    let mut times = Vec::new();
    for _ in 0..starts {
        times.push(again(&mut node, SIGN_IN)?);
    }
    let times = Times::new(times);
    let [median, worst] = [0.5, 1.0].map(|share| milliseconds(times.percentile(share)));
    Ok(format!(
        "Process start to the portal's first 200 (its sign-in page): median {median}, worst {worst} of {starts}.\n"
    ))
}

/// Ends a node and starts it again, until a page is there.
pub fn again(node: &mut Node, page: &str) -> Result<Duration> {
    node.terminate()?;
    let start = Instant::now();
    node.spawn()?;
    node.first_answer(page)?;
    let took = start.elapsed();
    node.await_ready()?;
    Ok(took)
}
