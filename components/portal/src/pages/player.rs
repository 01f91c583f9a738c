//! `/courses/…/play`: the page that plays a unit (cmi5, 8). It launches the unit by itself once it
//! is there, so each time it is opened or reloaded is a launch of its own, and the one before is
//! given up. Where another site led here, somebody has to press a button first.

mod launch;

use askama::Template;
use hedgeschool_package::address;
use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, origin};

use crate::layout::{Layout, render_framing};
use crate::link::course_address;
use crate::store::LaunchMethod;
use crate::versions::{find_unit, find_version_for};
use crate::visitor::Visitor;
pub use launch::launch_unit;

#[derive(Template)]
#[template(path = "play.html")]
struct PlayerPage {
    /// Around the page; its title is the unit's.
    layout: Layout,
    /// Address of the course's page.
    course_address: String,
    /// Title of the course.
    course: String,
    /// The unit's IRI.
    unit: String,
    /// What it is launched for, as cmi5 writes it.
    mode: &'static str,
    /// Whether the unit has an origin that is not the portal's, and keeps it.
    has_origin: bool,
    /// Whether the unit wants a window of its own.
    has_own_window: bool,
    /// Whether it is launched without being asked to.
    starts_by_itself: bool,
}

/// `GET /courses/…/play?unit=IRI`
///
/// # Errors
/// 404 for a course or unit that is not there; 400 for a mode that cmi5 has not; 503 for a unit
/// that needs an origin of its own on a node without one; what a store answers if it fails.
pub async fn show_player(
    request: &Request,
    visitor: &Visitor,
    segment: &str,
    query: &Query,
) -> Result<Reply, Problem> {
    let course = find_version_for(visitor, segment).await?.course;
    let unit = find_unit(&course, query.get("unit"))?;
    let own = origin::base_url(request).await?;
    let content = ContentOrigin::configured().await?.of_course(&own, &course.key);
    if unit.player.is_some() && content.is_none() {
        let rule = "This unit plays only where course content has an origin of its own. Ask \
            whoever runs this node to set content_origin.";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, rule));
    }
    let elsewhere = address::origin(&unit.url).filter(|origin| *origin != own);
    let page = PlayerPage {
        layout: Layout::new(&unit.title, Some(visitor)),
        course_address: course_address(&course.title, &course.key),
        course: course.title.clone(),
        unit: unit.id.clone(),
        mode: launch::read_mode(query.get("mode"))?.as_str(),
        has_own_window: unit.launch_method == LaunchMethod::OwnWindow,
        has_origin: elsewhere.is_some() || content.is_some(),
        starts_by_itself: origin::check_same_origin(request).is_ok(),
    };
    render_framing(&page, &framed_origins(content.as_deref(), elsewhere))
}

/// What the page may show in its frame. A course that ends sends its frame to a page here, which
/// tells the player.
fn framed_origins(content: Option<&str>, elsewhere: Option<&str>) -> String {
    [Some("'self'"), content, elsewhere].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::framed_origins;

    #[test]
    fn the_page_frames_what_the_unit_needs_and_no_more() {
        assert_eq!(framed_origins(None, None), "'self'");
        assert_eq!(framed_origins(Some("http://n:3001"), None), "'self' http://n:3001");
        assert_eq!(framed_origins(None, Some("https://x")), "'self' https://x");
    }
}
