//! Lessons that are broken off: by the link, by another learner on the same tablet, by the end of
//! somebody's session.

use anyhow::{Result, ensure};
use hedgeschool_tests::Browser;

use super::lessons::{Classroom, sample};
use super::places::await_state;
use super::{ADA, GRACE, give};
use crate::tree::soon;

const CHOSEN: &str = "document.querySelector('[aria-pressed=true]')?.textContent ?? ''";

fn quiz() -> Result<Classroom> {
    Classroom::with("Quiz.h5p", "h5p", &sample("h5p")?)
}

/// What the learner in a browser finds chosen.
fn chosen(quiz: &Classroom, browser: &Browser) -> Result<String> {
    quiz.play(browser, |page| {
        page.await_text("h2", "When")?;
        Ok(page.evaluate(CHOSEN)?.as_str().unwrap_or_default().to_owned())
    })
}

/// The next learner takes the tablet.
fn hand_over(quiz: &Classroom, browser: &Browser, to: &str) -> Result<()> {
    browser.open(&quiz.node.address())?;
    browser.click("header form button")?;
    browser.await_text("main", "Sign in")?;
    give(browser, to)?;
    browser.await_text("header", "Sign out")
}

#[test]
fn what_could_not_be_sent_is_not_lost_to_the_next_learner_on_the_tablet() -> Result<()> {
    let mut quiz = quiz()?;
    let tablet = quiz.enter(Browser::phone()?, ADA)?;
    quiz.play(&tablet, |page| page.await_text("h2", "When"))?;
    quiz.node.kill()?;
    tablet.in_frame("main > iframe:not([hidden])", |page| {
        page.click("h2 + button + button")?;
        page.await_text("[aria-pressed=true]", "In summer")
    })?;
    tablet.open("about:blank")?;
    quiz.node.restart()?;
    hand_over(&quiz, &tablet, GRACE)?;
    ensure!(chosen(&quiz, &tablet)?.is_empty(), "Grace sees what Ada chose");
    // Nor do pages that go around our storage find any of it.
    let finds = r"/chosen\W+1/.test(JSON.stringify({ ...localStorage }))";
    ensure!(quiz.play(&tablet, |page| page.evaluate(finds))? == false, "Ada's choice is there");
    hand_over(&quiz, &tablet, ADA)?;
    ensure!(chosen(&quiz, &tablet)? == "In summer", "what Ada chose is lost");
    // It comes to the node, and so to any other tablet.
    await_state(&quiz, &quiz.node, ["h5p", r#"chosen\":1"#])?;
    let other = quiz.enter(Browser::desktop()?, ADA)?;
    ensure!(chosen(&quiz, &other)? == "In summer", "it is on one tablet alone");
    Ok(())
}

#[test]
fn a_session_that_ends_in_mid_lesson_takes_nothing_and_shows_nothing() -> Result<()> {
    let quiz = quiz()?;
    let tablet = quiz.enter(Browser::desktop()?, ADA)?;
    quiz.play(&tablet, |page| page.await_text("h2", "When"))?;
    tablet.evaluate("void open('/')")?;
    tablet.in_opened_window(|window| {
        hand_over(&quiz, window, GRACE)?;
        ensure!(chosen(&quiz, window)?.is_empty());
        Ok(())
    })?;
    // Ada's window is still there, and what she does in it is hers.
    tablet.in_frame("main > iframe:not([hidden])", |page| page.click("h2 + button"))?;
    soon("it is done", || Ok(quiz.recorded("/completed")?.len() == 1))?;
    let completed = quiz.recorded("/completed")?.remove(0);
    let launched = quiz.recorded("/launched")?.remove(0);
    ensure!(completed["actor"] == launched["actor"], "{completed} after {launched}");
    ensure!(chosen(&quiz, &tablet)?.is_empty(), "Grace sees what Ada chose");
    let other = quiz.enter(Browser::desktop()?, ADA)?;
    ensure!(chosen(&quiz, &other)? == "In winter", "what Ada chose is lost");
    Ok(())
}
