//! A shelf of web pages on Hedgeschool's content store.
//!
//! `PUT /pages/NAME` puts a page there, `GET /pages/NAME` gives it back, `GET /` lists the names.
//! To the store each page is a course of one file: bytes are put first, then a package that names
//! them by their hash becomes visible, whole or not at all. Putting the same page again changes
//! nothing.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use spin_sdk::http::{FullBody, HeaderValue, Method, Request, Response, StatusCode};
use spin_sdk::http_service;

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/content",
        world: "client",
    });
}

use bindings::hedgeschool::content::packages::{self, Error, File, NewCourse};

/// Courses of this app's pages have ids that begin like this.
const IDS: &str = "https://page-shelf.example/pages/";
/// Where a page is in its package.
const PATH: &str = "index.html";
const MEDIA_TYPE: &str = "text/html; charset=utf-8";
/// Largest page, in bytes: what the store takes, and answers, at one time.
const PAGE_BYTES_MAX: u32 = 1_048_576;
/// Most pages that are listed: the most courses that the store answers at one time.
const LISTED_MAX: u32 = 1_000;
/// Longest name of a page, in bytes.
const NAME_BYTES_MAX: usize = 64;

type Reply = Response<FullBody<Bytes>>;

#[http_service]
async fn handle(request: Request) -> Reply {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let name = path.strip_prefix("/pages/").filter(|name| is_name(name));
    let outcome = match (method, name) {
        (Method::GET, None) if path == "/" => list_pages().await,
        (Method::GET, Some(name)) => read_page(name).await,
        (Method::PUT, Some(name)) => put_page(name, request).await,
        _ => return refuse(StatusCode::NOT_FOUND, "GET /, GET /pages/NAME or PUT /pages/NAME"),
    };
    outcome.unwrap_or_else(|error| {
        let status = match &error {
            Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Full => StatusCode::INSUFFICIENT_STORAGE,
            Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refuse(status, &error.to_string())
    })
}

/// Whether pages may be called this.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The names of the pages, in order.
async fn list_pages() -> Result<Reply, Error> {
    let courses = packages::courses(None, LISTED_MAX).await?;
    let names = courses.iter().filter_map(|course| course.id.strip_prefix(IDS));
    Ok(reply_json(StatusCode::OK, &json!({ "pages": names.collect::<Vec<_>>() })))
}

async fn read_page(name: &str) -> Result<Reply, Error> {
    let not_found = || Ok(refuse(StatusCode::NOT_FOUND, "there is no such page"));
    let Some(course) = packages::find_course(format!("{IDS}{name}")).await? else {
        return not_found();
    };
    let Some(file) = packages::find_file(course.package, PATH.to_owned()).await? else {
        return not_found();
    };
    match packages::read_blob(file.hash, 0, PAGE_BYTES_MAX).await? {
        Some(bytes) => Ok(reply(StatusCode::OK, &file.media_type, bytes)),
        None => not_found(),
    }
}

async fn put_page(name: &str, request: Request) -> Result<Reply, Error> {
    let body = Limited::new(request.into_body(), PAGE_BYTES_MAX as usize).collect().await;
    let page = body.map_err(|error| Error::TooLarge(error.to_string()))?.to_bytes();
    let size = page.len() as u64;
    let mut hashes = packages::put_blobs(vec![page.to_vec()], None).await?;
    let hash = hashes.pop().unwrap_or_default();
    let file = File { path: PATH.to_owned(), hash, size, media_type: MEDIA_TYPE.to_owned() };
    let course = packages::publish(course_of(name), vec![file]).await?;
    Ok(reply_json(StatusCode::CREATED, &json!({ "name": name, "version": course.package })))
}

/// The course that a page is to the store. It has no units: nobody launches it.
fn course_of(name: &str) -> NewCourse {
    NewCourse {
        id: format!("{IDS}{name}"),
        title: name.to_owned(),
        description: String::new(),
        units: Vec::new(),
        blocks: None,
        is_public: Some(true),
        withdrawn: None,
    }
}

fn refuse(status: StatusCode, why: &str) -> Reply {
    reply_json(status, &json!({ "error": why }))
}

fn reply_json(status: StatusCode, value: &Value) -> Reply {
    reply(status, "application/json", value.to_string().into_bytes())
}

fn reply(status: StatusCode, media_type: &str, body: Vec<u8>) -> Reply {
    let length = HeaderValue::from(body.len());
    let mut reply = Response::new(FullBody::new(Bytes::from(body)));
    *reply.status_mut() = status;
    // Without it, hosts send pieces, and some of them wait for the client in between.
    reply.headers_mut().insert("content-length", length);
    if let Ok(media_type) = media_type.parse() {
        reply.headers_mut().insert("content-type", media_type);
    }
    reply
}
