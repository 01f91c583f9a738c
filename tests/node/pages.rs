//! Pages in a real browser, on a phone and on a desktop: their scripts, their width, what they say.

mod apart;
mod films;
mod imports;
mod interrupted;
pub mod lessons;
mod pictures;
mod places;
mod scorm;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Browser, Link, Node, Screen, course, repository, statement};
use http::Method;
use serde_json::{Value, json};

use crate::tree::{completed, conflicts, has_state, learner, node, put_state, soon, under};

pub const ADA: &str = "ada:a-long-password";
const GRACE: &str = "grace:a-long-password";
/// The button that leads to a unit's next step.
const NEXT: &str = ".step:not([hidden]) .next:not([hidden])";
/// A name as long as schools have them.
const LONG_NAME: &str = "gaelcholaiste-agus-meanscoil-naomh-padraig-carraig-na-siuire-theas";

/// The demo course, as one uploads it.
fn demo_course() -> Result<Vec<u8>> {
    let root = repository("examples/demo-course");
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    let files: Vec<_> = files.iter().map(|(path, data)| (path.as_str(), data.as_slice())).collect();
    course::archive(&files)
}

/// The files below a folder, with their paths from the root.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.push((name, fs::read(&path)?));
        }
    }
    Ok(())
}

/// Puts a course into a node; answers what the node says of it.
fn import(node: &Node, package: &[u8]) -> Result<Value> {
    let zip = Some(("application/zip", package));
    node.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?.json()
}

/// The address of a course's page.
fn page_of(course: &Value) -> Result<String> {
    Ok(format!("/courses/{}", course["key"].as_str().context("no key")?))
}

/// A node with the demo course and a learner.
fn school() -> Result<Node> {
    let node = Node::start()?;
    import(&node, &demo_course()?)?;
    node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    Ok(node)
}

/// Fills in the form of the page for signing in, and sends it.
fn give(browser: &Browser, credentials: &str) -> Result<()> {
    let (name, password) = credentials.split_once(':').context("no colon")?;
    browser.type_into("input[name=name]", name)?;
    browser.type_into("input[name=password]", password)?;
    browser.click("main button")
}

pub fn sign_in(browser: &Browser, node: &Node, credentials: &str) -> Result<()> {
    browser.open(&node.address())?;
    give(browser, credentials)?;
    browser.await_text("header", "Sign out")
}

fn expect_no_errors(browser: &Browser) -> Result<()> {
    let errors = browser.errors()?;
    ensure!(errors.is_empty(), "errors in the browser: {errors:#?}");
    Ok(())
}

#[test]
fn what_a_learner_does_on_a_phone_moves_their_progress_on_a_desktop() -> Result<()> {
    let node = school()?;
    let (phone, desktop) = (Browser::phone()?, Browser::desktop()?);
    sign_in(&desktop, &node, ADA)?;
    desktop.click("a[href='/progress']")?;
    desktop.await_text("main", "Nothing here yet")?;
    desktop.evaluate("window.isTheSame = true")?;
    sign_in(&phone, &node, ADA)?;
    phone.click(".cards a")?;
    phone.click(".unit:last-child button")?;
    for shown in ["33 %", "67 %", "Completed"] {
        phone.in_frame("iframe", |unit| unit.click(NEXT))?;
        desktop.await_text("main", shown)?;
    }
    phone.in_frame("iframe", |unit| {
        unit.await_text("#record", "Your work is saved.")?;
        unit.await_text("main", "You have completed this unit.")
    })?;
    phone.click(".player-bar .button")?;
    phone.await_text("main", "1 of 2 units done")?;
    ensure!(desktop.evaluate("window.isTheSame")? == true, "the page was loaded again");
    // Nobody has said what Ada prefers (cmi5, 11).
    let mut errors = phone.errors()?;
    errors.retain(|error| !(error.contains("LearnerPreferences") && error.contains(" 404 ")));
    ensure!(errors.is_empty(), "errors on the phone: {errors:#?}");
    expect_no_errors(&desktop)
}

