//! What a learner has reached, over all courses.

use std::collections::HashMap;

use hedgeschool_web::{Problem, Reply};

use crate::page::{self, Frame, ProgressRow};
use crate::standing::Standing;
use crate::store::{Completion, completions, content};
use crate::{Visitor, link};

/// `/progress`
pub async fn show(visitor: &Visitor) -> Result<Reply, Problem> {
    let frame = Frame::new("My progress", Some(visitor));
    page::render(&page::Progress { frame, part: part(visitor).await? })
}

/// What of that page moves.
pub async fn part(visitor: &Visitor) -> Result<String, Problem> {
    let reached = completions::of_agent(visitor.agent_id.clone()).await?;
    let activities = reached.iter().map(|reached| reached.activity.clone()).collect();
    let places = content::find_units(activities).await?;
    let places: HashMap<_, _> =
        places.into_iter().map(|place| (place.activity.clone(), place)).collect();
    let row = |reached: Completion| {
        let place = places.get(&reached.activity);
        row(reached, place)
    };
    let rows = reached.into_iter().map(row).collect();
    page::part(&page::ProgressPart { rows })
}

fn row(reached: Completion, place: Option<&content::UnitPlace>) -> ProgressRow {
    let standing = Standing::of(Some(&reached));
    ProgressRow {
        course: place.map(|place| {
            (place.course_title.clone(), link::course(&place.course_title, &place.course_key))
        }),
        title: place.map_or_else(|| reached.activity.clone(), |place| place.title.clone()),
        activity: reached.activity,
        standing,
        updated: moment(reached.updated),
    }
}

/// A time in UTC: for machines, and for people. Empty: no time a calendar has.
pub fn moment(unix_ms: i64) -> (String, String) {
    match jiff::Timestamp::from_millisecond(unix_ms) {
        Ok(time) => (time.to_string(), time.strftime("%-d %b %Y, %H:%M").to_string()),
        Err(_) => Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_for_machines_and_people() {
        let (machine, people) = moment(1_795_385_045_678);
        assert_eq!(machine, "2026-11-22T22:04:05.678Z");
        assert_eq!(people, "22 Nov 2026, 22:04");
        assert_eq!(moment(i64::MAX), Default::default());
    }
}
