//! Launching a unit (cmi5, 8): a session at identity and in the record, and the address at which
//! the unit is to be opened.

use hedgeschool_cmi5::launch::{Launch, registration_id};
use hedgeschool_cmi5::session::LaunchMode;
use hedgeschool_credentials::TokenHash;
use hedgeschool_package::address;
use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Problem, Query, Reply, Request, body, identity, inside, origin};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::link::course_address;
use crate::sessions::make_session;
use crate::store::{Course, Unit};
use crate::versions::{find_unit, find_version_for};
use crate::visitor::Visitor;

/// Largest body of the form, in bytes.
const FORM_BYTES_MAX: usize = 65_536;

/// What identity is asked.
#[derive(Serialize)]
struct SessionQuestion<'a> {
    learner: &'a str,
    activity: &'a str,
    registration: &'a str,
    package: &'a str,
}

/// What identity answers; an expiry comes too.
#[derive(Deserialize)]
struct OpenedSession {
    fetch_token: String,
    session: String,
    files: String,
}

/// What the player's page gets.
#[derive(Serialize)]
struct LaunchAnswer {
    /// Where the unit is to be opened.
    url: String,
    /// The origin of content, if that is its own.
    origin: Option<String>,
    /// Stands for the learner: what another one has left in the browser is cleared there.
    learner: String,
}

/// Where the learner reaches the node.
#[derive(Clone, Copy)]
struct Origins<'a> {
    portal: &'a str,
    /// Course content's, or the portal's where it has none of its own.
    content: &'a str,
}

/// `POST /courses/…/launch`, a form with the `unit`'s IRI and perhaps a `mode`: begins a session,
/// and answers the address at which the unit is to be opened, as JSON.
///
/// # Errors
/// 403 for a form of another site; 404 for a course or unit that is not there; 400 for a mode that
/// cmi5 has not; what identity or the progress component refuses.
pub async fn launch_unit(
    request: Request,
    visitor: &Visitor,
    segment: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let portal = origin::base_url(&request).await?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = find_version_for(visitor, segment).await?.course;
    let unit = find_unit(&course, form.get("unit"))?;
    let mode = read_mode(form.get("mode"))?;
    let origin = ContentOrigin::configured().await?.of_course(&portal, &course.key);
    let origins = Origins { portal: &portal, content: origin.as_deref().unwrap_or(&portal) };
    let url = open_session(origins, visitor, &course, unit, mode).await?;
    let learner = TokenHash::of(&visitor.agent_id).into_text();
    let answer = LaunchAnswer { url, origin, learner };
    Ok(Reply::json(&answer)?.with_header("cache-control", "no-store"))
}

/// What a unit is launched for, as an address or a form says: to be recorded, unless it says
/// otherwise.
///
/// # Errors
/// 400 for anything that cmi5 has not.
pub fn read_mode(text: Option<&str>) -> Result<LaunchMode, Problem> {
    let Some(text) = text else { return Ok(LaunchMode::Normal) };
    let wrong = || Problem::bad_request("mode is Normal, Browse or Review");
    LaunchMode::parse(text).ok_or_else(wrong)
}

/// Opens a session and answers the unit's launch address.
async fn open_session(
    origins: Origins<'_>,
    visitor: &Visitor,
    course: &Course,
    unit: &Unit,
    mode: LaunchMode,
) -> Result<String, Problem> {
    let registration = registration_id(&visitor.agent_id, &course.id);
    let question = SessionQuestion {
        learner: &visitor.name,
        activity: &unit.activity,
        registration: &registration,
        package: &course.package,
    };
    let opened: OpenedSession = identity::ask("/launch", &question).await?;
    let session = make_session(opened.session, visitor.agent.clone(), &registration, unit, mode);
    let file = granted_file(unit, &course.package, &opened.files);
    let address = activity_address(origins, unit, &course.package, &file);
    let course_page = course_address(&course.title, &course.key);
    let portal = origins.portal;
    let recorded = json!({
        "session": session,
        "course": course.key,
        "package": course.package,
        "url": address,
        "return_url": format!("{portal}/returned?{}", Query::encode(&[("to", &course_page)])),
        "launch_parameters": unit.launch_parameters,
        "entitlement_key": unit.entitlement_key.as_deref().unwrap_or_default(),
    });
    let () = inside::ask("progress", "/launch", &recorded).await?;
    let launch = Launch {
        endpoint: &record_address(origins, unit),
        fetch: &format!("{portal}/auth/fetch?token={}", opened.fetch_token),
        actor: &visitor.agent,
        registration: &registration,
        activity: &unit.activity,
    };
    Ok(launch.launch_url(&opened_address(origins, unit, &address, &file)))
}

