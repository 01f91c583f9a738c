//! Excusing somebody from a unit (cmi5: waive), by a form on the course's page.

use hedgeschool_cmi5::launch::registration_id;
use hedgeschool_cmi5::session::LaunchMode;
use hedgeschool_web::{Problem, Query, Reply, Request, body, identity, inside, origin};
use serde_json::json;
use uuid::Builder;

use crate::link::course_address;
use crate::sessions::make_session;
use crate::versions::{find_course, find_unit};
use crate::visitor::Visitor;

/// Largest body of the form, in bytes.
const FORM_BYTES_MAX: usize = 65_536;
/// The reason if the form has none.
const NO_REASON: &str = "Administrative";

/// `POST /courses/…/waive`, a form with `unit`, `learner` and `reason`, by an administrator: the
/// unit counts as done for the learner (cmi5, 9.3.7).
///
/// # Errors
/// 403 for who is no administrator, and for a form of another site; 404 for a course or unit that
/// is not there; 400 for a learner whom nobody knows; what the progress component refuses.
pub async fn excuse_learner(
    request: Request,
    visitor: &Visitor,
    segment: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    visitor.require_administrator("Only administrators excuse somebody from a unit.")?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = find_course(segment).await?;
    let unit = find_unit(&course, form.get("unit"))?;
    let name = read_name(&form);
    let actor = find_agent(&name).await?;
    let agent = hedgeschool_xapi::agent_id(&actor).map_err(Problem::internal)?;
    let registration = registration_id(&agent, &course.id);
    let id = Builder::from_random_bytes(hedgeschool_web::random_bytes()).into_uuid();
    let id = id.hyphenated().to_string();
    let waiver = json!({
        "session": make_session(id, actor, &registration, unit, LaunchMode::Normal),
        "course": course.key,
        "reason": read_reason(&form),
    });
    let () = inside::ask("progress", "/waive", &waiver).await?;
    let query = Query::encode(&[("waived", name.as_str())]);
    Ok(Reply::see_other(&format!("{}?{query}", course_address(&course.title, &course.key))))
}

/// Sign-in names are in lower case.
fn read_name(form: &Query) -> String {
    form.get("learner").unwrap_or_default().trim().to_ascii_lowercase()
}

fn read_reason(form: &Query) -> &str {
    form.get("reason").filter(|reason| !reason.is_empty()).unwrap_or(NO_REASON)
}

/// The xAPI agent of the person with this sign-in name, as JSON.
async fn find_agent(name: &str) -> Result<String, Problem> {
    let agent: Option<String> = identity::ask("/agent", &json!({ "name": name })).await?;
    let unknown = || {
        let advice = "check the sign-in name, which is not the name that pages show";
        Problem::bad_request(format!("Nobody here is called {name:?}: {advice}."))
    };
    agent.ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!(read_name(&Query::parse("learner=+Ada%20")), "ada");
        assert_eq!(read_name(&Query::parse("")), "");
    }

    #[test]
    fn a_reason_is_always_given() {
        assert_eq!(read_reason(&Query::parse("reason=Tested+Out")), "Tested Out");
        assert_eq!(read_reason(&Query::parse("reason=")), NO_REASON);
    }
}
