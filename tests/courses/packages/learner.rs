//! A learner in front of a browser.

use std::collections::HashSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Browser, Node, address, repository};
use serde_json::{Value, json};

use super::list::Row;

/// What a learner does in a unit.
const LEARNER: &str = include_str!("learner.js");
/// How long a unit may take to show something, and to find its place.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a thing may take that is done.
const STEP: Duration = Duration::from_millis(700);
/// How long what was done last may take to be kept.
const SAVED: Duration = Duration::from_secs(3);
/// How many steps a unit may take to its end.
const STEPS: usize = 60;
/// After how many steps without anything to do a unit is left.
const IDLE: usize = 8;

/// What there is to be seen: words that are in sight, and words that are there at all.
#[derive(Default)]
pub struct Sight([HashSet<String>; 2]);

impl Sight {
    /// Whether there is something.
    pub fn is_there(&self) -> bool {
        !self.0[1].is_empty()
    }

    /// How alike two are, from 0 to 1: in sight, and at all.
    fn likeness(&self, other: &Self) -> [f64; 2] {
        [0, 1].map(|n| {
            let (one, other) = (&self.0[n], &other.0[n]);
            let (both, all) = (one.intersection(other).count(), one.union(other).count());
            if all == 0 { 1.0 } else { both as f64 / all as f64 }
        })
    }

    /// Whether it has changed since another.
    pub fn differs(&self, other: &Self) -> bool {
        self.likeness(other).iter().any(|like| *like < 0.98)
    }
}

/// A course at a node, for one learner.
pub struct Lesson<'a> {
    row: &'a Row,
    node: &'a Node,
    course: &'a Value,
    credentials: &'a str,
    cookie: String,
}

impl<'a> Lesson<'a> {
    pub fn new(
        row: &'a Row,
        node: &'a Node,
        course: &'a Value,
        credentials: &'a str,
    ) -> Result<Self> {
        let cookie = node.sign_in(credentials)?;
        Ok(Self { row, node, course, credentials, cookie })
    }

    /// How many units it has.
    pub fn units(&self) -> usize {
        self.course["units"].as_array().map_or(0, Vec::len)
    }

    fn page(&self) -> String {
        format!("/courses/{}", self.course["key"].as_str().unwrap_or_default())
    }

    /// What "My progress" says of a unit: what is reached, the score, how far.
    pub fn standing(&self, unit: usize) -> Result<String> {
        self.standing_at(self.node, &self.cookie, unit)
    }

    fn standing_at(&self, node: &Node, cookie: &str, unit: usize) -> Result<String> {
        let page = node.browser(cookie).get("/progress")?.expect(200)?.text();
        let activity = self.course["units"][unit]["activity"].as_str().context("no activity")?;
        let activity = activity.replace('&', "&#38;");
        let Some((_, row)) = page.split_once(&format!("data-key=\"{activity}\"")) else {
            return Ok(String::new());
        };
        let (row, _) = row.split_once("<td data-label=\"Last").unwrap_or((row, ""));
        let cells = row.split("data-label=").skip(1).map(words);
        Ok(cells.filter(|cell| !cell.is_empty() && cell != "–").collect::<Vec<_>>().join(", "))
    }

    /// Waits for a unit to be done; answers what is reached, done or not.
    pub fn await_done(&self, unit: usize) -> Result<String> {
        let start = Instant::now();
        loop {
            let standing = self.standing(unit)?;
            if is_done(&standing) || start.elapsed() > Duration::from_secs(8) {
                return Ok(standing);
            }
            sleep(STEP);
        }
    }

    /// Waits until another node says the same of all units.
    pub fn await_same(&self, other: &Node) -> Result<()> {
        let cookie = other.sign_in(self.credentials)?;
        let start = Instant::now();
        loop {
            let same = (0..self.units()).map(|unit| -> Result<_> {
                Ok(self.standing(unit)? == self.standing_at(other, &cookie, unit)?)
            });
            if same.collect::<Result<Vec<_>>>()?.iter().all(|same| *same) {
                // Its place comes with what counts, or right after it.
                sleep(Duration::from_secs(2));
                return Ok(());
            }
            ensure!(start.elapsed() < PATIENCE, "the nodes do not agree");
            sleep(STEP);
        }
    }

    /// How many statements there are of the learner.
    pub fn statements(&self) -> Result<usize> {
        let (name, _) = self.credentials.split_once(':').context("no colon")?;
        let account = json!({ "homePage": "https://hedgeschool.example/people", "name": name });
        let agent = json!({ "account": account }).to_string();
        let query = [("agent", agent.as_str()), ("limit", "500")];
        let all = self.node.xapi().get(&address("/xapi/statements", &query))?.expect(200)?;
        Ok(all.json()?["statements"].as_array().map_or(0, Vec::len))
    }
}

/// The text of a piece of a page.
fn words(html: &str) -> String {
    let text = html.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text);
    text.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn is_done(standing: &str) -> bool {
    ["Passed", "Completed", "Satisfied", "Waived"].iter().any(|it| standing.starts_with(it))
}

/// Somebody who has signed in, in a profile of their own.
pub struct Learner<'a> {
    lesson: &'a Lesson<'a>,
    browser: Browser,
}

