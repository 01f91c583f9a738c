use proptest::prelude::*;

use super::*;

fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        headers.insert(*name, value.parse().unwrap());
    }
    headers
}

fn select(method: &Method, all: &[(&'static str, &str)], coding: Option<Coding>) -> Selection {
    select_range(method, &headers(all), "tag", 10, coding)
}

#[test]
fn a_range_counts_while_the_file_is_the_one_that_was_begun() {
    let part = Selection::Part { start: 2, length: 8 };
    let range = ("range", "bytes=2-");
    assert_eq!(select(&Method::GET, &[range], None), part);
    assert_eq!(select(&Method::GET, &[range, ("if-range", "\"tag\"")], None), part);
    for other in ["\"other\"", "W/\"tag\"", "Sun, 29 Nov 2026 10:00:00 GMT"] {
        let all = [range, ("if-range", other)];
        assert_eq!(select(&Method::GET, &all, None), Selection::Whole, "{other}");
    }
    assert_eq!(select(&Method::HEAD, &[range], None), Selection::Whole);
    assert_eq!(select(&Method::GET, &[range], Some(Coding::Gzip)), Selection::Whole);
    assert_eq!(select(&Method::GET, &[], None), Selection::Whole);
}

#[test]
fn ranges_are_of_the_file_as_it_is() {
    let packed = ("accept-encoding", "gzip, br");
    let codings = |all: &[(&'static str, &str)], path| {
        acceptable_codings(&Method::GET, &headers(all), path).into_iter().flatten().count()
    };
    assert_eq!(codings(&[packed], "a.js"), 2);
    assert_eq!(codings(&[packed], "folder/"), 2, "its page");
    assert_eq!(codings(&[packed], "a.png"), 0);
    assert_eq!(codings(&[packed, ("range", "bytes=2-")], "a.js"), 0);
    let only_packed = ("accept-encoding", "gzip, identity;q=0");
    assert_eq!(codings(&[only_packed, ("range", "bytes=2-")], "a.js"), 1);
    assert_eq!(codings(&[], "a.js"), 0);
}

#[test]
fn what_decides_on_the_form_is_named() {
    assert_eq!(vary_header("text/html; charset=utf-8"), "accept-encoding, sec-fetch-dest");
    assert_eq!(vary_header("text/css"), "accept-encoding");
    assert_eq!(vary_header("image/png"), "");
}

#[test]
fn a_page_is_what_a_browser_shows() {
    for shown in ["document", "iframe", "frame", "embed", "object"] {
        assert!(may_be_document(&headers(&[("sec-fetch-dest", shown)])), "{shown}");
    }
    for read in ["empty", "script", "image"] {
        assert!(!may_be_document(&headers(&[("sec-fetch-dest", read)])), "{read}");
    }
    assert!(may_be_document(&HeaderMap::new()), "who does not say it");
}

#[test]
fn a_folder_stands_for_its_page() {
    let paths = ["", "a/", "a"].map(with_index);
    assert_eq!(paths, ["index.html", "a/index.html", "a"]);
}

proptest! {
    /// Whatever is asked for, what is sent is inside the file.
    #[test]
    fn no_part_leaves_the_file(range in "bytes=[0-9]{0,3}-[0-9]{0,3}", size in 0u64..300) {
        let all = headers(&[("range", &range)]);
        match select_range(&Method::GET, &all, "tag", size, None) {
            Selection::Part { start, length } => {
                prop_assert!(length > 0 && start + length <= size);
            }
            Selection::Whole | Selection::Unsatisfiable => {}
        }
    }
}
