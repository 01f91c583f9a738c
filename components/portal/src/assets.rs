//! The few files the pages need, built into the component.

use hedgeschool_web::{Reply, StatusCode};

/// How long browsers keep them: an upgrade shows after five minutes at the latest.
const CACHING: &str = "public, max-age=300";

/// A file below `/static/`.
pub fn find(name: &str) -> Option<Reply> {
    let (media_type, text) = match name {
        "portal.css" => ("text/css; charset=utf-8", include_str!("../static/portal.css")),
        "import.js" => ("text/javascript; charset=utf-8", include_str!("../static/import.js")),
        "live.js" => ("text/javascript; charset=utf-8", include_str!("../static/live.js")),
        "play.js" => ("text/javascript; charset=utf-8", include_str!("../static/play.js")),
        "returned.js" => ("text/javascript; charset=utf-8", include_str!("../static/returned.js")),
        "hedge.svg" => ("image/svg+xml", include_str!("../static/hedge.svg")),
        _ => return None,
    };
    let reply = Reply::new(StatusCode::OK, media_type, text);
    Some(
        reply
            .with_header("cache-control", CACHING)
            .with_header("x-content-type-options", "nosniff"),
    )
}
