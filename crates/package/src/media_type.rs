/// The media type of a file by its name's extension; of one that says nothing, a type that a
/// browser saves instead of running it. Text is UTF-8, as nearly all of it is.
pub fn media_type(path: &str) -> String {
    let known = mime_guess::from_path(path).first_raw();
    match known.unwrap_or("application/octet-stream") {
        // What the list calls modules (RFC 9239: one type for all).
        "application/javascript" => "text/javascript; charset=utf-8".to_owned(),
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn the_last_extension_counts_whatever_its_case() {
        assert_eq!(media_type("a/Index.HTML"), "text/html; charset=utf-8");
        assert_eq!(media_type("jquery.min.js"), "text/javascript; charset=utf-8");
        assert_eq!(media_type("folder.css/README"), "application/octet-stream");
        assert_eq!(media_type("a.unheard-of"), "application/octet-stream");
    }

    #[test]
    fn what_courses_are_made_of_is_known() {
        for (name, expected) in [
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.wasm", "application/wasm"),
            ("a.vtt", "text/vtt; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a.xhtml", "application/xhtml+xml"),
            ("a.woff2", "font/woff2"),
            ("a.mp4", "video/mp4"),
            ("a.webm", "video/webm"),
            ("a.mp3", "audio/mpeg"),
            ("a.m4a", "audio/m4a"),
            ("a.pdf", "application/pdf"),
            ("a.epub", "application/epub+zip"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }
}
