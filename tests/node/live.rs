//! Pages that move while one looks, read as a browser reads them: server-sent events over a
//! connection of their own.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{
    Builder, Client, Events, Node, course, eventually, is_own_host, statement,
};
use http::Method;
use serde_json::{Value, json};

use crate::tree::{completed, learner, node, under};

const COURSE: &str = "https://example.org/courses/live";
const ADA: &str = "ada:a-long-password";

/// A node with a course, and the cookie of a learner.
struct Class {
    node: Node,
    ada: String,
    /// Address of the course's page.
    page: String,
    /// The course's only unit, as statements have it.
    unit: String,
}

impl Class {
    fn start(builder: Builder) -> Result<Self> {
        Self::titled(builder, "Live")
    }

    fn titled(builder: Builder, title: &str) -> Result<Self> {
        let node = builder.start()?;
        let package = course::package(COURSE, title)?;
        let zip = Some(("application/zip", package.as_slice()));
        let course =
            node.admin().send(Method::POST, "/content/v1/courses", zip)?.expect(201)?.json()?;
        let unit = course["units"][0]["activity"].as_str().context("no activity")?.to_owned();
        let page = format!("/courses/{}", course["key"].as_str().context("no key")?);
        node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
        let ada = node.sign_in(ADA)?;
        Ok(Self { node, ada, page, unit })
    }

    fn events(&self, path: &str) -> Result<Events> {
        Events::open(&self.node, path, &self.ada)
    }

    fn browser(&self) -> Client {
        self.node.browser(&self.ada)
    }

    fn record(&self, statement: &Value) -> Result<()> {
        statement::store(&self.node.xapi(), statement).map(drop)
    }
}

fn progressed(name: &str, activity: &str, percent: u8) -> Value {
    let mut statement = completed(name, activity);
    let progress = json!({ "https://w3id.org/xapi/cmi5/result/extensions/progress": percent });
    statement["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/progressed");
    statement["result"] = json!({ "extensions": progress });
    statement
}

#[test]
fn a_course_moves_while_one_looks() -> Result<()> {
    let class = Class::start(Node::builder()?)?;
    let page = class.browser().get(&class.page)?.expect(200)?.text();
    let (_, source) = page.split_once("data-live=\"").context("nothing moves")?;
    let source = source.split('"').next().unwrap_or_default();
    let mut events = class.events(source)?;
    let begin = events.expect("state")?;
    ensure!(begin.contains("Not started") && begin.contains("0 of 1 unit done"), "{begin}");
    ensure!(page.contains(begin.trim()), "the page has something else");
    class.record(&progressed("ada", &class.unit, 40))?;
    let going = events.expect("state")?;
    ensure!(going.contains("In progress") && going.contains("40 % through"), "{going}");
    class.record(&completed("ada", &class.unit))?;
    let done = events.expect("state")?;
    ensure!(done.contains("Completed") && done.contains("1 of 1 unit done"), "{done}");
    ensure!(class.browser().get(&class.page)?.expect(200)?.text().contains(done.trim()));
    Ok(())
}

#[test]
fn a_learner_hears_of_nobody_elses_progress() -> Result<()> {
    let class = Class::start(Node::builder()?)?;
    let mut record = class.events("/progress/events")?;
    let mut courses = class.events("/events")?;
    ensure!(record.expect("state")?.contains("Nothing here yet"));
    ensure!(courses.expect("state")?.contains("0 of 1 unit done"));
    class.record(&completed("bob", &class.unit))?;
    class.record(&completed("ada", &class.unit))?;
    // The first thing that is told after that is of Ada.
    ensure!(record.expect("state")?.contains("90 %"));
    ensure!(courses.expect("state")?.contains("1 of 1 unit done"));
    Ok(())
}

