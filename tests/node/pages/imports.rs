//! The form that imports courses, over links that are slow and break.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::upload::underway;
use hedgeschool_tests::{Browser, Link, Node, course};
use http::Method;
use rand::Rng;
use serde_json::json;
use tempfile::TempDir;

use super::give;
use crate::tree::soon;

/// Bytes of a package, and of it a second over a slow link.
const PACKAGE_BYTES: usize = 3_000_000;
const SLOW: u64 = 400_000;

/// A node at the end of a link, and the form in a browser that has chosen a package.
struct World {
    node: Node,
    link: Link,
    browser: Browser,
    file: PathBuf,
    _folder: TempDir,
}

impl World {
    fn new() -> Result<Self> {
        let node = Node::start()?;
        let link = Link::to(node.port())?;
        let mut film = vec![0; PACKAGE_BYTES];
        rand::rng().fill_bytes(&mut film);
        let structure = course::structure("https://example.org/slow", "A slow course");
        let page = course::PAGE.as_bytes();
        let files = [("cmi5.xml", structure.as_bytes()), ("index.html", page), ("film.bin", &film)];
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("slow.zip");
        fs::write(&file, course::archive(&files)?)?;
        let browser = Browser::phone()?;
        browser.open(&link.address())?;
        give(&browser, Node::ADMIN)?;
        browser.await_text("header", "Sign out")?;
        let world = Self { node, link, browser, file, _folder: folder };
        world.open()?;
        world.link.limit(SLOW);
        Ok(world)
    }

    fn open(&self) -> Result<()> {
        self.browser.open(&format!("{}/admin/courses", self.link.address()))
    }

    /// Chooses the package and sends it.
    fn send(&self) -> Result<()> {
        self.browser.type_into("#package", &self.file.to_string_lossy())?;
        self.browser.click("#import button")
    }

    /// Waits until so many bytes are at the node.
    fn await_bytes(&self, bytes: u64) -> Result<()> {
        soon("bytes come", || {
            let offset = underway(&self.node)?.first().map(|upload| upload["offset"].clone());
            Ok(offset.and_then(|offset| offset.as_u64()).is_some_and(|offset| offset >= bytes))
        })
    }

    /// The upload that is underway.
    fn id(&self) -> Result<String> {
        let uploads = underway(&self.node)?;
        let id = uploads.first().and_then(|upload| upload["id"].as_str());
        Ok(id.context("nothing is underway")?.to_owned())
    }

    /// Whether it is the one that was imported.
    fn check_imported(&self, id: &str) -> Result<()> {
        let path = format!("{}?upload={id}", course::COURSES);
        self.node.admin().send(Method::POST, &path, None)?.expect(201)?;
        Ok(())
    }
}

#[test]
fn a_package_goes_on_when_the_link_is_back() -> Result<()> {
    let world = World::new()?;
    world.send()?;
    world.await_bytes(300_000)?;
    let id = world.id()?;
    world.browser.await_text("#standing", "MB sent")?;
    let is_wide = world.browser.evaluate("document.documentElement.scrollWidth > innerWidth")?;
    assert_eq!(is_wide, json!(false));
    world.link.cut();
    world.browser.await_text("#outcome", "nothing that was sent is lost")?;
    world.link.restore();
    world.browser.await_text("#standing", "left")?;
    world.link.limit(0);
    world.browser.await_text("#outcome", "Imported “A slow course”.")?;
    world.check_imported(&id)
}

#[test]
fn a_package_goes_on_when_the_page_is_opened_again() -> Result<()> {
    let world = World::new()?;
    world.send()?;
    world.await_bytes(500_000)?;
    let id = world.id()?;
    world.open()?;
    world.browser.await_text("#outcome", "“slow.zip” was not sent to its end")?;
    world.link.limit(0);
    world.send()?;
    world.browser.await_text("#outcome", "Imported “A slow course”.")?;
    ensure!(underway(&world.node)?.is_empty(), "it was sent anew");
    world.check_imported(&id)?;
    // Nothing is left to go on with.
    world.open()?;
    assert_eq!(world.browser.text("#outcome")?, "");
    Ok(())
}

#[test]
fn a_package_is_cancelled() -> Result<()> {
    let world = World::new()?;
    world.send()?;
    world.await_bytes(100_000)?;
    world.browser.click("#cancel")?;
    world.browser.await_text("#outcome", "Cancelled")?;
    soon("it is gone", || Ok(underway(&world.node)?.is_empty()))?;
    let courses = world.node.admin().get(course::COURSES)?.expect(200)?.json()?;
    let courses = courses["courses"].as_array().context("a list")?.len();
    assert_eq!(courses, 0);
    Ok(())
}
