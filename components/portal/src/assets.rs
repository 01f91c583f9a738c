//! The few files the pages need, built into the component.

use hedgeschool_web::Reply;

/// A file below `/static/`.
pub fn find(name: &str) -> Option<Reply> {
    let script = "text/javascript; charset=utf-8";
    let (media_type, text) = match name {
        "portal.css" => ("text/css; charset=utf-8", include_str!("../static/portal.css")),
        "guard.js" => (script, include_str!("../static/guard.js")),
        "import.js" => (script, include_str!("../static/import.js")),
        "upload.js" => (script, include_str!("../static/upload.js")),
        "live.js" => (script, include_str!("../static/live.js")),
        "play.js" => (script, include_str!("../static/play.js")),
        "returned.js" => (script, include_str!("../static/returned.js")),
        "session.js" => (script, include_str!("../static/session.js")),
        "sign-in.js" => (script, include_str!("../static/sign-in.js")),
        "hedge.svg" => ("image/svg+xml", include_str!("../static/hedge.svg")),
        _ => return None,
    };
    Some(Reply::asset(media_type, text))
}
