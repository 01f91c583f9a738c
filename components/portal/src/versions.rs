//! Which version of a course a learner takes: the one that was begun, until that is done.

use std::collections::HashMap;

use hedgeschool_cmi5::launch::{VERSION_STATE, course_activity_id};
use hedgeschool_web::Problem;
use serde::Deserialize;

use crate::attainment::is_satisfied;
use crate::link::course_key;
use crate::store::{
    Completion, Course, DocumentKind, DocumentScope, Unit, content, documents, load_completions,
};
use crate::visitor::Visitor;

/// A course in the version that a learner takes.
#[derive(Debug)]
pub struct ChosenVersion {
    /// That version.
    pub course: Course,
    /// There is a newer one.
    pub is_earlier: bool,
}

/// What a learner's state says of the version that was begun.
#[derive(Deserialize)]
struct BegunVersion {
    package: String,
}

/// The newest version of the course at an address.
///
/// # Errors
/// 404 if there is no such course; what the content store answers if it fails.
pub async fn find_course(segment: &str) -> Result<Course, Problem> {
    let course = content::find_course_by_key(course_key(segment).to_owned()).await?;
    course.ok_or_else(|| Problem::not_found("There is no such course on this node."))
}

/// The unit of a course that the publisher knows by an IRI.
///
/// # Errors
/// 404 if the course has none.
pub fn find_unit<'a>(course: &'a Course, id: Option<&str>) -> Result<&'a Unit, Problem> {
    let id = id.unwrap_or_default();
    let unit = course.units.iter().find(|unit| unit.id == id);
    unit.ok_or_else(|| {
        Problem::not_found("The course has no such unit any more: go back to the course.")
    })
}

/// The course at an address, in the version that the visitor takes.
///
/// # Errors
/// 404 if there is no such course; what a store answers if it fails.
pub async fn find_version_for(visitor: &Visitor, segment: &str) -> Result<ChosenVersion, Problem> {
    let newest = find_course(segment).await?;
    let begun = load_begun(visitor, &newest).await?;
    let Some(begun) = begun.filter(|package| *package != newest.package) else {
        return Ok(ChosenVersion { course: newest, is_earlier: false });
    };
    let begun = content::find_version(begun).await?;
    let reached = load_completions(&visitor.agent_id).await?;
    Ok(choose_version(newest, begun, &reached))
}

/// The package of the version that the visitor has begun last.
async fn load_begun(visitor: &Visitor, course: &Course) -> Result<Option<String>, Problem> {
    let scope = DocumentScope {
        kind: DocumentKind::State,
        activity: Some(course_activity_id(&course.id)),
        agent: Some(visitor.agent_id.clone()),
        registration: None,
    };
    let state = documents::get(scope, VERSION_STATE.to_owned()).await?;
    // A unit can write its learner's state: what is no version there is none that was begun.
    let begun = |state: &[u8]| serde_json::from_slice::<BegunVersion>(state).ok();
    Ok(state.and_then(|state| begun(&state.content)).map(|begun| begun.package))
}

/// The version that was begun, unless all of it is done or it is of another course; else the
/// newest.
fn choose_version(
    newest: Course,
    begun: Option<Course>,
    reached: &HashMap<String, Completion>,
) -> ChosenVersion {
    let is_done = |unit: &Unit| is_satisfied(reached.get(&unit.activity), unit.move_on);
    let begun = begun.filter(|begun| begun.id == newest.id && !begun.units.iter().all(is_done));
    let Some(begun) = begun else { return ChosenVersion { course: newest, is_earlier: false } };
    // What is taken back is the same files once more: nothing new is offered.
    let is_earlier = newest.withdrawn.is_none();
    ChosenVersion { course: Course { withdrawn: newest.withdrawn, ..begun }, is_earlier }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LaunchMethod, MoveOn, Withdrawal};

    fn unit(activity: &str) -> Unit {
        Unit {
            id: activity.into(),
            activity: activity.into(),
            title: String::new(),
            url: String::new(),
            player: None,
            launch_method: LaunchMethod::AnyWindow,
            launch_parameters: String::new(),
            move_on: MoveOn::Completed,
            mastery_score: None,
            entitlement_key: None,
            block: None,
        }
    }

    fn course(id: &str, package: &str) -> Course {
        Course {
            id: id.into(),
            key: "k".into(),
            package: package.into(),
            title: String::new(),
            description: String::new(),
            units: vec![unit("a"), unit("b")],
            blocks: None,
            is_public: None,
            withdrawn: None,
        }
    }

    fn completed(activities: &[&str]) -> HashMap<String, Completion> {
        let completion = |activity: &&str| Completion {
            activity: (*activity).into(),
            completed: true,
            passed: false,
            score: None,
            progress: None,
            duration: 0,
            statements: 1,
            updated: 0,
        };
        activities.iter().map(|activity| ((*activity).into(), completion(activity))).collect()
    }

    fn chosen(begun: Option<Course>, done: &[&str]) -> (String, bool) {
        let chosen = choose_version(course("c", "new"), begun, &completed(done));
        (chosen.course.package, chosen.is_earlier)
    }

    #[test]
    fn what_was_begun_is_finished_before_the_newest_is_taken() {
        assert_eq!(chosen(Some(course("c", "old")), &["a"]), ("old".into(), true));
        assert_eq!(chosen(Some(course("c", "old")), &["a", "b"]), ("new".into(), false));
        assert_eq!(chosen(None, &[]), ("new".into(), false));
    }

    #[test]
    fn a_unit_is_found_by_its_iri_alone() {
        let course = course("c", "new");
        assert_eq!(find_unit(&course, Some("b")).unwrap().id, "b");
        assert!(find_unit(&course, Some("z")).is_err() && find_unit(&course, None).is_err());
    }

    #[test]
    fn a_version_of_another_course_is_none() {
        assert_eq!(chosen(Some(course("other", "old")), &[]), ("new".into(), false));
    }

    #[test]
    fn what_is_taken_back_offers_nothing_newer() {
        let newest = Course { withdrawn: Some(Withdrawal::Retired), ..course("c", "new") };
        let chosen = choose_version(newest, Some(course("c", "old")), &HashMap::new());
        assert_eq!((chosen.course.package.as_str(), chosen.is_earlier), ("old", false));
        assert_eq!(chosen.course.withdrawn, Some(Withdrawal::Retired));
    }
}
