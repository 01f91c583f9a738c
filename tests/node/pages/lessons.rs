//! Documents, books, pictures and H5P, played in a real browser.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Browser, Link, Node, course, repository};
use serde_json::Value;

use super::places::chapter;
use super::{ADA, GRACE, collect, page_of, sign_in};
use crate::tree::{learner, soon};

/// What each piece of a course is late by, where it comes slowly.
const SLOW: Duration = Duration::from_millis(200);

/// Clicks on the button for the next page the moment it is seen: WebDriver would wait for frames.
const QUICK_CLICK: &str = r#"new Promise((done) => {
  const look = () => {
    const button = document.querySelector("nav button:last-child");
    if (!button?.checkVisibility({ visibilityProperty: true })) return requestAnimationFrame(look);
    button.click();
    done(true);
  };
  look();
})"#;

/// A file of `examples/formats`, or a folder of it as a zip.
pub fn sample(name: &str) -> Result<Vec<u8>> {
    let path = repository("examples/formats").join(name);
    if !path.is_dir() {
        return Ok(std::fs::read(path)?);
    }
    let mut files = Vec::new();
    collect(&path, &path, &mut files)?;
    let files: Vec<_> = files.iter().map(|(path, data)| (path.as_str(), data.as_slice())).collect();
    course::archive(&files)
}

/// Nothing went wrong on the pages, but that they asked for what may be there and was not: state,
/// preferences, and what some books have.
pub fn expect_no_errors(browser: &Browser) -> Result<()> {
    let may_lack = |error: &String| {
        let asked = ["/xapi/", "/META-INF/"].iter().any(|place| error.contains(place));
        asked && error.contains("status of 404")
    };
    let errors: Vec<_> = browser.errors()?.into_iter().filter(|error| !may_lack(error)).collect();
    ensure!(errors.is_empty(), "errors in the browser: {errors:#?}");
    Ok(())
}

/// A node, and on it a lesson and two learners.
pub struct Classroom {
    pub node: Node,
    /// The page of the lesson's course.
    pub path: String,
}

impl Classroom {
    /// A node of its own, with a lesson by its file's name.
    pub fn with(name: &str, player: &str, bytes: &[u8]) -> Result<Self> {
        let mut classroom = Self::at(Node::start()?)?;
        classroom.import(name, player, bytes)?;
        Ok(classroom)
    }

    /// Such a node, without a lesson.
    pub fn at(node: Node) -> Result<Self> {
        for name in ["ada", "grace"] {
            node.admin().post("/auth/people", &learner(name))?.expect(201)?;
        }
        Ok(Self { node, path: String::new() })
    }

    /// Brings a lesson, which is now what is played; answers its course.
    pub fn import(&mut self, name: &str, player: &str, bytes: &[u8]) -> Result<Value> {
        let address = format!("{}?name={name}", course::COURSES);
        let body = Some(("application/octet-stream", bytes));
        let course =
            self.node.admin().send(http::Method::POST, &address, body)?.expect(201)?.json()?;
        ensure!(course["units"][0]["player"] == player, "{course}");
        self.path = page_of(&course)?;
        Ok(course)
    }

    pub fn enter(&self, browser: Browser, who: &str) -> Result<Browser> {
        sign_in(&browser, &self.node, who)?;
        Ok(browser)
    }

    /// Opens the first unit, and acts within its player.
    pub fn play<T>(&self, browser: &Browser, act: impl FnOnce(&Browser) -> Result<T>) -> Result<T> {
        self.look(browser)?;
        browser.click(".unit button:last-child")?;
        browser.in_frame("main > iframe:not([hidden])", |player| {
            // The frame may still be on its way there.
            player.await_text("#outcome, main", "")?;
            act(player)
        })
    }

    /// The course's page.
    fn look(&self, browser: &Browser) -> Result<()> {
        browser.open(&format!("{}{}", self.node.address(), self.path))
    }

    pub fn await_standing(&self, browser: &Browser, text: &str) -> Result<()> {
        soon(text, || {
            self.look(browser)?;
            Ok(browser.text(".unit")?.contains(text))
        })
    }

    /// The statements of these verbs, oldest first.
    pub fn recorded(&self, verb: &str) -> Result<Vec<Value>> {
        let all = self.node.xapi().get("/xapi/statements?limit=500&ascending=true")?.expect(200)?;
        let all = all.json()?;
        let all = all["statements"].as_array().context("no list")?;
        let ends = |it: &&Value| it["verb"]["id"].as_str().is_some_and(|id| id.ends_with(verb));
        Ok(all.iter().filter(ends).cloned().collect())
    }
}

