//! Courses that change while somebody is under way: who has begun one finishes it.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, course};
use http::Method;

use super::{COURSE, FORM, Ready, between, classroom_with};
use crate::tree::learner;

const LAUNCH_URL: &str = "https://w3id.org/xapi/cmi5/context/extensions/launchurl";
const NOTICE: &str = "There is a newer version of this course.";

/// A course of such units, each with the version in its file.
fn version(version: &str, units: &[&str]) -> Result<Vec<u8>> {
    let text = |tag: &str, text: &str| format!("<{tag}><langstring>{text}</langstring></{tag}>");
    let title = |name: &str| text("title", name) + &text("description", name);
    let unit = |name: &&str| {
        let (title, id) = (title(name), name.replace(' ', "-"));
        format!("<au id='{COURSE}/{id}' moveOn='Completed'>{title}<url>index.html</url></au>")
    };
    let structure = format!(
        "<courseStructure xmlns='https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd'>\
         <course id='{COURSE}'>{}</course>{}</courseStructure>",
        title("Knots"),
        units.iter().map(unit).collect::<String>(),
    );
    course::archive(&[("cmi5.xml", structure.as_bytes()), ("index.html", version.as_bytes())])
}

/// A node on which Ada has begun the first version and the second is there, and both learners.
fn school() -> Result<(Node, Client, Client)> {
    let (node, ada) = classroom_with(&version("first", &["Bowline", "Sheet bend"])?)?;
    node.admin().post("/auth/people", &learner("grace"))?.expect(201)?;
    let grace = node.browser(&node.sign_in("grace:a-long-password")?);
    Ready::start(&node, &ada, 0, "Normal")?.complete()?;
    import(&node, &version("second", &["Bowline", "Clove hitch"])?)?;
    Ok((node, ada, grace))
}

fn import(node: &Node, package: &[u8]) -> Result<()> {
    let zip = Some(("application/zip", package));
    node.admin().send(Method::POST, course::COURSES, zip)?.expect(201).map(drop)
}

/// The page of the only course.
fn page(browser: &Client) -> Result<String> {
    let courses = browser.get("/")?.expect(200)?.text();
    Ok(format!("/courses/{}", between(&courses, "href=\"/courses/", "\"")?))
}

/// What the course's page says.
fn shown(browser: &Client) -> Result<String> {
    Ok(browser.get(&page(browser)?)?.expect(200)?.text())
}

fn is_first(shown: &str) -> bool {
    shown.contains("Sheet bend") && !shown.contains("Clove hitch")
}

/// What is in the file of the unit that was launched last.
fn file_launched(node: &Node) -> Result<String> {
    let verb = "http%3A%2F%2Fadlnet.gov%2Fexpapi%2Fverbs%2Flaunched";
    let last = format!("/xapi/statements?limit=1&verb={verb}");
    let last = node.xapi().get(&last)?.expect(200)?.json()?;
    let url = last["statements"][0]["context"]["extensions"][LAUNCH_URL].as_str();
    let path = url.and_then(|url| url.strip_prefix(&node.content_address()));
    Ok(node.content().get(path.context("no address")?)?.expect(200)?.text())
}

#[test]
fn who_has_begun_finishes_that_version_and_others_take_the_new_one() -> Result<()> {
    let (node, ada, grace) = school()?;
    let hers = shown(&ada)?;
    ensure!(is_first(&hers) && hers.contains(NOTICE), "{hers}");
    let others = shown(&grace)?;
    ensure!(others.contains("Clove hitch") && !others.contains(NOTICE), "{others}");
    let unit = Ready::start(&node, &ada, 1, "Normal")?;
    ensure!(file_launched(&node)?.contains("first"));
    Ready::start(&node, &grace, 1, "Normal")?;
    ensure!(file_launched(&node)?.contains("second"));
    // The course is satisfied as she has begun it; and then the new version is hers, too.
    unit.complete()?;
    let satisfied = "/xapi/statements?verb=https%3A%2F%2Fw3id.org%2Fxapi%2Fadl%2Fverbs%2Fsatisfied";
    let satisfied = node.xapi().get(satisfied)?.expect(200)?.text();
    ensure!(satisfied.contains("\"ada\"") && !satisfied.contains("\"grace\""), "{satisfied}");
    let hers = shown(&ada)?;
    ensure!(hers.contains("Clove hitch") && !hers.contains(NOTICE), "{hers}");
    Ok(())
}

#[test]
fn who_wants_the_new_version_changes_to_it_with_what_is_done() -> Result<()> {
    let (node, ada, _) = school()?;
    let address = page(&ada)?;
    ada.send(Method::POST, &format!("{address}/renew"), Some((FORM, b"")))?.expect(303)?;
    let hers = shown(&ada)?;
    ensure!(hers.contains("Clove hitch") && !hers.contains(NOTICE), "{hers}");
    ensure!(hers.contains("1 of 2 units done"), "{hers}");
    Ready::start(&node, &ada, 1, "Normal")?;
    ensure!(file_launched(&node)?.contains("second"));
    Ok(())
}

#[test]
fn a_course_that_is_retired_has_no_newer_version() -> Result<()> {
    let (node, ada) = classroom_with(&version("first", &["Bowline", "Sheet bend"])?)?;
    Ready::start(&node, &ada, 0, "Normal")?.complete()?;
    let address = page(&ada)?;
    let admin = node.browser(&node.sign_in(Node::ADMIN)?);
    let retire = Some((FORM, b"how=retired".as_slice()));
    admin.send(Method::POST, &format!("{address}/withdraw"), retire)?.expect(303)?;
    let hers = shown(&ada)?;
    ensure!(is_first(&hers) && !hers.contains(NOTICE), "{hers}");
    Ready::start(&node, &ada, 1, "Normal")?.complete()
}
