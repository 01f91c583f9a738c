//! Course content and the portal: on two origins, or on one; and who may read what of it.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, course};
use http::Method;
use serde_json::{Value, json};

use crate::tree::learner;

const COURSE: &str = "https://example.org/courses/apart";
const FORM: &str = "application/x-www-form-urlencoded";

/// A node with a course and two learners, with content apart or not.
pub struct World {
    pub node: Node,
    pub course: Value,
}

impl World {
    fn start(is_apart: bool) -> Result<Self> {
        Self::with(is_apart, course::COURSES)
    }

    fn with(is_apart: bool, imported_at: &str) -> Result<Self> {
        let files: [(&str, &[u8]); 3] = [
            ("index.html", b"<!doctype html><h1>Apart</h1>"),
            ("a folder/index.html", b"<h1>A folder</h1>"),
            ("100%25.txt", b"a name that looks encoded"),
        ];
        Self::of(Node::builder()?.apart(is_apart).start()?, imported_at, &files)
    }

    /// A course of these files, beside its structure.
    pub fn of(node: Node, imported_at: &str, files: &[(&str, &[u8])]) -> Result<Self> {
        let structure = course::structure(COURSE, "Apart");
        let structure = ("cmi5.xml", structure.as_bytes());
        Self::import(node, imported_at, &course::archive(&[&[structure], files].concat())?)
    }

    pub fn import(node: Node, imported_at: &str, zip: &[u8]) -> Result<Self> {
        let zip = Some(("application/zip", zip));
        let course = node.admin().send(Method::POST, imported_at, zip)?.expect(201)?.json()?;
        for name in ["ada", "grace"] {
            node.admin().post("/auth/people", &learner(name))?.expect(201)?;
        }
        Ok(Self { node, course })
    }

    pub fn package(&self) -> &str {
        self.course["package"].as_str().unwrap_or_default()
    }

    /// Whoever has nothing to show, where content is.
    pub fn stranger(&self) -> Client {
        Client::new(&self.node.content_address())
    }

    /// The path under which a learner reads the course's files, with `/` at its end.
    pub fn granted(&self, name: &str) -> Result<String> {
        let url = self.launch(name)?;
        let path = url.strip_prefix(&self.node.content_address()).context("it is elsewhere")?;
        ensure!(path.contains("endpoint="), "{path}");
        Ok(path.split("index.html").next().unwrap_or_default().to_owned())
    }

    fn launch(&self, name: &str) -> Result<String> {
        let cookie = self.node.sign_in(&format!("{name}:a-long-password"))?;
        let unit = self.course["units"][0]["id"].as_str().context("no unit")?;
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("unit", unit).finish();
        let key = self.course["key"].as_str().context("no key")?;
        let form = Some((FORM, form.as_bytes()));
        let browser = self.node.browser(&cookie);
        let launched = browser.send(Method::POST, &format!("/courses/{key}/launch"), form)?;
        let launched = launched.expect(200)?.json()?;
        Ok(launched["url"].as_str().context("no address")?.to_owned())
    }
}

fn is_readable_by_all(answer: &Response) -> Result<()> {
    ensure!(answer.header("access-control-allow-origin") == "*", "{answer:?}");
    Ok(())
}

#[test]
fn the_portal_is_not_where_content_is_and_content_not_where_the_portal_is() -> Result<()> {
    let world = World::start(true)?;
    let (node, content) = (&world.node, world.node.content());
    ensure!(node.content_address() != node.address());
    let portal = ["/", "/sign-in", "/static/portal.css", "/progress", "/admin/node", "/returned"];
    let services = ["/auth/people", "/sync/v1/status", course::COURSES];
    for path in portal.iter().chain(&services) {
        content.get(path)?.expect(404)?;
    }
    let sign_in = Some((FORM, b"name=ada&password=a-long-password&next=/".as_slice()));
    content.send(Method::POST, "/auth/sign-in", sign_in)?.expect(404)?;
    let granted = world.granted("ada")?;
    let files = [format!("{granted}index.html"), format!("/content/p/{}/", world.package())];
    for path in files {
        content.get(&path)?.expect(200)?;
        let refused = node.admin().get(&path)?.expect(404)?;
        ensure!(refused.detail()?.contains(&node.content_address()), "{refused:?}");
    }
    // A record store on the same origin as its units saves them from asking first.
    content.get("/xapi/about")?.expect(200)?;
    Ok(())
}

