use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderName;

use super::*;

const VOUCHED: &str = "max-age=30, prefix=\"/f/anna/p/\", key=\"f/p\"";
const VOUCHED_FOR_BEN: &str = "max-age=30, prefix=\"/f/ben/p/\", key=\"f/p\"";

/// A cache with a component behind it that answers everything, each time something else.
struct Site {
    cache: ResponseCache,
    answers: AtomicU64,
}

impl Site {
    fn new() -> Self {
        Self { cache: ResponseCache::new(1 << 20).unwrap(), answers: AtomicU64::new(0) }
    }

    /// Asks for a path as it is asked for with these headers, where the component vouches so. What
    /// came: the status, the body, and whether the host gave it.
    async fn ask(&self, path: &str, asked: &[(&str, &str)], vouched: &str) -> (u16, String, bool) {
        let (method, uri) = path.split_once(' ').unwrap_or(("GET", path));
        let uri = format!("http://node{uri}");
        let mut request = request(method, &uri);
        for (name, value) in asked {
            request
                .headers_mut()
                .insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.ask_of("content", request, vouched).await
    }

    async fn ask_of(
        &self,
        component: &str,
        request: Request<WasiBody>,
        vouched: &str,
    ) -> (u16, String, bool) {
        let response = match self.cache.find_response(component, &request) {
            CacheLookup::Response(response) => response,
            CacheLookup::Nothing(None) => self.answer(&request, vouched),
            CacheLookup::Nothing(Some(question)) => {
                self.cache.keep_response(question, self.answer(&request, vouched)).await
            }
        };
        let status = response.status().as_u16();
        let is_hit = response.headers().contains_key("cache-status");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).trim().to_owned(), is_hit)
    }

    fn answer(&self, request: &Request<WasiBody>, vouched: &str) -> Response<WasiBody> {
        let count = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        let body = count.to_string();
        let length = body.len() + 1;
        let mut response = reply::text_reply(StatusCode::OK, &body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert("etag", "\"tag\"".parse().unwrap());
        if !vouched.is_empty() {
            headers.insert(CONTROL, vouched.parse().unwrap());
        }
        for name in ["vary", "set-cookie"] {
            if let Some(value) = request.headers().get(format!("test-{name}")) {
                headers.insert(name, value.clone());
            }
        }
        response
    }
}

fn request(method: &str, uri: &str) -> Request<WasiBody> {
    let body = reply::text_reply(StatusCode::OK, "").into_body();
    Request::builder().method(method).uri(uri).body(body).unwrap()
}

fn hit(body: &str) -> (u16, String, bool) {
    (200, body.to_owned(), true)
}

fn miss(body: &str) -> (u16, String, bool) {
    (200, body.to_owned(), false)
}

#[tokio::test]
async fn what_a_component_vouches_for_is_given_again_whatever_the_query() {
    let site = Site::new();
    assert_eq!(site.ask("/f/anna/p/a.js", &[], VOUCHED).await, miss("1"));
    assert_eq!(site.ask("/f/anna/p/a.js?v=2", &[], VOUCHED).await, hit("1"));
    assert_eq!(site.ask("/f/anna/p/b/a.js", &[], VOUCHED).await, miss("2"));
    assert_eq!(site.ask("HEAD /f/anna/p/a.js", &[], VOUCHED).await, hit(""));
    assert_eq!(site.ask("POST /f/anna/p/a.js", &[], VOUCHED).await, miss("3"));
}

#[tokio::test]
async fn nothing_is_given_to_whom_it_was_not_vouched_for() {
    let site = Site::new();
    site.ask("/f/anna/p/a.js", &[], VOUCHED).await;
    // Who comes for the first time is asked about.
    assert_eq!(site.ask("/f/ben/p/a.js", &[], "").await, miss("2"));
    assert_eq!(site.ask("/f/ben/p/a.js", &[], VOUCHED_FOR_BEN).await, miss("3"));
    assert_eq!(site.ask("/f/ben/p/a.js", &[], "").await, hit("3"));
    assert_eq!(site.ask("/f/anna/p/a.js", &[], "").await, hit("3"));
    assert_eq!(site.ask("/f/anna/q/a.js", &[], "").await, miss("4"));
}

