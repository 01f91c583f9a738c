//! `/`: the list of courses, each with how far the visitor is.

use std::collections::HashMap;

use askama::Template;
use hedgeschool_web::{Problem, Reply};

use crate::layout::{Layout, render_page, render_part};
use crate::link::course_address;
use crate::store::{Completion, CourseSummary, UnitPlace, content, load_completions};
use crate::visitor::Visitor;

/// Most courses on one page.
const COURSES_MAX: u32 = 500;

#[derive(Template)]
#[template(path = "courses.html")]
struct CoursesPage {
    layout: Layout,
    /// What of the page moves.
    part: String,
}

/// What of the page moves.
#[derive(Template)]
#[template(path = "courses-part.html")]
struct CoursesPart {
    /// Courses by title.
    courses: Vec<CourseCard>,
    /// Whether the visitor may import some.
    is_administrator: bool,
}

/// A course in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct CourseCard {
    /// Address of its page.
    pub address: String,
    /// Title.
    pub title: String,
    /// Description; may be empty.
    pub description: String,
    /// How many units it has.
    pub units: u32,
    /// How many of them the visitor has completed or passed.
    pub done: u32,
    /// It is offered to nobody who has not begun it.
    pub is_retired: bool,
}

/// `GET /`
///
/// # Errors
/// What a store answers if it fails.
pub async fn show_courses(visitor: &Visitor) -> Result<Reply, Problem> {
    let layout = Layout::new("Courses", Some(visitor));
    render_page(&CoursesPage { layout, part: render_courses_part(visitor).await? })
}

/// What of that page moves.
///
/// # Errors
/// What a store answers if it fails.
pub async fn render_courses_part(visitor: &Visitor) -> Result<String, Problem> {
    let courses = load_cards(visitor).await?;
    render_part(&CoursesPart { courses, is_administrator: visitor.is_administrator })
}

/// The courses that the visitor sees, with how far the visitor is in each.
///
/// # Errors
/// What a store answers if it fails.
pub async fn load_cards(visitor: &Visitor) -> Result<Vec<CourseCard>, Problem> {
    let reached = load_completions(&visitor.agent_id).await?;
    let places = content::find_units(reached.keys().cloned().collect()).await?;
    let courses = content::courses(None, COURSES_MAX).await?;
    Ok(choose_cards(courses, &count_done(&places, &reached), visitor.is_administrator))
}

/// How many units of each course, by its key, are completed or passed; of those in which there is
/// something.
fn count_done(places: &[UnitPlace], reached: &HashMap<String, Completion>) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for place in places {
        let reached = reached.get(&place.activity);
        let is_done = reached.is_some_and(|reached| reached.completed || reached.passed);
        *counts.entry(place.course_key.clone()).or_insert(0) += u32::from(is_done);
    }
    counts
}

/// Courses that are retired are for who has begun them, and for administrators.
fn choose_cards(
    courses: Vec<CourseSummary>,
    done_by_course: &HashMap<String, u32>,
    is_administrator: bool,
) -> Vec<CourseCard> {
    let is_shown = |course: &CourseSummary| {
        let is_offered = course.withdrawn.is_none() || is_administrator;
        is_offered || done_by_course.contains_key(&course.key)
    };
    let card = |course: CourseSummary| CourseCard {
        address: course_address(&course.title, &course.key),
        title: course.title,
        description: course.description,
        units: course.units,
        // A newer version may have fewer units than were done.
        done: done_by_course.get(&course.key).copied().unwrap_or(0).min(course.units),
        is_retired: course.withdrawn.is_some(),
    };
    courses.into_iter().filter(is_shown).map(card).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Withdrawal;

    fn course(key: &str, withdrawn: Option<Withdrawal>) -> CourseSummary {
        CourseSummary {
            id: key.into(),
            key: key.into(),
            package: String::new(),
            title: key.to_uppercase(),
            description: String::new(),
            units: 2,
            withdrawn,
        }
    }

    fn titles(done: &[(&str, u32)], is_administrator: bool) -> Vec<(String, u32, bool)> {
        let courses = vec![course("a", None), course("b", Some(Withdrawal::Retired))];
        let done = done.iter().map(|(key, count)| ((*key).into(), *count)).collect();
        let cards = choose_cards(courses, &done, is_administrator).into_iter();
        cards.map(|card| (card.title, card.done, card.is_retired)).collect()
    }

    #[test]
    fn a_retired_course_is_for_who_has_begun_it_and_for_administrators() {
        assert_eq!(titles(&[], false), [("A".into(), 0, false)]);
        assert_eq!(titles(&[("b", 0)], false).len(), 2);
        assert_eq!(titles(&[], true)[1], ("B".into(), 0, true));
    }

    #[test]
    fn no_more_units_are_done_than_there_are() {
        assert_eq!(titles(&[("a", 3)], false), [("A".into(), 2, false)]);
    }

    #[test]
    fn units_count_for_their_course_once_they_are_done() {
        let place = |activity: &str, key: &str| UnitPlace {
            activity: activity.into(),
            title: String::new(),
            course_key: key.into(),
            course_title: String::new(),
        };
        let reached = |completed, passed| Completion {
            activity: String::new(),
            completed,
            passed,
            score: None,
            progress: None,
            duration: 0,
            statements: 1,
            updated: 0,
        };
        let places = [place("1", "a"), place("2", "a"), place("3", "b")];
        let reached = [
            ("1".into(), reached(true, false)),
            ("2".into(), reached(false, true)),
            ("3".into(), reached(false, false)),
        ];
        let counts = count_done(&places, &reached.into());
        assert_eq!((counts.get("a"), counts.get("b")), (Some(&2), Some(&0)));
    }
}