#[test]
fn on_one_origin_content_is_in_a_sandbox_and_on_its_own_it_is_not() -> Result<()> {
    for is_apart in [true, false] {
        let world = World::start(is_apart)?;
        let path = format!("{}index.html", world.granted("ada")?);
        let answer = world.stranger().get(&path)?.expect(200)?;
        let policy = answer.header("content-security-policy");
        ensure!(policy.starts_with("sandbox") != is_apart, "{is_apart}: {answer:?}");
        ensure!(!policy.contains("allow-same-origin"), "{answer:?}");
    }
    Ok(())
}

#[test]
fn files_are_read_by_who_may() -> Result<()> {
    let world = World::start(true)?;
    let (plain, package) = (format!("/content/p/{}/index.html", world.package()), world.package());
    let refused = world.stranger().get(&plain)?.expect(403)?;
    ensure!(refused.header("www-authenticate").is_empty(), "{refused:?}");
    let ada = world.stranger().with_basic("ada:a-long-password");
    let answer = ada.get(&plain)?.expect(200)?;
    ensure!(answer.header("cache-control") == "private, no-cache", "{answer:?}");
    world.stranger().with_basic(Node::CLIENT).get(&plain)?.expect(200)?;

    let granted = world.granted("ada")?;
    let answer = world.stranger().get(&format!("{granted}index.html"))?.expect(200)?;
    ensure!(answer.header("cache-control").starts_with("private, max-age="), "{answer:?}");
    ensure!(granted == world.granted("ada")?, "browsers cannot keep what they have");
    ensure!(granted != world.granted("grace")?);
    // A grant says nothing of another package, and nothing when it is altered.
    let zip = course::package("https://example.org/other", "Other")?;
    let zip = Some(("application/zip", zip.as_slice()));
    let other = world.node.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?.json()?;
    let other = granted.replace(package, other["package"].as_str().context("no package")?);
    world.stranger().get(&format!("{other}index.html"))?.expect(403)?;
    let unknown = granted.replace(package, &"0".repeat(64));
    world.stranger().get(&format!("{unknown}index.html"))?.expect(404)?;
    let altered = granted.replacen("/content/f/e", "/content/f/f", 1);
    ensure!(altered != granted);
    world.stranger().get(&format!("{altered}index.html"))?.expect(403)?;
    // What is recorded of a launch is where the unit finds itself (cmi5, 9.6.3.4).
    let record = world.node.xapi().get("/xapi/statements?limit=100")?.expect(200)?.text();
    ensure!(record.contains(&format!("{granted}index.html\"")), "{record}");
    Ok(())
}

#[test]
fn a_removed_learner_reads_nothing_more() -> Result<()> {
    let world = World::start(true)?;
    let granted = world.granted("ada")?;
    world.node.admin().delete("/auth/people/ada")?.expect(204)?;
    // The launch asked for no file, so that no instance remembers the grant.
    world.stranger().get(&format!("{granted}index.html"))?.expect(403).map(drop)
}

#[test]
fn a_public_course_is_read_by_anybody_and_courses_are_listed_to_who_is_known() -> Result<()> {
    let world = World::with(true, "/content/v1/courses?public=true")?;
    let path = format!("/content/p/{}/index.html", world.package());
    let answer = world.stranger().get(&path)?.expect(200)?;
    ensure!(answer.header("cache-control").starts_with("public, max-age="), "{answer:?}");
    let one = "/content/v1/courses/https%3A%2F%2Fexample%2Eorg%2Fcourses%2Fapart";
    for path in [course::COURSES, one] {
        world.node.anonymous().get(path)?.expect(401)?;
        let ada = world.node.anonymous().with_basic("ada:a-long-password");
        ada.get(path)?.expect(200)?;
    }
    Ok(())
}

#[test]
fn a_course_that_is_public_no_more_is_read_by_nobody() -> Result<()> {
    let world = World::with(true, "/content/v1/courses?public=true")?;
    let structure = course::structure(COURSE, "Apart, and not for all");
    let page = b"<h1>Not for all</h1>".as_slice();
    let zip = course::archive(&[("cmi5.xml", structure.as_bytes()), ("index.html", page)])?;
    let zip = Some(("application/zip", zip.as_slice()));
    world.node.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?;
    // No instance has looked before.
    world.stranger().get(&format!("/content/p/{}/index.html", world.package()))?.expect(403)?;
    Ok(())
}

