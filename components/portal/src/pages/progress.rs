//! `/progress`: what a learner has reached, over all courses.

use std::collections::HashMap;

use askama::Template;
use hedgeschool_web::{Problem, Reply, Request, inside, origin};
use serde_json::json;

use crate::attainment::Attainment;
use crate::layout::{Layout, render_page, render_part};
use crate::link::course_address;
use crate::store::{Completion, UnitPlace, completions, content};
use crate::utc_time::UtcTime;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "progress.html")]
struct ProgressPage {
    layout: Layout,
    /// What of the page moves.
    part: String,
}

/// What of the page moves.
#[derive(Template)]
#[template(path = "progress-part.html")]
struct ProgressPart {
    /// Most recent first.
    rows: Vec<ProgressRow>,
}

/// A row of the learner's record.
struct ProgressRow {
    /// The activity's IRI.
    activity: String,
    /// Title of the unit, or the activity's IRI where no course has it.
    title: String,
    /// Title and address of the course, if one has it.
    course: Option<(String, String)>,
    /// What is reached.
    attainment: Attainment,
    /// When that last changed.
    updated: UtcTime,
}

/// `GET /progress`
///
/// # Errors
/// What a store answers if it fails.
pub async fn show_progress(visitor: &Visitor) -> Result<Reply, Problem> {
    let layout = Layout::new("My progress", Some(visitor));
    render_page(&ProgressPage { layout, part: render_progress_part(visitor).await? })
}

/// What of that page moves.
///
/// # Errors
/// What a store answers if it fails.
pub async fn render_progress_part(visitor: &Visitor) -> Result<String, Problem> {
    let reached = completions::of_agent(visitor.agent_id.clone()).await?;
    let activities = reached.iter().map(|reached| reached.activity.clone()).collect();
    let places = content::find_units(activities).await?;
    render_part(&ProgressPart { rows: progress_rows(reached, places) })
}

fn progress_rows(reached: Vec<Completion>, places: Vec<UnitPlace>) -> Vec<ProgressRow> {
    let places: HashMap<_, _> =
        places.into_iter().map(|place| (place.activity.clone(), place)).collect();
    let row = |reached: Completion| {
        let place = places.get(&reached.activity);
        progress_row(reached, place)
    };
    reached.into_iter().map(row).collect()
}

fn progress_row(reached: Completion, place: Option<&UnitPlace>) -> ProgressRow {
    let course = |place: &UnitPlace| {
        (place.course_title.clone(), course_address(&place.course_title, &place.course_key))
    };
    ProgressRow {
        course: place.map(course),
        title: place.map_or_else(|| reached.activity.clone(), |place| place.title.clone()),
        attainment: Attainment::of(Some(&reached)),
        updated: UtcTime::from_unix_ms(reached.updated),
        activity: reached.activity,
    }
}

/// `POST /sessions/…/end`: gives a session up that has not ended (cmi5, 9.3.6), for its learner or
/// an administrator.
///
/// # Errors
/// 403 for a form of another site; what the progress component refuses.
pub async fn end_session(
    request: Request,
    visitor: &Visitor,
    session: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let own = (!visitor.is_administrator).then_some(&visitor.agent_id);
    let question = json!({ "session": session, "learner": own });
    let () = inside::ask("progress", "/abandon", &question).await?;
    Ok(Reply::see_other("/progress"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(activity: &str) -> Completion {
        Completion {
            activity: activity.into(),
            completed: true,
            passed: false,
            score: None,
            progress: None,
            duration: 0,
            statements: 1,
            updated: 1_795_385_045_678,
        }
    }

    #[test]
    fn a_unit_has_its_titles_and_what_no_course_has_its_iri() {
        let place = UnitPlace {
            activity: "https://x/1".into(),
            title: "One".into(),
            course_key: "k".into(),
            course_title: "A course".into(),
        };
        let rows = progress_rows(vec![reached("https://x/2"), reached("https://x/1")], vec![place]);
        assert_eq!((rows[0].title.as_str(), &rows[0].course), ("https://x/2", &None));
        let course = Some(("A course".to_owned(), "/courses/a-course-k".to_owned()));
        assert_eq!((rows[1].title.as_str(), &rows[1].course), ("One", &course));
        assert_eq!(rows[1].attainment.label, "Completed");
        assert_eq!(rows[1].updated.text, "22 Nov 2026, 22:04");
    }
}
