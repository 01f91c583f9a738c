//! Launching a unit (cmi5, 8): a page that plays it, and a session at identity and in the record.

use hedgeschool_cmi5::launch::{Launch, registration_id};
use hedgeschool_cmi5::session::{LaunchMode, Session};
use hedgeschool_credentials::TokenHash;
use hedgeschool_package::address;
use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, identity, inside, origin};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Builder;

use crate::page::{self, Frame};
use crate::store::{self, LaunchMethod, Unit, content};
use crate::{Visitor, courses, link};

/// Largest body of a form here, in bytes.
const FORM_BYTES_MAX: usize = 65_536;

/// What identity is asked.
#[derive(Serialize)]
struct Wanted<'a> {
    learner: &'a str,
    activity: &'a str,
    registration: &'a str,
    package: &'a str,
}

/// What identity answers; an expiry comes too.
#[derive(Deserialize)]
struct Opened {
    fetch_token: String,
    session: String,
    files: String,
}

/// What the player's page gets.
#[derive(Serialize)]
struct Launched {
    /// Where the unit is to be opened.
    url: String,
    /// The origin of content, if that is its own.
    origin: Option<String>,
    /// Stands for the learner: what another one has left in the browser is cleared there.
    learner: String,
}

/// `GET /courses/…/play?unit=IRI`: the page that plays a unit. It launches the unit by itself once
/// it is there, so each time it is opened or reloaded is a launch of its own, and the one before
/// is given up. Where another site led here, somebody has to press a button first.
pub async fn play(
    request: &Request,
    visitor: &Visitor,
    segment: &str,
    query: &Query,
) -> Result<Reply, Problem> {
    let course = courses::take(visitor, segment).await?.course;
    let unit = find_unit(&course, query.get("unit"))?;
    let own = origin::base_url(request)?;
    let content = ContentOrigin::configured().await?.of_course(&own, &course.key);
    if unit.player.is_some() && content.is_none() {
        let rule = "This unit plays only where course content has an origin of its own. Ask \
            whoever runs this node to set content_origin.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, rule));
    }
    let elsewhere = address::origin(&unit.url).filter(|origin| *origin != own);
    let page = page::Play {
        frame: Frame::new(&unit.title, Some(visitor)),
        href: link::course(&course.title, &course.key),
        course: course.title.clone(),
        unit: unit.id.clone(),
        mode: mode(query.get("mode"))?.as_str(),
        has_own_window: unit.launch_method == LaunchMethod::OwnWindow,
        has_origin: elsewhere.is_some() || content.is_some(),
        starts_by_itself: origin::check_same_origin(request).is_ok(),
    };
    // A course that ends sends its frame to a page here, which tells the player.
    let framed = [Some("'self'"), content.as_deref(), elsewhere];
    page::render_framing(&page, &framed.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// `POST /courses/…/launch`, a form with the `unit`'s IRI and perhaps a `mode`: begins a session,
/// and answers the address at which the unit is to be opened, as JSON.
pub async fn launch(request: Request, visitor: &Visitor, segment: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let base = origin::base_url(&request)?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = courses::take(visitor, segment).await?.course;
    let unit = find_unit(&course, form.get("unit"))?;
    let mode = mode(form.get("mode"))?;
    let origin = ContentOrigin::configured().await?.of_course(&base, &course.key);
    let place = Place { base: &base, content: origin.as_deref().unwrap_or(&base) };
    let url = open(place, visitor, &course, unit, mode).await?;
    let learner = TokenHash::of(&visitor.agent_id).into_text();
    Ok(Reply::json(&Launched { url, origin, learner })?.with_header("cache-control", "no-store"))
}

fn find_unit<'a>(course: &'a content::Course, id: Option<&str>) -> Result<&'a Unit, Problem> {
    let id = id.unwrap_or_default();
    let unit = course.units.iter().find(|unit| unit.id == id);
    unit.ok_or_else(|| Problem::not_found("The course has no such unit any more."))
}

fn mode(text: Option<&str>) -> Result<LaunchMode, Problem> {
    let Some(text) = text else { return Ok(LaunchMode::Normal) };
    let wrong = || Problem::bad_request("mode is Normal, Browse or Review");
    LaunchMode::parse(text).ok_or_else(wrong)
}

/// Where the learner reaches the node.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The portal.
    base: &'a str,
    /// Course content.
    content: &'a str,
}