#[test]
fn a_host_of_a_course_has_no_other() -> Result<()> {
    let node = Node::builder()?.apart(false).variable("content_origin", "http://*.localhost:9");
    let node = node.start()?;
    let mut courses = Vec::new();
    for name in ["one", "two"] {
        let zip = course::package(&format!("https://example.org/{name}"), name)?;
        let zip = Some(("application/zip", zip.as_slice()));
        let there = "/content/v1/courses?public=true";
        courses.push(node.admin().send(Method::POST, there, zip)?.expect(201)?.json()?);
    }
    let of = |course: &Value, name: &str| course[name].as_str().unwrap_or_default().to_owned();
    let path = format!("/content/p/{}/index.html", of(&courses[0], "package"));
    for (course, status) in [(&courses[0], 200), (&courses[1], 404)] {
        let host = format!("{}.localhost:9", of(course, "key"));
        node.anonymous().with_header("host", &host).get(&path)?.expect(status)?;
    }
    node.anonymous().get(&path)?.expect(404).map(drop)
}

#[test]
fn other_origins_may_ask_also_for_what_is_not_there() -> Result<()> {
    let world = World::start(true)?;
    let granted = world.granted("ada")?;
    let stranger = world.stranger().with_header("origin", "null");
    is_readable_by_all(&stranger.get(&format!("{granted}missing.html"))?.expect(404)?)?;
    let page = format!("{granted}index.html");
    let beyond = stranger.clone().with_header("range", "bytes=9000-").get(&page)?.expect(416)?;
    is_readable_by_all(&beyond)?;
    ensure!(beyond.header("access-control-expose-headers").contains("content-range"));
    let asked = stranger.send(Method::OPTIONS, &page, None)?.expect(204)?;
    is_readable_by_all(&asked)?;
    ensure!(asked.header("access-control-allow-headers") == "*", "{asked:?}");
    Ok(())
}

#[test]
fn folders_have_pages_and_names_may_look_encoded() -> Result<()> {
    let world = World::start(true)?;
    let (granted, stranger) = (world.granted("ada")?, world.stranger());
    for path in ["a%20folder/", "a%20folder/index.html", "a folder/"] {
        let path = path.replace(' ', "%20");
        let page = stranger.get(&format!("{granted}{path}"))?.expect(200)?.text();
        ensure!(page.contains("A folder"), "{page}");
    }
    let moved = stranger.get(&format!("{granted}a%20folder"))?.expect(301)?;
    ensure!(moved.header("location") == "./a%20folder/", "{moved:?}");
    stranger.get(&format!("{granted}100%25.txt"))?.expect(200)?;
    stranger.get(&format!("{granted}no%20folder"))?.expect(404)?;
    Ok(())
}

#[test]
fn what_pages_store_is_the_learners() -> Result<()> {
    let world = World::start(true)?;
    let stranger = world.stranger();
    let storage = |name: &str| -> Result<String> {
        let granted = world.granted(name)?;
        Ok(granted.replacen("/content/f/", "/content/storage/", 1).trim_end_matches('/').to_owned())
    };
    let ada = storage("ada")?;
    let stored = json!({ "local": { "place": "7", "seen": "x" }, "session": { "tab": "1" } });
    stranger.post(&ada, &stored)?.expect(204)?;
    stranger.post(&ada, &json!({ "local": { "seen": null, "more": "y" } }))?.expect(204)?;
    let kept = stranger.get(&ada)?.expect(200)?.json()?;
    let expected = json!({
        "local": { "place": "7", "more": "y" }, "session": { "tab": "1" },
    });
    ensure!(kept == expected, "{kept}");
    let empty = json!({ "local": {}, "session": {} });
    let of_grace = stranger.get(&storage("grace")?)?.expect(200)?.json()?;
    ensure!(of_grace == empty, "{of_grace}");
    // Another launch is another session.
    let kept = stranger.get(&storage("ada")?)?.expect(200)?.json()?;
    ensure!(kept["local"]["place"] == "7" && kept["session"] == json!({}), "{kept}");
    for wrong in [json!([]), json!({ "local": { "a": 1 } }), json!({ "session": "x" })] {
        stranger.post(&ada, &wrong)?.expect(400)?;
    }
    let large = json!({ "local": { "a": "x".repeat(5 << 20) } });
    stranger.post(&ada, &large)?.expect(413)?;
    Ok(())
}
