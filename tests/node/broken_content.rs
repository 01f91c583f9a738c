//! A broken upload gets a clear error and leaves the node as it was.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Node, Response, course};
use http::Method;
use serde_json::json;

fn upload(node: &Node, archive: &[u8]) -> Result<Response> {
    node.admin().send(Method::POST, "/content/v1/courses", Some(("application/zip", archive)))
}

#[test]
fn broken_packages_are_refused_and_the_courses_stay_as_they_are() -> Result<()> {
    let node = Node::start()?;
    let good = course::package("https://example.org/course", "Hedges")?;
    let imported = upload(&node, &good)?;
    ensure!(imported.status.is_success(), "{}: {}", imported.status, imported.text());
    let before = node.admin().get("/content/v1/courses")?.expect(200)?.text();
    ensure!(before.contains("Hedges"), "{before}");

    for (what, archive) in broken(&good)? {
        let refused = upload(&node, &archive)?;
        ensure!(refused.status == 400, "{what}: {}: {}", refused.status, refused.text());
        ensure!(
            refused.header("content-type") == "application/problem+json",
            "{what}: {refused:?}"
        );
        ensure!(!refused.detail()?.is_empty(), "{what}: no reason given");
        let after = node.admin().get("/content/v1/courses")?.expect(200)?.text();
        ensure!(after == before, "{what} changed the courses to {after}");
    }
    Ok(())
}

/// Archives that must not get in.
fn broken(good: &[u8]) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let page = course::PAGE.as_bytes();
    let structure = course::structure("https://example.org/other", "Other");
    let structure = structure.as_bytes();
    let half = good.get(..good.len() / 2).unwrap_or_default().to_vec();
    let mut flipped = good.to_vec();
    // Inside the first file's data: its checksum no longer holds.
    flipped.iter_mut().skip(60).take(20).for_each(|byte| *byte ^= 0x55);
    Ok(vec![
        ("nothing", Vec::new()),
        ("no zip archive", b"this is no archive".to_vec()),
        ("half an archive", half),
        ("a wrong checksum", flipped),
        ("no manifest, and nothing to show", course::archive(&[("unit.js", page)])?),
        (
            "a cmi5.xml that is no XML",
            course::archive(&[("cmi5.xml", b"<course"), ("index.html", page)])?,
        ),
        ("a unit without its file", course::archive(&[("cmi5.xml", structure)])?),
        (
            "a path that leaves the package",
            course::archive(&[
                ("cmi5.xml", structure),
                ("index.html", page),
                ("../up.html", page),
            ])?,
        ),
    ])
}

#[test]
fn learners_do_not_upload() -> Result<()> {
    let node = Node::start()?;
    let ada = json!({
        "name": "ada", "display_name": "Ada", "role": "learner", "password": "a-test-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let learner = node.anonymous().with_basic("ada:a-test-password");
    let archive = course::package("https://example.org/course", "Hedges")?;
    let zip = Some(("application/zip", archive.as_slice()));
    node.anonymous().send(Method::POST, "/content/v1/courses", zip)?.expect(401)?;
    learner.send(Method::POST, "/content/v1/courses", zip)?.expect(403)?;
    learner.post("/auth/people", &ada)?.expect(403)?;
    Ok(())
}
