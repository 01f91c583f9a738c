//! Archives that would do harm are refused by a sentence, and leave nothing behind.

use anyhow::{Result, ensure};
use hedgeschool_tests::upload::{Upload, underway};
use hedgeschool_tests::{Node, course, hostile, is_own_host};
use http::Method;

use crate::uploads::cleared;

/// How much the node's memory may grow by all of them.
const GROWTH_MAX: u64 = 64 << 20;

#[test]
fn hostile_archives_are_refused_by_name_and_rule_and_leave_nothing() -> Result<()> {
    let node = Node::start()?;
    let body = Some(("application/zip", b"no archive".as_slice()));
    node.admin().send(Method::POST, course::COURSES, body)?.expect(400)?;
    let (before, mut most) = (node.memory()?, 0);
    let all = hostile::archives();
    ensure!(all.len() >= 40, "only {} archives", all.len());
    let mut wrong = String::new();
    for (number, archive) in all.iter().enumerate() {
        let refused = if number % 2 == 0 {
            let body = Some(("application/zip", archive.bytes.as_slice()));
            node.admin().send(Method::POST, course::COURSES, body)?
        } else {
            let upload = Upload::begin(&node.admin(), "", archive.bytes.len() as u64)?;
            upload.send_rest(&archive.bytes, 8 << 20)?;
            upload.import()?
        };
        most = most.max(node.memory()?);
        let is_refused = refused.status == 400 || refused.status == 413;
        let says = refused.detail().unwrap_or_default();
        let has_words = archive.words.iter().all(|word| says.contains(word));
        if !is_refused || !has_words {
            wrong += &format!("\n{}: {} {:?}", archive.what, refused.status, refused.text());
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    ensure!(underway(&node)?.is_empty(), "uploads are left");
    let listed = node.admin().get(course::COURSES)?.expect(200)?.json()?;
    ensure!(listed["courses"].as_array().is_some_and(Vec::is_empty), "courses: {listed}");
    if is_own_host() {
        assert_eq!(cleared(&node)?, [0, 0], "courses and blobs");
        let growth = most.saturating_sub(before);
        println!("{} archives; memory grew by {} MB at most", all.len(), growth >> 20);
        ensure!(growth < GROWTH_MAX, "memory grew by {} MB", growth >> 20);
    }
    Ok(())
}
