//! Nodes, and what happens to them.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Link, Response, course, eventually, statement};
use http::Method;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::documents::{self, Versions};
use super::learn::{self, LEARNERS, PASSWORD};
use super::side::Side;
use super::watch;
use crate::xapi::multipart::Parts;

/// Steps of a schedule.
const STEPS: usize = 40;
/// One schedule in so many has a tree of three levels.
const TREES: u32 = 4;
/// The longest pause after a step.
const PAUSE_MS: u64 = 100;
/// How far clocks jump, in seconds.
const JUMP_S: i64 = 2 * 86_400;
/// Largest body of data that is attached to a statement: more than one entry carries.
const ATTACHMENT_BYTES: usize = 600_000;

pub struct World {
    pub random: StdRng,
    /// The first one is the top.
    pub sides: Vec<Side>,
    pub versions: Versions,
    /// Ids of statements that may be voided.
    stored: Vec<String>,
    /// Ids of statements that have been, and are still to be stored.
    awaited: Vec<String>,
    /// What has happened, for who has to find out what went wrong.
    log: Vec<String>,
}

/// What can happen, and how often it does beside the others.
const EVENTS: [(Event, u32); 27] = [
    (Event::Record, 22),
    (Event::Void, 5),
    (Event::Attach, 4),
    (Event::Document, 20),
    (Event::Person, 6),
    (Event::Course, 3),
    (Event::SignIn, 3),
    (Event::Cut, 5),
    (Event::Restore, 8),
    (Event::CutRequest, 4),
    (Event::CutAnswer, 4),
    (Event::Delay, 3),
    (Event::Slow, 3),
    (Event::Hold, 3),
    (Event::Release, 3),
    (Event::Repeat, 6),
    (Event::Clock, 6),
    (Event::Full, 3),
    (Event::Room, 5),
    (Event::Restart, 5),
    (Event::Down, 2),
    (Event::Up, 4),
    (Event::Copy, 3),
    (Event::SetBack, 3),
    (Event::Wait, 3),
    (Event::Burst, 2),
    (Event::Read, 3),
];

#[derive(Clone, Copy, Debug)]
enum Event {
    Record,
    Void,
    Attach,
    Document,
    Person,
    Course,
    SignIn,
    Cut,
    Restore,
    CutRequest,
    CutAnswer,
    Delay,
    Slow,
    Hold,
    Release,
    Repeat,
    Clock,
    Full,
    Room,
    Restart,
    Down,
    Up,
    Copy,
    SetBack,
    Wait,
    Burst,
    Read,
}

