//! HTTP: delivers course files and imports packages.
//!
//! | address | method | answer |
//! |---|---|---|
//! | `/content/v1/courses` | GET | a page of courses by title: `limit` (1 to 1,000), `after` (a course id) |
//! | | POST | imports a package: the body (`application/zip`), or `upload=ID`; for anybody to read with `public=true`; administrators and clients of scope `all`. With `Accept: text/event-stream`, an upload's import tells how far it is |
//! | `/content/v1/courses/{id}` | GET | a course by its IRI, percent-encoded |
//! | | PATCH | `{"retired": true}` takes it back: who has begun it may finish; `false` offers it again; whoever may import |
//! | | DELETE | removes it with its files; what was recorded stays; likewise |
//! | `/content/v1/uploads` | POST, GET | begins an upload by tus 1.0.0; lists those underway; who may import |
//! | `/content/v1/uploads/{id}` | HEAD, PATCH, DELETE | how far it is; goes on; cancels it |
//!
//! And where course files are, which is another origin if the node has one (ADR 20):
//!
//! | address | method | answer |
//! |---|---|---|
//! | `/content/f/{grant}/{package}/{path}` | GET | a file of a package, for the learner whom the address was made for: never changes, ranges |
//! | `/content/p/{package}/{path}` | GET | the same by the request's credentials; for anybody, if the course is public |
//! | `/content/storage/{grant}/{package}` | GET, POST | what pages of the course have stored |
//! | `/content/clear` | GET | a page that empties what pages have left in the browser |
//!
//! `HEAD` is answered wherever `GET` is, and other origins may ask: course files are read by pages
//! that have none.
//!
//! Private, since it lies outside `/content`: `POST /structure` with `{"key": …}`, or with the
//! `activity` of a unit or a `package`, answers the course or null. `POST /withdraw` does what
//! PATCH and DELETE do.

mod access;
mod assets;
mod authorisation;
mod blob_writer;
mod catalogue;
mod document;
mod file;
mod import;
mod packed;
mod packer;
mod range;
mod response_cache;
mod storage;
mod store;
mod upload;
mod upload_state;
mod withdrawal;

use hedgeschool_web::{Method, Problem, Reply, Request, StatusCode, answer, content_origin};
use percent_encoding::percent_decode_str;
use spin_sdk::http_service;

use file::FileRequest;

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let path = request.uri().path().to_owned();
    let reply = match path.strip_prefix("/content/") {
        Some(path) if path == "v1/courses" || path.starts_with("v1/courses/") => {
            answer(answer_courses(request).await)
        }
        Some(path) if path == "v1/uploads" || path.starts_with("v1/uploads/") => {
            let id = path.strip_prefix("v1/uploads").unwrap_or_default();
            answer_uploads(request, id.trim_start_matches('/')).await
        }
        Some(path) => with_cors(answer(answer_files(request, path).await)),
        None => answer(answer_private(request, &path).await),
    };
    if is_head { reply.without_body() } else { reply }
}

async fn answer_private(request: Request, path: &str) -> Result<Reply, Problem> {
    match path {
        "/withdraw" if request.method() == Method::POST => withdrawal::by_portal(request).await,
        "/structure" if request.method() == Method::POST => {
            catalogue::answer_structure(request).await
        }
        _ => Err(not_found()),
    }
}

async fn answer_uploads(request: Request, id: &str) -> Reply {
    match content_origin::refuse_there(&request).await {
        Ok(()) => upload::answer_upload(request, id).await,
        Err(problem) => problem.into(),
    }
}

async fn answer_courses(request: Request) -> Result<Reply, Problem> {
    content_origin::refuse_there(&request).await?;
    let path = request.uri().path().to_owned();
    match path.strip_prefix("/content/v1/courses").unwrap_or_default() {
        "" | "/" if request.method() == Method::POST => import::import_package(request).await,
        "" | "/" if is_get(&request) => catalogue::list_courses(&request).await,
        "" | "/" => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        id => {
            let id = decode_id(id.trim_start_matches('/'))?;
            match request.method().as_str() {
                "GET" | "HEAD" => catalogue::show_course(&request, &id).await,
                "PATCH" => withdrawal::change_course(request, id).await,
                "DELETE" => withdrawal::remove_course(request, id).await,
                _ => Err(Problem::method_not_allowed("GET, HEAD, PATCH, DELETE")),
            }
        }
    }
}

/// Course files, and what their pages need.
async fn answer_files(request: Request, path: &str) -> Result<Reply, Problem> {
    if request.method() == Method::OPTIONS {
        return Ok(preflight_reply());
    }
    let (kind, rest) = path.split_once('/').unwrap_or((path, ""));
    if kind == "storage" {
        return storage::answer_storage(request, rest).await;
    }
    only_get(&request)?;
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    let wanted = match kind {
        "p" => FileRequest { grant: None, package: first, path: after },
        "f" => {
            let (package, path) = after.split_once('/').unwrap_or((after, ""));
            FileRequest { grant: Some(first), package, path }
        }
        _ => return assets::find_asset(&request, path).unwrap_or_else(|| Err(not_found())),
    };
    file::deliver_file(&request, wanted).await
}

fn not_found() -> Problem {
    Problem::not_found("there is nothing at this address")
}

/// Pages in a sandbox have no origin, and read what is beside them as others' (Fetch, 3.2).
fn with_cors(reply: Reply) -> Reply {
    let exposed = "content-encoding, content-length, content-range, accept-ranges, etag";
    reply
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-expose-headers", exposed)
}

/// The answer to a browser that asks before it calls.
fn preflight_reply() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .with_header("access-control-allow-methods", "GET, HEAD, POST, OPTIONS")
        .with_header("access-control-allow-headers", "*")
        .with_header("access-control-max-age", "7200")
}

fn is_get(request: &Request) -> bool {
    request.method() == Method::GET || request.method() == Method::HEAD
}

fn only_get(request: &Request) -> Result<(), Problem> {
    if is_get(request) { Ok(()) } else { Err(Problem::method_not_allowed("GET, HEAD, OPTIONS")) }
}

fn decode_id(text: &str) -> Result<String, Problem> {
    let decoded = percent_decode_str(text).decode_utf8();
    let not_utf8 = |_| Problem::bad_request("the address is not percent-encoded UTF-8");
    decoded.map(|text| text.into_owned()).map_err(not_utf8)
}