/// What the other tests here rely on.
#[test]
fn what_goes_wrong_in_a_unit_is_seen() -> Result<()> {
    let node = school()?;
    let structure = course::structure("https://example.org/broken", "A broken course");
    let page = "<!doctype html><h1>Broken</h1><script>console.error('said'); thrown();</script>";
    let files = [("cmi5.xml", structure.as_bytes()), ("index.html", page.as_bytes())];
    let course = import(&node, &course::archive(&files)?)?;
    let browser = Browser::desktop()?;
    sign_in(&browser, &node, ADA)?;
    browser.open(&format!("{}{}", node.address(), page_of(&course)?))?;
    expect_no_errors(&browser)?;
    browser.click(".unit button")?;
    browser.in_frame("iframe", |unit| unit.await_text("h1", "Broken"))?;
    let errors = browser.errors()?;
    let has = |text: &str| errors.iter().any(|error| error.contains(text));
    ensure!(has("said") && has("thrown is not defined"), "{errors:#?}");
    Ok(())
}

#[test]
fn a_wrong_password_is_told_in_words_and_the_right_one_leads_on() -> Result<()> {
    let node = school()?;
    let browser = Browser::phone()?;
    browser.open(&format!("{}/progress", node.address()))?;
    give(&browser, "ada:another-password")?;
    browser.await_text("[role=alert]", "That name and password do not go together.")?;
    give(&browser, ADA)?;
    browser.await_text("header", "Sign out")?;
    expect_no_errors(&browser)
}

#[test]
fn a_course_is_imported_on_its_page() -> Result<()> {
    let node = Node::start()?;
    let folder = tempfile::tempdir()?;
    let (package, junk) = (folder.path().join("demo.zip"), folder.path().join("junk.zip"));
    fs::write(&package, demo_course()?)?;
    fs::write(&junk, "no zip")?;
    let browser = Browser::phone()?;
    sign_in(&browser, &node, Node::ADMIN)?;
    browser.click("a[href='/admin/courses']")?;
    for (file, outcome) in [
        (&package, "Imported “Hedge schools, then and now”."),
        (&package, "“Hedge schools, then and now” was here already."),
        (&junk, "Not imported: "),
    ] {
        browser.type_into("#package", &file.to_string_lossy())?;
        browser.click("#import button")?;
        browser.await_text("#outcome", outcome)?;
    }
    expect_no_errors(&browser)
}

/// A node with something on every page, and one below it which has lost touch.
struct Busy {
    hub: Node,
    edge: Node,
    /// The page of a course.
    course: String,
    /// A statement.
    id: String,
    _link: Link,
}

impl Busy {
    fn start() -> Result<Self> {
        let hub = node("hub", &[LONG_NAME])?.start()?;
        let link = Link::to(hub.port())?;
        let edge = under(node(LONG_NAME, &[])?, LONG_NAME, &link.address()).start()?;
        let title = format!("{LONG_NAME}: the first term");
        let course = import(&hub, &course::package("https://example.org/long", &title)?)?;
        import(&hub, &demo_course()?)?;
        let mut ada = learner("ada");
        ada["display_name"] = json!(format!("Ada {}", LONG_NAME.replace('-', "")));
        hub.admin().post("/auth/people", &ada)?.expect(201)?;
        let long = format!("https://example.org/{}", "hedge".repeat(40));
        let unit = course["units"][0]["activity"].as_str().context("no activity")?;
        let done = json!([completed("ada", unit), completed("ada", &long)]);
        let id = statement::store(&hub.xapi(), &done)?.remove(1);
        fall_out(&hub, &link, &edge)?;
        Ok(Self { course: page_of(&course)?, hub, edge, id, _link: link })
    }

    fn pages(&self) -> [String; 9] {
        let fixed = ["/", "/progress", "/statements", "/admin/courses", "/admin/node"];
        let [one, two, three, four, five] = fixed.map(str::to_owned);
        let statement = format!("/statements/{}", self.id);
        let conflicts = "/admin/conflicts".to_owned();
        let filtered = format!("/statements?activity=https://example.org/{}", "hedge".repeat(40));
        let course = self.course.clone();
        [one, two, three, four, five, course, statement, conflicts, filtered]
    }
}