impl World {
    pub fn new(seed: u64) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let sides = if random.random_ratio(1, TREES) { tree()? } else { pair()? };
        let (versions, stored, awaited, log) = Default::default();
        let world = Self { random, sides, versions, stored, awaited, log };
        world.begin().context("at the beginning")?;
        Ok(world)
    }

    /// Learners are signed in everywhere before anything fails, but for the last one.
    fn begin(&self) -> Result<()> {
        let [ana, ben, cleo] = LEARNERS;
        let last = self.sides.last().context("no node")?;
        let homes = [(ana, &self.sides[1]), (ben, last), (cleo, last)];
        for (name, side) in homes {
            let person = json!({ "name": name, "display_name": name, "role": "learner",
                "password": PASSWORD });
            side.node.admin().post("/auth/people", &person)?.expect(201)?;
        }
        for name in [ana, ben] {
            for side in &self.sides {
                eventually("a learner signs in", || {
                    Ok(sign_in(side, name).is_some_and(|to| to == "/").then_some(()))
                })?;
            }
        }
        Ok(())
    }

    pub fn run(mut self) -> Result<()> {
        let total = EVENTS.iter().map(|(_, weight)| weight).sum();
        let outcome = (0..STEPS).try_for_each(|number| {
            let mut ticket = self.random.random_range(0..total);
            let chosen = EVENTS.iter().find(|(_, weight)| {
                let is_chosen = ticket < *weight;
                ticket = ticket.saturating_sub(*weight);
                is_chosen
            });
            let Some((event, _)) = chosen else { return Ok(()) };
            let index = self.random.random_range(0..self.sides.len());
            self.log.push(format!("{number} {event:?} {}", self.sides[index].name));
            self.happen(*event, index)
        });
        let outcome = outcome.and_then(|()| self.settle());
        outcome.with_context(|| format!("after {}", self.log.join(", ")))
    }

    pub fn top(&self) -> &Side {
        &self.sides[0]
    }

    fn happen(&mut self, event: Event, index: usize) -> Result<()> {
        match event {
            Event::Record => self.record(index, 60)?,
            Event::Burst => self.record(index, 900)?,
            Event::Void => self.void(index)?,
            Event::Attach => self.attach(index)?,
            Event::Document => {
                let answer =
                    documents::change(&mut self.sides[index], &mut self.versions, &mut self.random);
                sound(answer.as_ref())?;
            }
            Event::Person => self.person(index)?,
            Event::Course => self.course()?,
            Event::SignIn => {
                if let Some(name) = LEARNERS.choose(&mut self.random) {
                    sign_in(&self.sides[index], name);
                }
            }
            Event::Read => self.read(index)?,
            Event::Wait => thread::sleep(Duration::from_millis(self.random.random_range(0..1_000))),
            Event::Clock | Event::Full | Event::Room => self.trouble(event, index)?,
            Event::Restart => {
                self.sides[index].kill()?;
                self.sides[index].raise()?;
            }
            Event::Down => self.sides[index].kill()?,
            Event::Up => self.sides.iter_mut().try_for_each(Side::raise)?,
            Event::Copy => self.sides[index].copy_disk()?,
            Event::SetBack => self.sides[index].set_back()?,
            link => self.link(link, index),
        }
        self.pause()
    }

    /// Some time, in which anything may be underway: that is the point.
    fn pause(&mut self) -> Result<()> {
        thread::sleep(Duration::from_millis(self.random.random_range(0..PAUSE_MS)));
        let index = self.random.random_range(0..self.sides.len());
        let side = &mut self.sides[index];
        if !side.is_up {
            return Ok(());
        }
        watch::look(side)
    }

    /// What happens to the machine of a node.
    fn trouble(&mut self, event: Event, index: usize) -> Result<()> {
        let machine = &self.sides[index].machine;
        match event {
            Event::Clock => {
                let by = *[0, JUMP_S, -JUMP_S].choose(&mut self.random).unwrap_or(&0);
                self.log.push(format!("by {by}"));
                machine.set_clock(by)
            }
            Event::Full => machine.fill_disk(true),
            _ => self.sides.iter().try_for_each(|side| side.machine.fill_disk(false)),
        }
    }

    /// What happens to the link between a node and the one above.
    fn link(&mut self, event: Event, index: usize) {
        // The one at the top has none: then it is the next one's.
        let Some(link) = &self.sides[index.max(1)].link else { return };
        match event {
            Event::Cut => link.cut(),
            Event::Restore => link.restore(),
            Event::CutRequest => link.cut_after(self.random.random_range(0..60_000)),
            Event::CutAnswer => link.cut_answers_after(self.random.random_range(0..30_000)),
            Event::Delay => {
                link.delay(Duration::from_millis(self.random.random_range(0..30)));
            }
            Event::Slow => {
                link.limit(*[0, 50_000, 1_000_000].choose(&mut self.random).unwrap_or(&0))
            }
            Event::Hold => link.hold(),
            Event::Release => link.release(),
            _ => {
                link.repeat(self.random.random_range(0..8));
            }
        }
    }

    /// Statements of learners.
    fn record(&mut self, index: usize, most: usize) -> Result<()> {
        let count = self.random.random_range(1..most);
        let mut statements: Vec<_> =
            (0..count).map(|_| learn::statement(&mut self.random)).collect();
        // Some have been voided before they came.
        if self.random.random()
            && let Some(id) = self.awaited.pop()
        {
            statements[0]["id"] = json!(id);
        }
        self.store(index, statements)
    }

    fn store(&mut self, index: usize, statements: Vec<Value>) -> Result<()> {
        let side = &mut self.sides[index];
        let Ok(answer) = side.node.xapi().post(statement::PATH, &json!(statements)) else {
            return Ok(());
        };
        sound(Some(&answer))?;
        if answer.status == 200 {
            let ids: Vec<String> = serde_json::from_value(answer.json()?)?;
            self.stored.extend(ids.first().cloned());
            side.held.statements.extend(ids);
        }
        Ok(())
    }

    /// Takes back a statement of anybody's, or one that is still to come.
    fn void(&mut self, index: usize) -> Result<()> {
        let known = self.stored.choose(&mut self.random).cloned();
        let target = known.filter(|_| self.random.random()).unwrap_or_else(|| {
            let id = statement::new_id();
            self.awaited.push(id.clone());
            id
        });
        self.store(index, vec![statement::voiding(&target)])
    }

    fn attach(&mut self, index: usize) -> Result<()> {
        let mut data = vec![0; self.random.random_range(1..ATTACHMENT_BYTES)];
        rand::Rng::fill_bytes(&mut self.random, &mut data);
        let mut statement = learn::statement(&mut self.random);
        statement["attachments"] = json!([Parts::describe(&data)]);
        let side = &mut self.sides[index];
        let Ok(answer) = Parts::new(&statement).with(&data).post(&side.node.xapi()) else {
            return Ok(());
        };
        sound(Some(&answer))?;
        if answer.status == 200 {
            let id = statement["id"].as_str().unwrap_or_default().to_owned();
            side.held.statements.insert(id.clone());
            side.held.attachments.insert(id, data);
        }
        Ok(())
    }

    /// Somebody is added, changed or removed.
    fn person(&mut self, index: usize) -> Result<()> {
        let name = format!("p{}", self.random.random_range(0..4_u32));
        let shown = format!("Person {}", self.random.random::<u32>());
        let (admin, path) = (self.sides[index].node.admin(), format!("/auth/people/{name}"));
        let answer = match self.random.random_range(0..3_u32) {
            0 => admin.post(
                "/auth/people",
                &json!({ "name": name, "display_name": shown,
                "role": "learner", "password": PASSWORD }),
            ),
            1 => {
                let change = json!({ "display_name": shown }).to_string();
                admin.send(Method::PATCH, &path, Some(("application/json", change.as_bytes())))
            }
            _ => admin.delete(&path),
        };
        sound(answer.ok().as_ref())
    }

    fn course(&mut self) -> Result<()> {
        let course = self.random.random_range(0..2_u32);
        let title = format!("Title {}", self.random.random::<u32>());
        let package = course::package(&format!("https://example.org/course/{course}"), &title)?;
        let zip = Some(("application/zip", package.as_slice()));
        let answer = self.top().node.admin().send(Method::POST, "/content/v1/courses", zip);
        sound(answer.ok().as_ref())
    }

    /// What somebody has read at a node is on its disk.
    fn read(&mut self, index: usize) -> Result<()> {
        let side = &mut self.sides[index];
        if let Ok(ids) = statement::all_ids(&side.node.xapi()) {
            side.held.statements.extend(ids);
        }
        Ok(())
    }
}

