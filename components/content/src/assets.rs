//! The few files of this component's own, beside those of courses.

use hedgeschool_web::Reply;

/// A file below `/content/`.
pub fn find(name: &str) -> Option<Reply> {
    let script = "text/javascript; charset=utf-8";
    let (media_type, text) = match name {
        "storage.js" => (script, include_str!("../static/storage.js")),
        "clear.js" => (script, include_str!("../static/clear.js")),
        "clear" => ("text/html; charset=utf-8", include_str!("../static/clear.html")),
        _ => return None,
    };
    Some(Reply::asset(media_type, text))
}