#[tokio::test]
async fn a_word_is_for_one_host_of_one_component_and_for_its_own_addresses() {
    let site = Site::new();
    site.ask("/f/anna/p/a.js", &[], VOUCHED).await;
    let elsewhere = request("GET", "http://other/f/anna/p/a.js");
    assert_eq!(site.ask_of("content", elsewhere, "").await, miss("2"));
    let another = request("GET", "http://node/f/anna/p/a.js");
    assert_eq!(site.ask_of("portal", another, "").await, miss("3"));
    assert_eq!(site.ask("/g/a.js", &[], VOUCHED).await, miss("4"));
    assert_eq!(site.ask("/g/a.js", &[], "nonsense").await, miss("5"));
    assert_eq!(site.ask("/g/a.js", &[], "").await, miss("6"));
}

#[tokio::test]
async fn a_word_ends() {
    let site = Site::new();
    let at_once = VOUCHED.replace("30", "0");
    site.ask("/f/anna/p/a.js", &[], &at_once).await;
    assert_eq!(site.ask("/f/anna/p/a.js", &[], &at_once).await, miss("2"));
}

#[tokio::test]
async fn what_varies_is_kept_in_each_form() {
    let site = Site::new();
    let asked =
        |coding| [("test-vary", "accept-encoding, sec-fetch-dest"), ("accept-encoding", coding)];
    assert_eq!(site.ask("/f/anna/p/a.js", &asked("br"), VOUCHED).await, miss("1"));
    assert_eq!(site.ask("/f/anna/p/a.js", &asked("gzip"), VOUCHED).await, miss("2"));
    assert_eq!(site.ask("/f/anna/p/a.js", &asked("br"), VOUCHED).await, hit("1"));
    assert_eq!(site.ask("/f/anna/p/a.js", &asked("gzip"), VOUCHED).await, hit("2"));
    assert_eq!(site.ask("/f/anna/p/a.js", &[("test-vary", "*")], VOUCHED).await, miss("3"));
    assert_eq!(site.ask("/f/anna/p/b.js", &[("test-vary", "*")], VOUCHED).await, miss("4"));
    assert_eq!(site.ask("/f/anna/p/b.js", &[], VOUCHED).await, miss("5"));
}

#[tokio::test]
async fn who_has_it_gets_nothing_and_conditions_are_the_components() {
    let site = Site::new();
    site.ask("/f/anna/p/a.js", &[], VOUCHED).await;
    let known = (304, String::new(), true);
    for tags in ["\"tag\"", "W/\"tag\"", "\"a\", \"tag\"", "*"] {
        assert_eq!(site.ask("/f/anna/p/a.js", &[("if-none-match", tags)], "").await, known);
    }
    assert_eq!(site.ask("/f/anna/p/a.js", &[("if-none-match", "\"a\"")], "").await, hit("1"));
    for (count, name) in (2..).zip(["range", "if-range", "if-match", "if-modified-since"]) {
        let answer = site.ask("/f/anna/p/a.js", &[(name, "bytes=0-0")], "").await;
        assert_eq!(answer, miss(&count.to_string()), "{name}");
    }
}

#[tokio::test]
async fn what_is_for_one_or_is_too_large_is_not_kept() {
    let site = Site::new();
    for _ in 0..2 {
        let answer = site.ask("/f/anna/p/a.js", &[("test-set-cookie", "a=b")], VOUCHED).await;
        assert!(!answer.2);
    }
    let site = Site { cache: ResponseCache::new(1).unwrap(), ..site };
    for _ in 0..2 {
        assert!(!site.ask("/f/anna/p/a.js", &[], VOUCHED).await.2);
    }
    assert!(ResponseCache::new(0).is_none());
}
