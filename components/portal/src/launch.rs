//! Launching a unit (cmi5, 8): a session at identity, and a page that plays the unit.

use hedgeschool_cmi5::launch::{Launch, registration};
use hedgeschool_web::{Problem, Reply, Request, body, identity, origin};
use serde::{Deserialize, Serialize};

use crate::page::{self, Frame};
use crate::store::{LaunchMethod, Unit, content};
use crate::{Visitor, courses, link};

/// Largest body of a launch form, in bytes.
const FORM_BYTES_MAX: usize = 65_536;

/// What identity is asked.
#[derive(Serialize)]
struct Wanted<'a> {
    learner: &'a str,
    activity: &'a str,
    registration: &'a str,
}

/// What identity answers; a session and an expiry come too, for whoever writes launch statements.
#[derive(Deserialize)]
struct Opened {
    fetch_token: String,
}

/// `POST /courses/…/launch`, a form with the `unit`'s IRI: the page that plays it. Every launch is
/// a session of its own, so this is no `GET`.
pub async fn play(request: Request, visitor: &Visitor, segment: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let base = origin::base_url(&request)?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = courses::find(segment).await?;
    let wanted = form.get("unit").unwrap_or_default();
    let unit = course.units.iter().find(|unit| unit.id == wanted);
    let unit = unit.ok_or_else(|| Problem::not_found("The course has no such unit any more."))?;
    let launch_url = open(&base, visitor, &course, unit).await?;
    let origin = link::origin(&unit.url).filter(|origin| *origin != base);
    let page = page::Play {
        frame: Frame::new(&unit.title, Some(visitor)),
        href: link::course(&course.title, &course.key),
        course: course.title.clone(),
        has_own_window: unit.launch_method == LaunchMethod::OwnWindow,
        is_elsewhere: origin.is_some(),
        launch_url,
    };
    page::render_framing(&page, origin.unwrap_or("'self'"))
}

/// Opens a session and answers the unit's launch address.
async fn open(
    base: &str,
    visitor: &Visitor,
    course: &content::Course,
    unit: &Unit,
) -> Result<String, Problem> {
    let registration = registration(&visitor.agent_id, &course.id);
    let wanted =
        Wanted { learner: &visitor.name, activity: &unit.activity, registration: &registration };
    let opened: Opened = identity::ask("/launch", &wanted).await?;
    let launch = Launch {
        endpoint: &format!("{base}/xapi/"),
        fetch: &format!("{base}/auth/fetch?token={}", opened.fetch_token),
        actor: &visitor.agent,
        registration: &registration,
        activity: &unit.activity,
    };
    Ok(launch.url(&address(base, &course.package, &unit.url)))
}

/// The absolute address of a unit: its own, or that of its file.
fn address(base: &str, package: &str, url: &str) -> String {
    match link::origin(url) {
        Some(_) => url.to_owned(),
        None => format!("{base}/content/p/{package}/{}", url.trim_start_matches("./")),
    }
}
