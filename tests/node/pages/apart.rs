//! What pages of a course can do in a learner's browser, on an origin of their own and in the
//! portal's sandbox.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Browser, Node, course, is_own_host};

use super::{ADA, GRACE, give, import, page_of, sign_in};
use crate::tree::{learner, node, soon, under};

/// Counts how often it was opened, in the browser's storage, and says whether it is as browsers
/// have it.
const COUNTER: &str = r#"<!doctype html><meta charset="utf-8"><title>Counter</title><h1></h1><p></p>
<script>
const visits = Number(localStorage.getItem("visits") ?? 0) + 1;
localStorage.visits = visits;
const tries = sessionStorage.length;
sessionStorage.setItem("tab", "è".repeat(40000));
const isWhole = sessionStorage.half === undefined;
sessionStorage.half = "\ud800";
document.querySelector("h1").textContent = `Visit ${visits}`;
const isUsual = localStorage instanceof Storage && localStorage.length === 1 &&
  localStorage.key(0) === "visits" && "visits" in localStorage &&
  Object.keys(localStorage).join() === "visits" && localStorage.other === undefined &&
  document.compatMode === "CSS1Compat" && tries === 0 && isWhole &&
  sessionStorage.half === "\ud800";
document.querySelector("p").textContent = isUsual ? "As usual" : "Unusual";
</script>"#;

/// Tries what no course may do, and says what of it worked.
const SPY: &str = r#"<!doctype html><title>Spy</title><h1></h1><script>
const portal = new URLSearchParams(location.search).get("fetch").split("/auth/")[0];
const tries = {
  "the session's cookie": () => document.cookie.includes("hedgeschool_session"),
  "the page around": () => parent.document.title !== "",
  "the portal's storage": () => parent.localStorage.length >= 0,
  "a page of the portal": async () =>
    (await fetch(`${portal}/progress`, { credentials: "include" })).text(),
  "the record, by the cookie": async () =>
    (await fetch("/xapi/statements", { credentials: "include" })).ok,
  "people": async () => (await fetch(`${portal}/auth/people`, { credentials: "include" })).json(),
  "files without a grant": async () =>
    (await fetch(location.pathname.replace(/content\/f\/[^/]+/, "content/p"))).ok,
  "signing out": async () => {
    const sent = { method: "POST", credentials: "include", redirect: "error" };
    return (await fetch(`${portal}/auth/sign-out`, sent)).ok;
  },
  "the window around": () => { top.location = `${portal}/sign-in`; return false; },
};
(async () => {
  const worked = [];
  for (const [what, attempt] of Object.entries(tries)) {
    try {
      if (await attempt()) worked.push(what);
    } catch {
      // It is forbidden, as it should be.
    }
  }
  document.querySelector("h1").textContent = `Reached: ${worked.join(", ") || "nothing"}`;
})();
</script>"#;

/// Keeps something in a database of the browser's, and says what was there before.
const HOARDER: &str = r#"<!doctype html><title>Hoarder</title><h1></h1><script>
const opening = indexedDB.open("kept");
opening.onupgradeneeded = () => opening.result.createObjectStore("places");
opening.onsuccess = () => {
  const places = opening.result.transaction("places", "readwrite").objectStore("places");
  const before = places.get("place");
  before.onsuccess = () => {
    places.put("here", "place").onsuccess = () => {
      document.querySelector("h1").textContent = `Was: ${before.result ?? "nothing"}`;
      opening.result.close();
    };
  };
};
</script>"#;

/// A node with a course of this page, two learners, and content apart or not.
fn classroom(page: &str, is_apart: bool) -> Result<(Node, String)> {
    let node = Node::builder()?.apart(is_apart).start()?;
    let path = course_of(&node, page)?;
    for name in ["ada", "grace"] {
        node.admin().post("/auth/people", &learner(name))?.expect(201)?;
    }
    Ok((node, path))
}

