//! The pictures of the README: a course, a phone, a node.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use hedgeschool_tests::{Browser, Node, Screen, course, repository, statement};
use serde_json::{Value, json};

use super::{demo_course, import, page_of, sign_in};
use crate::tree::{completed, learner, node, soon, under};

const AOIFE: &str = "aoife:a-long-password";
const REGION: &str = "sligo-leitrim";

/// Courses: what names them, their titles, what they are about, and their units.
const COURSES: [(&str, &str, &str, &[&str]); 3] = [
    (
        "lough-allen",
        "Water, peat and stone",
        "How ice, rain and people made the land around Lough Allen. Four lessons and a walk.",
        &[
            "The ice leaves a lake",
            "Reading a map of Leitrim",
            "What the bog remembers",
            "Iron and coal under Arigna",
            "A walk along the Shannon",
        ],
    ),
    (
        "first-aid",
        "First aid at sea",
        "For everybody who goes out from Inis Oírr: cold water, cuts, and calling for help.",
        &["Cold water", "Cuts and burns", "Calling for help"],
    ),
    (
        "fractions",
        "Fractions in the kitchen",
        "Halves, thirds and quarters, with soda bread at the end.",
        &["Halves and quarters", "Thirds", "Adding up", "Soda bread"],
    ),
];

/// Nodes below: their names, how many changes wait there and for how many seconds, conflicts,
/// MiB of the disk that are used, of 8192.
const NODES: [(&str, u64, u64, u64, u64); 6] = [
    ("ballymote", 0, 0, 0, 1_310),
    ("carrick", 0, 0, 0, 2_204),
    ("drumshanbo", 0, 0, 0, 946),
    ("inis-oirr", 214, 9_840, 0, 611),
    ("kinlough", 0, 0, 1, 802),
    ("manorhamilton", 0, 0, 0, 1_875),
];

fn package((name, title, about, units): (&str, &str, &str, &[&str])) -> Result<Vec<u8>> {
    let id = format!("https://courses.example.org/{name}");
    let text = |text: &str| format!("<langstring lang=\"en\">{text}</langstring>");
    let unit = |(n, title): (usize, &&str)| {
        let (title, about) = (text(title), text("A lesson"));
        format!(
            "<au id=\"{id}/{n}\" moveOn=\"Completed\"><title>{title}</title>\
             <description>{about}</description><url>index.html</url></au>"
        )
    };
    let units: String = units.iter().enumerate().map(unit).collect();
    let (title, about) = (text(title), text(about));
    let structure = format!(
        "<courseStructure xmlns=\"https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd\">\
         <course id=\"{id}\"><title>{title}</title><description>{about}</description></course>\
         {units}</courseStructure>"
    );
    let page = course::PAGE.as_bytes();
    course::archive(&[("cmi5.xml", structure.as_bytes()), ("index.html", page)])
}

/// A unit that Aoife has done, with this score.
fn done(unit: &str, score: f64) -> Value {
    let mut statement = completed("aoife", unit);
    statement["result"]["score"]["scaled"] = json!(score);
    statement
}

/// A unit that she has begun.
fn begun(unit: &str, percent: u8) -> Value {
    let mut statement = completed("aoife", unit);
    statement["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/progressed");
    let progress = json!({ "https://w3id.org/xapi/cmi5/result/extensions/progress": percent });
    statement["result"] = json!({ "extensions": progress });
    statement
}

/// Fills a node with courses and Aoife's work; answers the page of the first course.
fn fill(node: &Node) -> Result<String> {
    let mut aoife = learner("aoife");
    aoife["display_name"] = json!("Aoife Gallagher");
    node.admin().post("/auth/people", &aoife)?.expect(201)?;
    import(node, &demo_course()?)?;
    let courses: Vec<_> =
        COURSES.into_iter().map(|course| import(node, &package(course)?)).collect::<Result<_>>()?;
    let unit = |course: usize, unit: usize| {
        courses[course]["units"][unit]["activity"].as_str().context("no activity")
    };
    let work = json!([
        done(unit(0, 0)?, 0.95),
        done(unit(0, 1)?, 0.8),
        begun(unit(0, 2)?, 60),
        done(unit(1, 0)?, 1.0),
        done(unit(2, 0)?, 0.9),
        done(unit(2, 1)?, 0.7),
        done(unit(2, 2)?, 0.85),
        done(unit(2, 3)?, 1.0),
    ]);
    statement::store(&node.xapi(), &work)?;
    page_of(&courses[0])
}

/// What the nodes below tell of themselves.
fn tell(region: &Node) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64;
    for (name, queue, queue_age_s, conflicts, used) in NODES {
        let health = json!({
            "queue": queue, "queue_age_s": queue_age_s, "conflicts": conflicts,
            "disk_used": used << 20, "disk_limit": 8_192_u64 << 20,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let pull = json!({ "node": name, "serves": [], "now": now, "health": health,
            "journals": {}, "wait_ms": 0 });
        let token = format!("Bearer token-of-{name}");
        let client = region.anonymous().with_header("authorization", &token);
        client.post("/sync/v1/pull", &pull)?.expect(200)?;
    }
    Ok(())
}

/// Takes a picture, in the type that most phones have, if it is there (Debian: fonts-roboto).
fn take(browser: &Browser, name: &str) -> Result<()> {
    browser.evaluate("document.body.style.fontFamily = 'Roboto, sans-serif'")?;
    browser.evaluate("document.documentElement.style.scrollbarWidth = 'none'")?;
    browser.evaluate("document.activeElement.blur()")?;
    browser.screenshot(&repository("docs/images").join(name))
}

#[test]
#[ignore = "makes the pictures of the README"]
fn the_readmes_pictures_are_made() -> Result<()> {
    let centre = node("galway", &[REGION])?.start()?;
    let names = NODES.map(|(name, ..)| name);
    let region = under(node(REGION, &names)?, REGION, &centre.address()).start()?;
    let page = fill(&region)?;
    tell(&region)?;

    let phone = Browser::phone()?;
    sign_in(&phone, &region, AOIFE)?;
    phone.await_text("main", "4 of 4 units done")?;
    take(&phone, "phone.png")?;

    let desktop = Browser::start(Screen::DESKTOP.with_size(1200, 880))?;
    sign_in(&desktop, &region, AOIFE)?;
    desktop.open(&format!("{}{page}", region.address()))?;
    take(&desktop, "course.png")?;

    let desktop = Browser::start(Screen::DESKTOP.with_size(1200, 1150))?;
    soon("the region is in touch", || {
        let status = region.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        let above = &status["upstream"];
        Ok(above["queue"] == json!(0) && above["version"] == status["version"])
    })?;
    sign_in(&desktop, &region, Node::ADMIN)?;
    desktop.open(&format!("{}/admin/node", region.address()))?;
    desktop.await_text("main", "In touch")?;
    // No school is at an address of this machine.
    let address = "[...document.querySelectorAll('dd')].find((dd) => /^http:/.test(dd.innerText))";
    desktop.evaluate(&format!("{address}.innerText = 'https://galway.schools.example'"))?;
    take(&desktop, "node.png")
}