#[test]
fn markup_in_a_title_is_text_and_a_line_break_ends_no_event() -> Result<()> {
    let title = "&lt;script&gt;alert(1)&lt;/script&gt;&#13;&#10;&#10;event: x";
    let class = Class::titled(Node::builder()?, title)?;
    let mut events = class.events("/events")?;
    let begin = events.expect("state")?;
    ensure!(!begin.contains("<script") && begin.contains("script&#62;"), "{begin}");
    class.record(&completed("ada", &class.unit))?;
    ensure!(events.expect("state")?.contains("1 of 1 unit done"));
    Ok(())
}

#[test]
fn events_are_for_whom_the_page_is() -> Result<()> {
    let class = Class::start(Node::builder()?)?;
    for path in ["/events", "/progress/events", "/admin/node/events"] {
        class.node.anonymous().get(path)?.expect(401)?;
        // An xAPI client is nobody who looks at pages.
        class.node.xapi().get(path)?.expect(401)?;
    }
    let refused = class.browser().get("/admin/node/events")?.expect(403)?.text();
    ensure!(refused.contains("Only administrators"), "{refused}");
    class.browser().get("/courses/no-such-course/events")?.expect(404)?;
    Ok(())
}

#[test]
fn somebody_who_is_removed_sees_nothing_more() -> Result<()> {
    let class = Class::start(Node::builder()?)?;
    let mut events = class.events("/progress/events")?;
    events.expect("state")?;
    class.node.admin().delete("/auth/people/ada")?.expect(204)?;
    // A verdict is remembered for seconds.
    eventually("the stream ends", || {
        class.record(&completed("ada", &format!("https://example.org/{}", statement::new_id())))?;
        let event = events.read()?.context("no goodbye")?;
        Ok((event.kind == "end").then_some(()))
    })?;
    assert_eq!(events.read()?, None);
    class.browser().get("/progress/events")?.expect(401)?;
    Ok(())
}

#[test]
fn open_pages_leave_room_for_others() -> Result<()> {
    let mut builder = Node::builder()?;
    if is_own_host() {
        builder = builder.argument("--max-instances=2");
    }
    let class = Class::start(builder)?;
    let mut open: Vec<_> =
        (0..40).map(|_| class.events("/progress/events")).collect::<Result<_>>()?;
    for events in &mut open {
        events.expect("state")?;
    }
    class.browser().get("/progress")?.expect(200)?;
    class.record(&completed("ada", &class.unit))?;
    for events in &mut open {
        ensure!(events.expect("state")?.contains("90 %"));
    }
    Ok(())
}

#[test]
fn too_many_open_pages_are_told_to_ask_instead() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let class = Class::start(Node::builder()?.argument("--max-event-streams=2"))?;
    let open = [class.events("/events")?, class.events("/events")?];
    let refused = class.browser().get("/events")?.expect(503)?;
    ensure!(!refused.header("retry-after").is_empty(), "{:?}", refused.headers);
    class.browser().get("/")?.expect(200)?;
    drop(open);
    eventually("there is room again", || Ok(class.events("/events").ok()))?;
    Ok(())
}

#[test]
fn streams_end_when_the_node_stops() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut class = Class::start(Node::builder()?)?;
    let mut events = class.events("/events")?;
    events.expect("state")?;
    ensure!(class.node.terminate()?.success());
    assert_eq!(events.read()?, None);
    ensure!(!class.node.log().contains("cut off"), "the node waited in vain");
    class.node.restart()?;
    let cookie = class.node.sign_in(ADA)?;
    Events::open(&class.node, "/events", &cookie)?.expect("state")?;
    Ok(())
}

#[test]
fn what_is_recorded_below_shows_on_an_open_page_above() -> Result<()> {
    let hub = Class::start(node("hub", &["edge"])?)?;
    let edge = under(node("edge", &[])?, "edge", &hub.node.address()).start()?;
    let mut events = hub.events(&format!("{}/events", hub.page))?;
    ensure!(events.expect("state")?.contains("Not started"));
    statement::store(&edge.xapi(), &completed("ada", &hub.unit))?;
    ensure!(events.expect("state")?.contains("1 of 1 unit done"));
    Ok(())
}