fn course_of(node: &Node, page: &str) -> Result<String> {
    let structure = course::structure("https://example.org/courses/apart", "Apart");
    let files = [("cmi5.xml", structure.as_bytes()), ("index.html", page.as_bytes())];
    page_of(&import(node, &course::archive(&files)?)?)
}

/// Opens the course's unit, and waits for what its heading says.
fn expect_in_unit(browser: &Browser, node: &Node, path: &str, text: &str) -> Result<()> {
    expect_in_unit_of(browser, &node.address(), path, text)
}

/// The same, of a portal that has another name than the node's address.
fn expect_in_unit_of(browser: &Browser, portal: &str, path: &str, text: &str) -> Result<()> {
    browser.open(&format!("{portal}{path}"))?;
    browser.click(".unit button:last-child")?;
    browser.in_frame("main > iframe:not([hidden])", |unit| unit.await_text("h1", text))
}

fn sign_out(browser: &Browser, node: &Node) -> Result<()> {
    browser.open(&node.address())?;
    browser.click(".visitor button")?;
    browser.await_text("main", "Sign in")
}

#[test]
fn what_a_page_stores_is_there_for_its_learner_and_for_nobody_else() -> Result<()> {
    for is_apart in [true, false] {
        let (node, path) = classroom(COUNTER, is_apart)?;
        let browser = Browser::phone()?;
        sign_in(&browser, &node, ADA)?;
        expect_in_unit(&browser, &node, &path, "Visit 1")?;
        expect_in_unit(&browser, &node, &path, "Visit 2")?;
        browser.in_frame("main > iframe:not([hidden])", |unit| unit.await_text("p", "As usual"))?;
        sign_out(&browser, &node)?;
        sign_in(&browser, &node, GRACE)?;
        expect_in_unit(&browser, &node, &path, "Visit 1")?;
        // Another browser, and not a moment in between.
        let other = Browser::desktop()?;
        sign_in(&other, &node, ADA)?;
        expect_in_unit(&other, &node, &path, "Visit 3")?;
    }
    Ok(())
}

#[test]
fn what_a_page_stores_follows_its_learner_to_another_node() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    let path = course_of(&hub, COUNTER)?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    soon("the course is at the edge", || {
        Ok(edge.admin().get("/content/v1/courses")?.text().contains("Apart"))
    })?;
    soon("so is the learner", || Ok(edge.sign_in(ADA).is_ok()))?;
    let browser = Browser::phone()?;
    sign_in(&browser, &edge, ADA)?;
    expect_in_unit(&browser, &edge, &path, "Visit 1")?;
    soon("the hub has what is stored", || {
        Ok(hub.xapi().get("/xapi/statements?limit=1")?.text().contains("launched"))
    })?;
    sign_in(&browser, &hub, ADA)?;
    expect_in_unit(&browser, &hub, &path, "Visit 2")
}

#[test]
fn a_page_of_a_course_reaches_nothing_of_the_portal() -> Result<()> {
    for is_apart in [true, false] {
        let (node, path) = classroom(SPY, is_apart)?;
        let browser = Browser::phone()?;
        sign_in(&browser, &node, ADA)?;
        expect_in_unit(&browser, &node, &path, "Reached: nothing")?;
        browser.open(&node.address())?;
        browser.await_text("header", "ada")?;
    }
    Ok(())
}

#[test]
fn what_a_page_leaves_in_the_browser_is_gone_for_the_next_learner() -> Result<()> {
    let (node, path) = classroom(HOARDER, true)?;
    let browser = Browser::phone()?;
    sign_in(&browser, &node, ADA)?;
    expect_in_unit(&browser, &node, &path, "Was: nothing")?;
    expect_in_unit(&browser, &node, &path, "Was: here")?;
    sign_out(&browser, &node)?;
    sign_in(&browser, &node, GRACE)?;
    expect_in_unit(&browser, &node, &path, "Was: nothing")
}