#[test]
fn a_document_is_done_when_its_pages_were_seen_and_opens_where_it_was_left() -> Result<()> {
    let classroom = Classroom::with("Hedges.pdf", "pdf", &sample("document.pdf")?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    let turn_to = |browser: &Browser, page: u32| {
        browser.evaluate(&format!(
            "document.querySelector('[data-page-number=\"{page}\"]').scrollIntoView()"
        ))?;
        browser.await_text(".pdf output", &format!("{page} / 3"))
    };
    classroom.play(&phone, |pdf| {
        pdf.await_text(".pdf output", "1 / 3")?;
        pdf.await_text(".textLayer", "Why hedges")?;
        // Who runs to the end has not seen what is between.
        turn_to(pdf, 3)?;
        turn_to(pdf, 2)?;
        pdf.await_text(".textLayer", "How to plant one")?;
        soon("the page is seen", || {
            let kept = pdf.evaluate("document.querySelector('main') && 1")?;
            Ok(kept == 1 && !classroom.recorded("/progressed")?.is_empty())
        })
    })?;
    expect_no_errors(&phone)?;
    classroom.await_standing(&phone, "In progress")?;
    let other = classroom.enter(Browser::desktop()?, GRACE)?;
    classroom.play(&other, |pdf| pdf.await_text(".pdf output", "1 / 3"))?;
    let other = classroom.enter(Browser::desktop()?, ADA)?;
    classroom.play(&other, |pdf| {
        pdf.await_text(".pdf output", "2 / 3")?;
        turn_to(pdf, 1)?;
        pdf.await_text(".textLayer", "Why hedges")?;
        pdf.evaluate("new Promise((seen) => setTimeout(seen, 1500))")?;
        turn_to(pdf, 3)?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    classroom.await_standing(&other, "Completed")
}

#[test]
fn a_text_shows_its_pictures_and_is_done_at_its_end() -> Result<()> {
    let more: String = (3..40).map(|year| format!("\n\nWhat one sees in year {year}.")).collect();
    let text = String::from_utf8(sample("markdown/hedges.md")?)? + &more;
    let picture = sample("markdown/pictures/hedge.svg")?;
    let files = [("a/hedges.md", text.as_bytes()), ("a/pictures/hedge.svg", picture.as_slice())];
    let classroom = Classroom::with("Hedges.zip", "markdown", &course::archive(&files)?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |text| {
        text.await_text("h1", "A hedge is a fence that grows")?;
        ensure!(text.evaluate("document.querySelector('img').naturalWidth")? == 480);
        let is_wide = "document.documentElement.scrollWidth > innerWidth";
        ensure!(text.evaluate(is_wide)? == false, "wider than the phone");
        soon("some is seen", || Ok(!classroom.recorded("/progressed")?.is_empty()))?;
        ensure!(classroom.recorded("/completed")?.is_empty());
        text.evaluate("document.querySelector('article > :last-child').scrollIntoView()")?;
        text.evaluate("new Promise((seen) => setTimeout(seen, 1500))")?;
        ensure!(classroom.recorded("/completed")?.is_empty(), "who jumps has not read it");
        text.evaluate(
            "(async () => {
                for (const part of document.querySelectorAll('article > *')) {
                  part.scrollIntoView();
                  await new Promise((seen) => setTimeout(seen, 300));
                }
              })()",
        )?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    expect_no_errors(&phone)?;
    classroom.await_standing(&phone, "Completed")
}

#[test]
fn a_text_opens_where_it_was_left_however_often_it_is_opened() -> Result<()> {
    let text: String = (0..60).map(|n| format!("## Hedge {n}\n\nIt has grown.\n\n")).collect();
    let classroom = Classroom::with("Long.md", "markdown", text.as_bytes())?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    let on_top = "[...document.querySelectorAll('h2')]
        .find((it) => it.getBoundingClientRect().bottom > 1)?.textContent";
    let wait = "new Promise((kept) => setTimeout(kept, 5000))";
    classroom.play(&phone, |text| {
        text.await_text("h2", "Hedge 0")?;
        text.evaluate("document.querySelectorAll('h2')[20].scrollIntoView()")?;
        text.evaluate(wait).map(drop)
    })?;
    for _ in 0..2 {
        classroom.play(&phone, |text| {
            soon("it is there", || Ok(text.evaluate(on_top)? == "Hedge 20"))?;
            text.evaluate(wait).map(drop)
        })?;
    }
    Ok(())
}

#[test]
fn a_picture_is_done_once_it_was_seen() -> Result<()> {
    let picture = sample("markdown/pictures/hedge.svg")?;
    let classroom = Classroom::with("Hedge.svg", "image", &picture)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |_| {
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    expect_no_errors(&phone)?;
    classroom.await_standing(&phone, "Completed")
}

#[test]
fn the_first_click_turns_a_page_of_a_book_that_comes_slowly() -> Result<()> {
    let mut node = Node::builder()?.apart(false).start()?;
    let link = Link::to(node.port())?;
    node.set_variable("content_origin", &link.address());
    node.terminate()?;
    node.restart()?;
    let mut classroom = Classroom::at(node)?;
    classroom.import("Year.epub", "epub", &sample("book")?)?;
    link.delay(SLOW);
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |book| {
        book.evaluate(QUICK_CLICK)?;
        soon("summer", || Ok(chapter(book)? == "Summer"))
    })
}

#[test]
fn a_book_opens_where_it_was_left() -> Result<()> {
    let classroom = Classroom::with("Year.epub", "epub", &sample("book")?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    let is_at = |browser: &Browser, chapter: &str| {
        browser.evaluate(&format!(
            "document.querySelector('select')?.selectedOptions[0]?.text === '{chapter}'"
        ))
    };
    classroom.play(&phone, |book| {
        soon("winter", || Ok(is_at(book, "Winter")? == true))?;
        book.evaluate("new Promise((seen) => setTimeout(seen, 1500))")?;
        book.click("nav button:last-child")?;
        soon("summer", || Ok(is_at(book, "Summer")? == true))?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    expect_no_errors(&phone)?;
    let other = classroom.enter(Browser::desktop()?, ADA)?;
    classroom.play(&other, |book| soon("summer again", || Ok(is_at(book, "Summer")? == true)))?;
    classroom.await_standing(&other, "Completed")
}

#[test]
fn h5p_content_is_answered_and_found_again() -> Result<()> {
    let classroom = Classroom::with("Quiz.h5p", "h5p", &sample("h5p")?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |quiz| {
        quiz.await_text("h2", "When is a hedge planted?")?;
        let library = quiz.evaluate("H5P.instances[0].libraryInfo.versionedName")?;
        ensure!(library == "H5P.HedgeQuiz 1.0", "{library}");
        quiz.click("h2 + button")?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    expect_no_errors(&phone)?;
    let answered = &classroom.recorded("/answered")?[0];
    ensure!(answered["result"]["success"] == true, "{answered}");
    ensure!(answered["object"]["definition"]["interactionType"] == "choice", "{answered}");
    ensure!(answered["actor"]["account"]["name"].is_string(), "{answered}");
    let other = classroom.enter(Browser::desktop()?, GRACE)?;
    let chosen = "document.querySelector('[aria-pressed=true]')?.textContent ?? ''";
    classroom.play(&other, |quiz| {
        quiz.await_text("h2", "When")?;
        ensure!(quiz.evaluate(chosen)? == "");
        Ok(())
    })?;
    let other = classroom.enter(Browser::desktop()?, ADA)?;
    classroom.play(&other, |quiz| {
        quiz.await_text("h2", "When")?;
        ensure!(quiz.evaluate(chosen)? == "In winter", "it is not found again");
        Ok(())
    })?;
    classroom.await_standing(&other, "Completed")?;
    classroom.await_standing(&other, "100 %")
}

#[test]
fn content_without_its_libraries_gets_those_that_are_here() -> Result<()> {
    let files = ["h5p.json", "content/content.json"];
    let alone = files.map(|path| Ok((path, sample(&format!("h5p/{path}"))?)));
    let alone = alone.into_iter().collect::<Result<Vec<_>>>()?;
    let alone: Vec<_> = alone.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
    let alone = course::archive(&alone)?;
    let node = Node::start()?;
    let address = format!("{}?name=Alone.h5p", course::COURSES);
    let body = Some(("application/octet-stream", alone.as_slice()));
    let refused = node.admin().send(http::Method::POST, &address, body)?.expect(400)?;
    ensure!(refused.detail()?.contains("H5P.HedgeQuiz-1.0"), "{refused:?}");
    drop(node);
    let classroom = Classroom::with("Quiz.h5p", "h5p", &sample("h5p")?)?;
    let before = classroom.node.admin().get(course::COURSES)?.expect(200)?.json()?;
    classroom.node.admin().send(http::Method::POST, &address, body)?.expect(200)?;
    let after = classroom.node.admin().get(course::COURSES)?.expect(200)?.json()?;
    // It has become what it was with them.
    ensure!(before == after, "{after}");
    Ok(())
}
