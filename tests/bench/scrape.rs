//! What it costs to be read by Prometheus.

use std::time::Instant;

use anyhow::Result;
use hedgeschool_tests::{Node, scraper, statement};

use crate::report::{Times, milliseconds, row};

/// Scrapes before memory is looked at, as many as an instance is asked for, and those that may not
/// add to it.
const FIRST: usize = 2_000;
const SCRAPES: usize = 10_000;
/// What is stored meanwhile, so that figures change.
const SCRAPES_A_STATEMENT: usize = 100;

/// Measures how long a scrape takes, and whether scrapes leave anything behind.
pub fn measure() -> Result<()> {
    println!("### {SCRAPES} scrapes of `/metrics`\n");
    let builder = Node::builder()?.on_disk()?;
    let node = scraper::LISTEN.iter().fold(builder, |node, word| node.argument(word)).start()?;
    let before = node.memory()?;
    scrape(&node, FIRST)?;
    let (first, start) = (node.memory()?, Instant::now());
    let (times, bytes) = scrape(&node, SCRAPES)?;
    let (took, last) = (start.elapsed().as_secs_f64(), node.memory()?);
    let names = ["scrapes/s", "P50", "P99", "bytes", "memory before", "after 2,000", "at the end"];
    println!("{}\n|--:|--:|--:|--:|--:|--:|--:|", row(&names.map(str::to_owned)));
    let memory =
        [before, first, last].map(|bytes| format!("{:.2} MiB", bytes as f64 / 1_048_576.0));
    let cells = [
        format!("{:.0}", SCRAPES as f64 / took),
        milliseconds(times.percentile(0.5)),
        milliseconds(times.percentile(0.99)),
        bytes.to_string(),
    ];
    println!("{}", row(&[&cells[..], &memory].concat()));
    Ok(())
}

/// Scrapes so often; answers what each took, and the size of the last.
fn scrape(node: &Node, times: usize) -> Result<(Times, usize)> {
    let (scraper, mut took, mut bytes) = (scraper::of(node)?, Vec::new(), 0);
    for number in 0..times {
        if number % SCRAPES_A_STATEMENT == 0 {
            statement::post(&node.xapi(), &statement::new_id())?;
        }
        let start = Instant::now();
        bytes = scraper.get(scraper::PATH)?.expect(200)?.body.len();
        took.push(start.elapsed());
    }
    Ok((Times::new(took), bytes))
}