/// The path of a unit's file below the content's origin, for whoever this address was granted.
fn granted_file(unit: &Unit, package: &str, grant: &str) -> String {
    format!("/content/f/{grant}/{package}/{}", unit.url.trim_start_matches("./"))
}

/// What the record knows as the unit's address: where the unit finds itself (cmi5, 9.6.3.4).
fn activity_address(origins: Origins<'_>, unit: &Unit, package: &str, file: &str) -> String {
    match (address::is_absolute(&unit.url), &unit.player) {
        (true, _) => unit.url.clone(),
        (false, None) => format!("{}{file}", origins.content),
        // A player does not look: this form lets nobody in.
        (false, Some(_)) => {
            let path = unit.url.trim_start_matches("./");
            format!("{}/content/p/{package}/{path}", origins.content)
        }
    }
}

/// Where the unit records. It does so without asking first where it comes from.
fn record_address(origins: Origins<'_>, unit: &Unit) -> String {
    let is_elsewhere = address::is_absolute(&unit.url);
    format!("{}/xapi/", if is_elsewhere { origins.portal } else { origins.content })
}

/// What the browser opens: the unit, or the page that plays it.
fn opened_address(origins: Origins<'_>, unit: &Unit, address: &str, file: &str) -> String {
    let Some(kind) = &unit.player else { return address.to_owned() };
    let source = if address::is_absolute(&unit.url) { address } else { file };
    let query = Query::encode(&[("kind", kind), ("src", source)]);
    format!("{}/content/players/player.html?{query}", origins.content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LaunchMethod, MoveOn};

    const ORIGINS: Origins = Origins { portal: "http://n", content: "http://n:3001" };

    fn unit(url: &str, player: Option<&str>) -> Unit {
        Unit {
            id: "u".into(),
            activity: "a".into(),
            title: String::new(),
            url: url.into(),
            player: player.map(str::to_owned),
            launch_method: LaunchMethod::AnyWindow,
            launch_parameters: String::new(),
            move_on: MoveOn::Completed,
            mastery_score: None,
            entitlement_key: None,
            block: None,
        }
    }

    /// The address in the record, that which is opened, and where the unit records.
    fn addresses(url: &str, player: Option<&str>) -> [String; 3] {
        let unit = unit(url, player);
        let file = granted_file(&unit, "p", "g");
        let address = activity_address(ORIGINS, &unit, "p", &file);
        let opened = opened_address(ORIGINS, &unit, &address, &file);
        [address, opened, record_address(ORIGINS, &unit)]
    }

    #[test]
    fn a_unit_in_the_package_is_opened_where_it_finds_itself() {
        let file = "http://n:3001/content/f/g/p/a.html";
        assert_eq!(addresses("./a.html", None), [file, file, "http://n:3001/xapi/"]);
    }

    #[test]
    fn a_unit_elsewhere_records_at_the_portal() {
        let there = "https://x/a.html";
        assert_eq!(addresses(there, None), [there, there, "http://n/xapi/"]);
    }

    #[test]
    fn a_player_is_told_what_to_play() {
        let [address, opened, _] = addresses("a.pdf", Some("pdf"));
        assert_eq!(address, "http://n:3001/content/p/p/a.pdf");
        let query = "kind=pdf&src=%2Fcontent%2Ff%2Fg%2Fp%2Fa.pdf";
        assert_eq!(opened, format!("http://n:3001/content/players/player.html?{query}"));
        let [_, opened, record] = addresses("https://x/a", Some("page"));
        assert!(opened.ends_with("kind=page&src=https%3A%2F%2Fx%2Fa"), "{opened}");
        assert_eq!(record, "http://n/xapi/");
    }

    #[test]
    fn a_unit_is_launched_to_be_recorded_unless_it_is_said_otherwise() {
        assert!(read_mode(None).unwrap() == LaunchMode::Normal);
        assert!(read_mode(Some("Browse")).unwrap() == LaunchMode::Browse);
        assert!(read_mode(Some("browse")).is_err());
    }
}
