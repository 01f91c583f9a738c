//! Where a learner is in a lesson of any format is found again: after a browser was killed, by
//! nobody else, and on another node.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Browser, Node, address, course};

use super::films::play_on;
use super::lessons::{Classroom, sample};
use super::{ADA, GRACE, page_of};
use crate::tree::{pair, people, soon};

/// A lesson in which somebody gets somewhere.
struct Lesson {
    /// The name of its file.
    file: &'static str,
    player: &'static str,
    package: fn() -> Result<Vec<u8>>,
    /// Gets there.
    go: fn(&Browser) -> Result<()>,
    /// The state that says so, and a part of it.
    state: [&'static str; 2],
    /// Whether a learner is there who has opened it again; fails on a page that never says.
    is_there: fn(&Browser) -> Result<bool>,
}

const LESSONS: [Lesson; 6] = [
    Lesson {
        file: "Hedges.pdf",
        player: "pdf",
        package: || sample("document.pdf"),
        go: |pdf| {
            pdf.await_text(".textLayer", "Why hedges")?;
            pdf.evaluate("document.querySelector('[data-page-number=\"2\"]').scrollIntoView()")?;
            Ok(())
        },
        state: ["lesson", "\"place\":\"2\""],
        is_there: |pdf| {
            pdf.await_text(".pdf output", " / 3")?;
            // It turns to the place once the pages are there.
            pdf.await_text(".textLayer", "hedge")?;
            Ok(pdf.text(".pdf output")?.starts_with("2 /"))
        },
    },
    Lesson {
        file: "Year.epub",
        player: "epub",
        package: || sample("book"),
        go: |book| {
            soon("winter", || Ok(chapter(book)? == "Winter"))?;
            book.click("nav button:last-child")?;
            soon("summer", || Ok(chapter(book)? == "Summer"))
        },
        state: ["lesson", "\"place\""],
        is_there: |book| {
            soon("a chapter", || Ok(!chapter(book)?.is_empty()))?;
            Ok(chapter(book)? == "Summer")
        },
    },
    Lesson {
        file: "Quiz.h5p",
        player: "h5p",
        package: || sample("h5p"),
        go: |quiz| {
            quiz.await_text("h2", "When")?;
            quiz.click("h2 + button + button")
        },
        state: ["h5p", "chosen"],
        is_there: |quiz| {
            quiz.await_text("h2", "When")?;
            Ok(quiz.evaluate("document.querySelector('[aria-pressed=true]') !== null")? == true)
        },
    },
    Lesson {
        file: "Cutting.zip",
        player: "scorm-1.2",
        package: || sample("scorm-1.2"),
        go: |player| player.in_frame("iframe:not([hidden])", |page| page.click("button")),
        state: ["scorm", "\"cmi.suspend_data\":\"m\""],
        is_there: |player| {
            player.in_frame("iframe:not([hidden])", |page| {
                page.await_text("h1", "When to cut")?;
                Ok(page.text("#said")? == "Not then.")
            })
        },
    },
    Lesson {
        file: "Steps.zip",
        player: "scorm-2004",
        package: || sample("scorm-2004"),
        go: |player| player.in_frame("iframe:not([hidden])", |page| page.click("button")),
        state: ["scorm", "\"cmi.location\":\"1\""],
        is_there: |player| {
            player.in_frame("iframe:not([hidden])", |page| {
                page.await_text("#step", ".")?;
                Ok(page.text("#step")?.starts_with("Bend it over"))
            })
        },
    },
    Lesson {
        file: "Film.zip",
        player: "video",
        package: || sample("film"),
        go: |film| {
            is_ready(film)?;
            film.evaluate("document.querySelector('video').currentTime = 2")?;
            play_on(film, 1.0)
        },
        state: ["lesson", "\"place\":\"3"],
        is_there: |film| {
            is_ready(film)?;
            let at = film.evaluate("document.querySelector('video').currentTime")?;
            Ok(at.as_f64().is_some_and(|at| at > 1.0))
        },
    },
];

/// The chapter in which a book is open.
pub fn chapter(book: &Browser) -> Result<String> {
    let chapter = book.evaluate("document.querySelector('select')?.selectedOptions[0]?.text")?;
    Ok(chapter.as_str().unwrap_or_default().to_owned())
}

fn is_ready(film: &Browser) -> Result<()> {
    soon("it is there", || {
        Ok(film.evaluate("document.querySelector('video')?.duration > 4")? == true)
    })
}

/// Waits until a node has this in a state of the unit that was launched last.
pub fn await_state(classroom: &Classroom, node: &Node, [name, part]: [&str; 2]) -> Result<()> {
    let all = classroom.recorded("/launched")?;
    let launched = all.last().context("nothing was launched")?;
    let agent = launched["actor"].to_string();
    let place = address(
        "/xapi/activities/state",
        &[
            ("activityId", launched["object"]["id"].as_str().context("no activity")?),
            ("registration", launched["context"]["registration"].as_str().unwrap_or_default()),
            ("agent", &agent),
            ("stateId", name),
        ],
    );
    soon("it is kept", || Ok(node.xapi().get(&place)?.text().contains(part)))
}

impl Lesson {
    /// Waits until the node has where Ada is.
    fn await_kept(&self, classroom: &Classroom, node: &Node) -> Result<()> {
        await_state(classroom, node, self.state)
    }

    /// Opens the lesson as somebody, in a browser of its own, and looks whether it is there.
    fn is_there_for(&self, classroom: &Classroom, who: &str) -> Result<bool> {
        let browser = classroom.enter(Browser::phone()?, who)?;
        classroom.play(&browser, self.is_there)
    }
}

#[test]
fn a_browser_that_is_killed_takes_no_place_with_it() -> Result<()> {
    for lesson in LESSONS {
        let classroom = Classroom::with(lesson.file, lesson.player, &(lesson.package)()?)?;
        let phone = classroom.enter(Browser::phone()?, ADA)?;
        classroom.play(&phone, lesson.go)?;
        lesson.await_kept(&classroom, &classroom.node).context(lesson.file)?;
        phone.kill()?;
        ensure!(!lesson.is_there_for(&classroom, GRACE)?, "{}: Grace is there", lesson.file);
        soon(lesson.file, || lesson.is_there_for(&classroom, ADA))?;
    }
    Ok(())
}

#[test]
fn a_place_is_found_on_another_node() -> Result<()> {
    let (hub, edge) = pair()?;
    let mut above = Classroom::at(hub)?;
    soon("the learners are below", || Ok(people(&edge)?.contains_key("grace")))?;
    let mut below = Classroom { node: edge, path: String::new() };
    for lesson in LESSONS {
        let course = above.import(lesson.file, lesson.player, &(lesson.package)()?)?;
        below.path = page_of(&course)?;
        soon("the course is below", || {
            let listed = below.node.admin().get(course::COURSES)?.expect(200)?.text();
            Ok(listed.contains(course["id"].as_str().context("no id")?))
        })?;
        let phone = below.enter(Browser::phone()?, ADA)?;
        below.play(&phone, lesson.go)?;
        lesson.await_kept(&below, &above.node).context(lesson.file)?;
        soon(lesson.file, || lesson.is_there_for(&above, ADA))?;
    }
    Ok(())
}