/// Puts somebody else's session in place of the learner's, by pushing that out. What is said of the
/// cookie's domain follows it.
fn impostor(session: &str, domain: &str) -> String {
    let script = r#"<!doctype html><title>Impostor</title><h1></h1><script>
    let outcome = "Done";
    try {
      for (let n = 0; n < 400; n++) document.cookie = `filler${n}=1; path=/`;
      for (let n = 0; n < 400; n++) document.cookie = `filler${n}=1; path=/; max-age=0`;
      for (const path of ["/", "/courses"]) document.cookie = `SESSION; path=${path}DOMAIN`;
    } catch {
      outcome = "Has no cookies";
    }
    document.querySelector("h1").textContent = outcome;
    </script>"#;
    script.replace("SESSION", session).replace("DOMAIN", domain)
}

/// Has Ada open a course that slips Grace's session in, and looks who she is at the portal then.
/// `is_reached`: whether the course's cookies are the portal's, so that it can sign her out.
fn expect_no_other(
    node: &Node,
    portal: &str,
    domain: &str,
    outcome: &str,
    is_reached: bool,
) -> Result<()> {
    let session = node.sign_in(GRACE)?;
    let path = course_of(node, &impostor(&session, domain))?;
    let browser = Browser::phone()?;
    browser.open(portal)?;
    give(&browser, ADA)?;
    browser.await_text("header", "Sign out")?;
    expect_in_unit_of(&browser, portal, &path, outcome)?;
    for page in ["/", "/progress", path.as_str()] {
        browser.open(&format!("{portal}{page}"))?;
        if is_reached {
            browser.await_text("main", "Sign in")?;
        } else {
            browser.await_text("header", "ada")?;
        }
    }
    if is_reached {
        give(&browser, ADA)?;
    }
    browser.await_text("header", "ada")?;
    let name = browser.text("header .name")?;
    ensure!(name == "ada", "signed in as {name}");
    browser.await_text("h1", "Apart")
}

#[test]
fn a_page_signs_nobody_in_as_somebody_else() -> Result<()> {
    for is_apart in [true, false] {
        let (node, _) = classroom(COUNTER, is_apart)?;
        let outcome = if is_apart { "Done" } else { "Has no cookies" };
        // Cookies know no ports, but names: where a host has one listener and two names that are
        // no site's, a course gets at no cookie of the portal's.
        let is_reached = is_apart && is_own_host();
        expect_no_other(&node, &node.address(), "", outcome, is_reached)?;
    }
    Ok(())
}

#[test]
fn nor_does_a_page_where_content_is_another_name_of_the_portals_site() -> Result<()> {
    let (mut node, _) = classroom(COUNTER, false)?;
    // Browsers find any name below `localhost` on this machine.
    let name = format!("school.localhost:{}", node.port());
    node.set_variable("content_origin", &format!("http://content.{name}"));
    node.terminate()?;
    node.restart()?;
    let portal = format!("http://{name}");
    expect_no_other(&node, &portal, "; domain=school.localhost", "Done", true)
}

#[test]
fn a_unit_that_wants_a_window_of_its_own_runs_in_one() -> Result<()> {
    for is_apart in [true, false] {
        let node = Node::builder()?.apart(is_apart).start()?;
        let structure = course::structure("https://example.org/windows", "Windows");
        let structure = structure.replace("moveOn=", "launchMethod=\"OwnWindow\" moveOn=");
        let files = [("cmi5.xml", structure.as_bytes()), ("index.html", course::PAGE.as_bytes())];
        let path = page_of(&import(&node, &course::archive(&files)?)?)?;
        node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
        let browser = Browser::phone()?;
        sign_in(&browser, &node, ADA)?;
        browser.open(&format!("{}{path}", node.address()))?;
        browser.click(".unit button:last-child")?;
        browser.in_opened_window(|window| window.await_text("h1", "Over the hedge"))?;
    }
    Ok(())
}