/// Opens a session and answers the unit's launch address.
async fn open(
    place: Place<'_>,
    visitor: &Visitor,
    course: &content::Course,
    unit: &Unit,
    mode: LaunchMode,
) -> Result<String, Problem> {
    let registration = registration_id(&visitor.agent_id, &course.id);
    let wanted = Wanted {
        learner: &visitor.name,
        activity: &unit.activity,
        registration: &registration,
        package: &course.package,
    };
    let opened: Opened = identity::ask("/launch", &wanted).await?;
    let session = session(opened.session, visitor.agent.clone(), &registration, unit, mode);
    let base = place.base;
    let is_elsewhere = address::is_absolute(&unit.url);
    let path = unit.url.trim_start_matches("./");
    let granted = format!("/content/f/{}/{}/{path}", opened.files, course.package);
    let address = match (is_elsewhere, &unit.player) {
        (true, _) => unit.url.clone(),
        // What is recorded has to be where the unit finds itself (cmi5, 9.6.3.4).
        (false, None) => format!("{}{granted}", place.content),
        // A player does not look: this form lets nobody in.
        (false, Some(_)) => format!("{}/content/p/{}/{path}", place.content, course.package),
    };
    let course_page = link::course(&course.title, &course.key);
    let launch = json!({
        "session": session,
        "course": course.key,
        "package": course.package,
        "url": address,
        "return_url": format!("{base}/returned?{}", Query::encode(&[("to", &course_page)])),
        "launch_parameters": unit.launch_parameters,
        "entitlement_key": unit.entitlement_key.as_deref().unwrap_or_default(),
    });
    let () = inside::ask("progress", "/launch", &launch).await?;
    let launch = Launch {
        // A unit records without asking first where it comes from.
        endpoint: &format!("{}/xapi/", if is_elsewhere { base } else { place.content }),
        fetch: &format!("{base}/auth/fetch?token={}", opened.fetch_token),
        actor: &visitor.agent,
        registration: &registration,
        activity: &unit.activity,
    };
    Ok(match &unit.player {
        None => launch.launch_url(&address),
        Some(kind) => {
            let src = if is_elsewhere { &address } else { &granted };
            let query = Query::encode(&[("kind", kind), ("src", src)]);
            launch.launch_url(&format!("{}/content/players/player.html?{query}", place.content))
        }
    })
}

fn session(
    id: String,
    actor: String,
    registration: &str,
    unit: &Unit,
    mode: LaunchMode,
) -> Session {
    Session {
        id,
        registration: registration.to_owned(),
        actor,
        activity: unit.activity.clone(),
        unit: unit.id.clone(),
        mode,
        move_on: store::move_on(unit.move_on),
        mastery_score: unit.mastery_score,
    }
}

/// `GET /returned?to=…`: where units send their learner when they end (cmi5, 10.2.6). It may be in
/// the player's frame, in which nobody is signed in.
pub fn returned(query: &Query) -> Result<Reply, Problem> {
    let to = query.get("to").filter(|to| to.starts_with("/courses/"));
    let page = page::Returned { frame: Frame::new("Done", None), to: to.unwrap_or("/").to_owned() };
    page::render_frameable(&page)
}

/// `POST /courses/…/waive`, a form with `unit`, `learner` and `reason`, by an administrator: the
/// unit counts as done for the learner (cmi5, 9.3.7).
pub async fn waive(request: Request, visitor: &Visitor, segment: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    if !visitor.is_administrator {
        return Err(Problem::forbidden("Only administrators excuse somebody from a unit."));
    }
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = courses::find(segment).await?;
    let unit = find_unit(&course, form.get("unit"))?;
    let (name, actor) = learner(&form).await?;
    let agent = hedgeschool_xapi::agent_id(&actor).map_err(Problem::internal)?;
    let registration = registration_id(&agent, &course.id);
    let id = Builder::from_random_bytes(hedgeschool_web::random_bytes()).into_uuid();
    let id = id.hyphenated().to_string();
    let waiver = json!({
        "session": session(id, actor, &registration, unit, LaunchMode::Normal),
        "course": course.key,
        "reason": form.get("reason").filter(|reason| !reason.is_empty()).unwrap_or("Administrative"),
    });
    let () = inside::ask("progress", "/waive", &waiver).await?;
    let query = Query::encode(&[("waived", name.as_str())]);
    Ok(Reply::see_other(&format!("{}?{query}", link::course(&course.title, &course.key))))
}

/// Name and agent of the person whom a form speaks of.
async fn learner(form: &Query) -> Result<(String, String), Problem> {
    let name = form.get("learner").unwrap_or_default().trim().to_ascii_lowercase();
    let agent: Option<String> = identity::ask("/agent", &json!({ "name": name })).await?;
    let unknown = || Problem::bad_request(format!("Nobody here is called {name:?}."));
    let agent = agent.ok_or_else(unknown)?;
    Ok((name, agent))
}

/// `POST /sessions/…/end`: gives a session up that has not ended (cmi5, 9.3.6), for its learner or
/// an administrator.
pub async fn end(request: Request, visitor: &Visitor, session: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let own = (!visitor.is_administrator).then_some(&visitor.agent_id);
    let question = json!({ "session": session, "learner": own });
    let () = inside::ask("progress", "/abandon", &question).await?;
    Ok(Reply::see_other("/progress"))
}