/// Two nodes change one document apart, and are kept apart.
fn fall_out(hub: &Node, link: &Link, edge: &Node) -> Result<()> {
    put_state(&edge.xapi(), "ada", r#"{"page":1}"#)?;
    soon("the first version arrives", || has_state(hub, "ada", r#"{"page":1}"#))?;
    link.cut();
    let note = |page: u8| json!({ "page": page, "note": "hedge".repeat(40) }).to_string();
    put_state(&edge.xapi(), "ada", &note(2))?;
    put_state(&hub.xapi(), "ada", &note(3))?;
    link.restore();
    soon("the conflict is noticed", || Ok(!conflicts(hub)?.is_empty()))?;
    link.cut();
    Ok(())
}

/// Fails if the page that is open scrolls sideways, and names what is too wide.
fn expect_to_fit(browser: &Browser, screen: Screen) -> Result<()> {
    let width = screen.width();
    // Not innerWidth: a phone zooms out until everything is on its screen.
    let page = "document.documentElement.scrollWidth";
    let wide = format!(
        "[...document.querySelectorAll('body *')]\
         .filter((element) => element.getBoundingClientRect().right > {width} + 1)\
         .map((element) => element.outerHTML.slice(0, 120)).slice(0, 8)"
    );
    let too_wide = format!("{page} <= {width} ? null : [location.href, {page}, ...{wide}]");
    let too_wide = browser.evaluate(&too_wide)?;
    ensure!(too_wide.is_null(), "wider than {width} pixels: {too_wide:#}");
    Ok(())
}

fn expect_all_to_fit(busy: &Busy, screen: Screen) -> Result<()> {
    let browser = Browser::start(screen)?;
    let (hub, edge) = (busy.hub.address(), busy.edge.address());
    browser.open(&hub)?;
    expect_to_fit(&browser, screen)?;
    sign_in(&browser, &busy.hub, Node::ADMIN)?;
    for page in busy.pages() {
        browser.open(&format!("{hub}{page}"))?;
        expect_to_fit(&browser, screen)?;
    }
    expect_no_errors(&browser)?;
    browser.click("header button")?;
    sign_in(&browser, &busy.hub, ADA)?;
    for page in ["/", "/progress", &busy.course] {
        browser.open(&format!("{hub}{page}"))?;
        expect_to_fit(&browser, screen)?;
    }
    browser.click(".unit button")?;
    browser.in_frame("iframe", |unit| unit.await_text("h1", "Over the hedge"))?;
    expect_to_fit(&browser, screen)?;
    sign_in(&browser, &busy.edge, Node::ADMIN)?;
    browser.open(&format!("{edge}/admin/node"))?;
    browser.await_text("main", "Out of touch")?;
    expect_to_fit(&browser, screen)?;
    expect_no_errors(&browser)
}

#[test]
fn the_header_takes_two_rows_on_a_phone() -> Result<()> {
    let busy = Busy::start()?;
    let phone = Browser::phone()?;
    sign_in(&phone, &busy.hub, ADA)?;
    let middle = |css: &str| {
        phone.evaluate(&format!(
            "(({{ top, bottom }}) => Math.round((top + bottom) / 2))\
             (document.querySelector('{css}').getBoundingClientRect())"
        ))
    };
    assert_eq!(middle("header .brand")?, middle("header button")?);
    ensure!(middle("header nav")?.as_f64() > middle("header button")?.as_f64());
    Ok(())
}

#[test]
fn no_page_scrolls_sideways_on_a_phone() -> Result<()> {
    expect_all_to_fit(&Busy::start()?, Screen::PHONE)
}

#[test]
fn no_page_scrolls_sideways_on_a_desktop() -> Result<()> {
    expect_all_to_fit(&Busy::start()?, Screen::DESKTOP)
}
