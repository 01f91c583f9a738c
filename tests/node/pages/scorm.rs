//! SCORM packages, played in a real browser.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Browser, Node, course};
use serde_json::Value;

use super::{ADA, GRACE, import, page_of, sign_in};
use crate::tree::{learner, soon};

/// A SCO of both versions, which looks for its object as ADL's template does. It turns a page each
/// time it is opened, is done on the third, and keeps a text of 60,000 Chinese characters.
const SCO: &str = r#"<!doctype html><meta charset="utf-8"><title>SCO</title><h1></h1><p></p><script>
const is12 = VERSION;
const name = is12 ? "API" : "API_1484_11";
let owner = window.parent;
for (let n = 0; !owner[name] && owner.parent !== owner && n < 7; n++) owner = owner.parent;
const api = owner[name];
const call = (old, now) => (...values) => api[is12 ? `LMS${old}` : now](...values);
const [begin, get, set, commit, end] = [["Initialize", "Initialize"], ["GetValue", "GetValue"],
  ["SetValue", "SetValue"], ["Commit", "Commit"], ["Finish", "Terminate"]].map((it) => call(...it));
const place = is12 ? "cmi.core.lesson_location" : "cmi.location";
const text = "字".repeat(60000);
begin("");
const page = Number(get(place) || "0") + 1;
const entry = get(is12 ? "cmi.core.entry" : "cmi.entry");
const isKept = page === 1 ? entry === "ab-initio" : get("cmi.suspend_data") === text;
const answers = [set(place, `${page}`), set("cmi.suspend_data", text),
  set(is12 ? "cmi.core.exit" : "cmi.exit", "suspend"),
  set("cmi.interactions.0.id", "q1"), set("cmi.interactions.0.type", "choice"),
  set(`cmi.interactions.0.${is12 ? "student" : "learner"}_response`, `${page}`),
  set("cmi.interactions.0.result", "correct")];
if (page === 3 && is12) {
  set("cmi.core.score.raw", "85");
  set("cmi.core.lesson_status", "completed");
} else if (page === 3) {
  set("cmi.score.scaled", "0.85");
  set("cmi.completion_status", "completed");
  set("cmi.progress_measure", "1");
}
if (page < 3 && is12) set("cmi.core.lesson_status", "incomplete");
const isDone = commit("") === "true" && answers.every((answer) => answer === "true");
document.querySelector("h1").textContent = `Page ${page}`;
document.querySelector("p").textContent = isKept && isDone ? "As kept" : `${entry} ${answers}`;
addEventListener("pagehide", () => end(""));
</script>"#;

fn manifest(is_12: bool) -> String {
    let (version, mastery) = if is_12 {
        ("1.2", "<adlcp:masteryscore>80</adlcp:masteryscore>".to_owned())
    } else {
        let measure = "<imsss:minNormalizedMeasure>0.8</imsss:minNormalizedMeasure>";
        let objective = format!(
            r#"<imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true">{measure}
            </imsss:primaryObjective></imsss:objectives>"#
        );
        ("2004 4th Edition", format!("<imsss:sequencing>{objective}</imsss:sequencing>"))
    };
    format!(
        r#"<?xml version="1.0"?>
<manifest identifier="00" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
  <metadata><schema>ADL SCORM</schema><schemaversion>{version}</schemaversion></metadata>
  <organizations default="o"><organization identifier="o"><title>Knots, {version}</title>
    <item identifier="g"><title>Bends</title>
      <item identifier="i" identifierref="r"><title>Reef knot</title>{mastery}</item>
      <item identifier="a" identifierref="p"><title>A picture of it</title></item></item>
  </organization></organizations>
  <resources>
    <resource identifier="r" type="webcontent" adlcp:scormtype="sco" href="start page.html"/>
    <resource identifier="p" type="webcontent" adlcp:scormtype="asset" href="picture.html"/>
  </resources>
</manifest>"#
    )
}

fn package(is_12: bool) -> Result<Vec<u8>> {
    let (manifest, sco) = (manifest(is_12), SCO.replace("VERSION", &is_12.to_string()));
    course::archive(&[
        ("imsmanifest.xml", manifest.as_bytes()),
        ("start page.html", sco.as_bytes()),
        ("picture.html", b"<!doctype html><h1>A reef knot</h1>"),
    ])
}

/// A node with the course and two learners.
fn classroom(is_12: bool) -> Result<(Node, String)> {
    let node = Node::start()?;
    let course = import(&node, &package(is_12)?)?;
    let player = course["units"][0]["player"].as_str().unwrap_or_default();
    ensure!(player == if is_12 { "scorm-1.2" } else { "scorm-2004" }, "{course}");
    let path = page_of(&course)?;
    for name in ["ada", "grace"] {
        node.admin().post("/auth/people", &learner(name))?.expect(201)?;
    }
    Ok((node, path))
}