impl<'a> Learner<'a> {
    pub fn enter(lesson: &'a Lesson<'a>) -> Result<Self> {
        let browser = Browser::desktop()?;
        browser.open(&lesson.node.address())?;
        let (name, password) = lesson.credentials.split_once(':').context("no colon")?;
        browser.type_into("input[name=name]", name)?;
        browser.type_into("input[name=password]", password)?;
        browser.click("main button")?;
        browser.await_text("header", "Sign out")?;
        Ok(Self { lesson, browser })
    }

    /// Launches a unit, acts within it, and leaves it.
    pub fn within<T>(&self, unit: usize, act: impl FnOnce(&Unit) -> Result<T>) -> Result<T> {
        let Self { browser, lesson } = self;
        let page = format!("{}{}", lesson.node.address(), lesson.page());
        browser.open(&page)?;
        let id = lesson.course["units"][unit]["id"].as_str().context("no unit")?;
        let form = format!(".unit[data-key={}] form", Value::from(id));
        let opens = format!("document.querySelector({})?.target", Value::from(form.as_str()));
        let has_own_window = browser.evaluate(&opens)? == "_blank";
        browser.click(&format!("{form} button:last-child"))?;
        let act = |browser: &Browser| {
            let outcome = act(&Unit { row: lesson.row, browser });
            picture(browser, lesson.row)?;
            outcome
        };
        if has_own_window {
            return browser.in_opened_window(act);
        }
        let outcome = browser.in_frame("main > iframe:not([hidden])", act);
        browser.open(&page)?;
        outcome
    }
}

/// Keeps a picture of how a unit is left, for who wants to see it.
fn picture(browser: &Browser, row: &Row) -> Result<()> {
    let folder = repository("target/courses/pictures");
    fs::create_dir_all(&folder)?;
    let before = fs::read_dir(&folder)?.count();
    println!("    {:?}", browser.errors()?);
    browser.screenshot(&folder.join(format!("{before:03}-{}.png", row.name())))
}

/// A unit that runs.
pub struct Unit<'a> {
    row: &'a Row,
    browser: &'a Browser,
}

impl Unit<'_> {
    fn wish(&self, what: &str) -> Result<Value> {
        let row = self.row;
        let wish = json!({
            "what": what, "click": row.value("click"), "then": row.value("then"),
            "resume": row.value("resume"),
        });
        // A page that is just changing has nothing to say.
        Ok(self.browser.evaluate(&format!("({LEARNER})({wish})")).unwrap_or_default())
    }

    fn look(&self) -> Result<Sight> {
        let seen = self.wish("look")?;
        let words = |n: usize| {
            let words = seen[n].as_array().into_iter().flatten().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        };
        Ok(Sight([words(0), words(1)]))
    }

    /// What is in sight when it has come to rest.
    pub fn settled(&self) -> Result<Sight> {
        let start = Instant::now();
        let mut last = self.look()?;
        loop {
            sleep(Duration::from_millis(1000));
            let now = self.look()?;
            let is_still = now.likeness(&last).iter().all(|like| *like > 0.95);
            if (is_still && now.is_there()) || start.elapsed() > PATIENCE {
                return Ok(now);
            }
            last = now;
        }
    }

    fn step(&self, what: &str) -> Result<String> {
        let did = self.wish(what)?;
        sleep(STEP);
        Ok(did.as_str().unwrap_or_default().to_owned())
    }

    /// Goes on a few steps.
    pub fn turn(&self, steps: usize) -> Result<()> {
        let mut did = 0;
        for _ in 0..steps * 3 {
            let deed = self.step("turn")?;
            println!("    {deed:?}");
            did += usize::from(!deed.is_empty());
            if did >= steps {
                break;
            }
        }
        self.wish("pause")?;
        sleep(SAVED);
        Ok(())
    }

    /// Whether it shows what was left, rather than its begin.
    pub fn finds(&self, fresh: &Sight, left: &Sight) -> Result<bool> {
        let start = Instant::now();
        // A course whose bookmark is a page may have one page.
        let (mut is_resumed, mut is_asked) = (false, false);
        while start.elapsed() < PATIENCE {
            let now = self.settled()?;
            let (like_left, like_fresh) = (now.likeness(left), now.likeness(fresh));
            println!("    like what was left: {like_left:.2?}, like the begin: {like_fresh:.2?}");
            let is_found = |(left, fresh): (&f64, &f64)| {
                *left > 0.6 && (*left > fresh + 0.015 || (is_resumed && left >= fresh) || is_asked)
            };
            if like_left.iter().zip(&like_fresh).any(is_found) {
                return Ok(true);
            }
            let did = self.step("resume")?;
            println!("    resumes by: {did:?}");
            is_resumed |= !did.is_empty();
            is_asked |= is_resumed && !self.row.value("resume").is_null();
        }
        Ok(false)
    }

    /// Goes on to the end.
    pub fn finish(&self, lesson: &Lesson, unit: usize) -> Result<()> {
        let mut idle = 0;
        for step in 0..self.row.number("steps", STEPS) {
            if is_done(&lesson.standing(unit)?) || idle > IDLE {
                break;
            }
            let did = self.step("finish")?;
            println!("    {step}: {did:?}");
            idle = if did.is_empty() { idle + 1 } else { 0 };
        }
        sleep(Duration::from_secs(2));
        Ok(())
    }
}
