//! HTML documents of a package get a script before their own: it gives them the learner's storage.

/// Names what is put in, for what browsers keep: one more with each change.
pub const REVISION: &str = "1";
/// The larger ones are sent as they are, in bytes.
pub const BYTES_MAX: u64 = 4 << 20;

const SCRIPT: &[u8] = b"<script src=\"/content/storage.js\"></script>";

/// Whether files of this type are documents.
pub fn is_document(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/html")
}

/// The document with the script as its first element. One in UTF-16 is left as it is.
pub fn with_script(html: &[u8]) -> Vec<u8> {
    if html.starts_with(b"\xff\xfe") || html.starts_with(b"\xfe\xff") {
        return html.to_vec();
    }
    let (before, after) = html.split_at_checked(preamble_length(html)).unwrap_or((&[], html));
    [before, SCRIPT, after].concat()
}

/// How many bytes come before the first element: what makes a document one of its kind, without
/// which browsers show it as in the nineties.
fn preamble_length(html: &[u8]) -> usize {
    let mut rest = html.strip_prefix(b"\xef\xbb\xbf").unwrap_or(html);
    loop {
        let text = rest.trim_ascii_start();
        let end: &[u8] = match text {
            _ if text.starts_with(b"<!--") => b"-->",
            _ if text.starts_with(b"<!") || text.starts_with(b"<?") => b">",
            _ => return html.len() - rest.len(),
        };
        match find_bytes(text, end) {
            Some(position) => rest = text.get(position + end.len()..).unwrap_or_default(),
            None => return html.len() - rest.len(),
        }
    }
}

fn find_bytes(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after_script(html: &str) -> String {
        let out = String::from_utf8(with_script(html.as_bytes())).unwrap();
        let (before, after) = out.split_once(std::str::from_utf8(SCRIPT).unwrap()).unwrap();
        assert_eq!(format!("{before}{after}"), html);
        after.to_owned()
    }

    #[test]
    fn it_comes_before_the_first_element() {
        assert_eq!(after_script("<!doctype html><html>"), "<html>");
        assert_eq!(after_script("\u{feff}<!DOCTYPE html>\n<p>"), "\n<p>");
        assert_eq!(after_script("<?xml version='1.0'?><!-- <x> --><!doctype x><a>"), "<a>");
        assert_eq!(after_script("<p>"), "<p>");
        assert_eq!(after_script(" text"), " text");
        assert_eq!(after_script(""), "");
    }

    #[test]
    fn what_does_not_end_has_no_preamble() {
        assert_eq!(after_script("<!-- for ever"), "<!-- for ever");
        assert_eq!(after_script("<!doctype html><!-- for ever"), "<!-- for ever");
    }

    #[test]
    fn a_document_in_utf_16_is_left_alone() {
        assert_eq!(with_script(b"\xff\xfe<\0p\0>\0"), b"\xff\xfe<\0p\0>\0");
    }

    #[test]
    fn documents_are_known_by_their_type() {
        assert!(is_document("text/html; charset=utf-8") && is_document("Text/HTML"));
        assert!(!is_document("application/xhtml+xml") && !is_document("text/htmlx"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(html in proptest::collection::vec(any::<u8>(), 0..200)) {
            let out = with_script(&html);
            let inserted = out.len() - html.len();
            prop_assert!(inserted == SCRIPT.len() || inserted == 0);
        }
    }
}