fn expect_page(browser: &Browser, node: &Node, path: &str, text: &str) -> Result<()> {
    browser.open(&format!("{}{path}", node.address()))?;
    browser.click(".unit[data-key$='#i'] button:last-child")?;
    browser.in_frame("main > iframe:not([hidden])", |player| {
        player.in_frame("iframe:not([hidden])", |sco| {
            sco.await_text("h1", text)?;
            sco.await_text("p", "As kept")
        })
    })
}

/// The verbs of what is recorded, without what the node says by itself.
fn verbs(node: &Node) -> Result<Vec<String>> {
    let recorded = node.xapi().get("/xapi/statements?limit=500&ascending=true")?.expect(200)?;
    let recorded = recorded.json()?;
    let verb = |statement: &Value| {
        let verb = statement["verb"]["id"].as_str().unwrap_or_default();
        verb.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let verbs = recorded["statements"].as_array().into_iter().flatten().map(verb);
    Ok(verbs.filter(|verb| verb != "launched" && verb != "satisfied").collect())
}

#[test]
fn a_sco_keeps_its_place_and_counts() -> Result<()> {
    for is_12 in [true, false] {
        let (node, path) = classroom(is_12)?;
        let browser = Browser::phone()?;
        sign_in(&browser, &node, ADA)?;
        expect_page(&browser, &node, &path, "Page 1")?;
        expect_page(&browser, &node, &path, "Page 2")?;
        // Another tablet, and another learner there.
        let other = Browser::desktop()?;
        sign_in(&other, &node, GRACE)?;
        expect_page(&other, &node, &path, "Page 1")?;
        drop(other);
        let other = Browser::desktop()?;
        sign_in(&other, &node, ADA)?;
        expect_page(&other, &node, &path, "Page 3")?;
        other.open(&format!("{}{path}", node.address()))?;
        other.await_text(".unit[data-key$='#i']", "Completed and passed")?;
        other.await_text(".unit[data-key$='#i']", "85 %")?;
        other.await_text(".block", "Bends")?;
        other.click(".unit[data-key$='#a'] button:last-child")?;
        other.in_frame("main > iframe:not([hidden])", |player| {
            player.in_frame("iframe:not([hidden])", |page| page.await_text("h1", "A reef knot"))
        })?;
        soon("the course is done", || {
            other.open(&format!("{}{path}", node.address()))?;
            Ok(other.text("main")?.contains("2 of 2 units done"))
        })?;
        let verbs = verbs(&node)?;
        for (verb, times) in [("completed", 2), ("passed", 1), ("responded", 4), ("failed", 0)] {
            let found = verbs.iter().filter(|said| *said == verb).count();
            ensure!(found == times, "{verb} {found} times, not {times}: {verbs:?}");
        }
    }
    Ok(())
}

#[test]
fn a_sco_that_is_left_while_it_loads_is_not_done() -> Result<()> {
    let (node, path) = classroom(true)?;
    let silent = b"<!doctype html><h1>Nothing to say</h1>";
    let package = course::archive(&[
        ("imsmanifest.xml", manifest(true).as_bytes()),
        ("start page.html", silent),
        ("picture.html", silent),
    ])?;
    import(&node, &package)?;
    let browser = Browser::phone()?;
    sign_in(&browser, &node, ADA)?;
    let open = || {
        browser.open(&format!("{}{path}", node.address()))?;
        browser.click(".unit[data-key$='#i'] button:last-child")?;
        browser.in_frame("main > iframe:not([hidden])", |player| {
            player.in_frame("iframe:not([hidden])", |sco| sco.await_text("h1", "Nothing to say"))
        })
    };
    open()?;
    browser.open(&format!("{}{path}", node.address()))?;
    browser.await_text(".unit[data-key$='#i']", "In progress")?;
    open()?;
    // Somebody reads it.
    browser.evaluate("new Promise((seen) => setTimeout(seen, 3500))")?;
    browser.open(&format!("{}{path}", node.address()))?;
    soon("it counts", || Ok(browser.text(".unit[data-key$='#i']")?.contains("Completed")))
}

#[test]
fn in_a_sandbox_a_sco_says_what_it_needs() -> Result<()> {
    let node = Node::builder()?.apart(false).start()?;
    let path = page_of(&import(&node, &package(true)?)?)?;
    node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let browser = Browser::phone()?;
    sign_in(&browser, &node, ADA)?;
    browser.open(&format!("{}{path}", node.address()))?;
    browser.click(".unit[data-key$='#i'] button:last-child")?;
    browser.await_text("main", "content_origin")
}