/// Signs in with a browser's form; answers the page that it leads to.
fn sign_in(side: &Side, name: &str) -> Option<String> {
    let form = format!("name={name}&password={PASSWORD}&next=/");
    let form = Some(("application/x-www-form-urlencoded", form.as_bytes()));
    let answer = side.node.anonymous().send(Method::POST, "/auth/sign-in", form).ok()?;
    Some(answer.header("location").to_owned())
}

/// Whatever happens to a machine, a request is done or refused with a reason: a full disk is no
/// mystery.
fn sound(answer: Option<&Response>) -> Result<()> {
    let Some(answer) = answer else { return Ok(()) };
    ensure!(answer.status != 500, "a request failed: {}", answer.text());
    Ok(())
}

/// A hub and an edge.
fn pair() -> Result<Vec<Side>> {
    let hub = Side::start("hub", &["edge"], None)?;
    let link = Link::to(hub.node.port())?;
    let edge = Side::start("edge", &[], Some((0, link)))?;
    Ok(vec![hub, edge])
}

/// A centre, a region, and an edge below each of them.
fn tree() -> Result<Vec<Side>> {
    let centre = Side::start("centre", &["region", "away"], None)?;
    let port = centre.node.port();
    let region = Side::start("region", &["edge"], Some((0, Link::to(port)?)))?;
    let edge = Side::start("edge", &[], Some((1, Link::to(region.node.port())?)))?;
    let away = Side::start("away", &[], Some((0, Link::to(port)?)))?;
    Ok(vec![centre, region, edge, away])
}
