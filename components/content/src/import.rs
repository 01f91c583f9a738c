//! `POST /content/v1/courses`: importing a package that was uploaded, or comes with the request.
//!
//! Two are imported at a time, and the others wait. An import that is told by events goes on when
//! whoever has asked for it has gone, once it is its turn. Who asks again for the same upload hears
//! how far it is, and within a day what came of it.

mod described;
mod libraries;
mod refusal;
mod upload_reader;
mod work;

use std::time::{Duration, Instant};

use hedgeschool_formats::{ALL, format_named};
use hedgeschool_package::archive::NameEncoding;
use hedgeschool_web::events::Events;
use hedgeschool_web::{
    HeaderMap, Problem, Query, Reply, Request, StatusCode, header, random_bytes, settings,
};
use spin_sdk::time::sleep;
use spin_sdk::wit_bindgen::spawn;

use crate::authorisation::authorise_import;
use crate::store::uploads::{self, Upload};
use crate::upload;
use crate::upload_state::UploadState;
use work::{Import, ImportOptions, Outcome, tell_progress};

/// Largest body of a request that is itself the package, in bytes. Larger ones are uploaded first:
/// hosts give a request 30 seconds.
const BODY_BYTES_MAX: u64 = 1 << 30;
/// For how long such a package is kept if its request ends early, in seconds.
const KEPT_S: u32 = 120;
/// How often it is looked how far another's import is.
const LOOK: Duration = Duration::from_secs(1);
/// How long an import waits for others when nobody is told that it does: hosts give a request 30
/// seconds.
const QUEUED_MAX: Duration = Duration::from_secs(20);
/// The variable that says what names in archives are in.
const NAMES: &str = "archive_names";

/// Answers 201 with the course, 200 if this is its current version already.
pub async fn import_package(request: Request) -> Result<Reply, Problem> {
    authorise_import(&request).await?;
    let query = Query::of(&request);
    let options = read_options(&query).await?;
    let Some(id) = query.get("upload") else {
        check_media_type(request.headers())?;
        return import_body(request, query.get("name").unwrap_or_default(), options).await;
    };
    let upload = find_whole_upload(id).await?;
    if !has_events(request.headers()) {
        return settle_import(upload, options, None).await?.into_reply();
    }
    let (events, body) = Events::open();
    spawn(async move {
        // What fails was told, and is tried again by whoever asks again.
        if let Err(problem) = settle_import(upload, options, Some(events)).await {
            problem.log();
        }
    });
    Ok(Reply::events(body))
}

/// What the address, and the operator, want of an import.
async fn read_options(query: &Query) -> Result<ImportOptions, Problem> {
    let names = settings::text(NAMES).await?;
    let wrong = || Problem::internal(format!("variable {NAMES}: {names:?} is not cp437 or gbk"));
    let known = if names.is_empty() {
        Some(NameEncoding::default())
    } else {
        NameEncoding::from_name(&names)
    };
    let names = known.ok_or_else(wrong)?;
    let list = || ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    let unknown = || Problem::bad_request(format!("format is one of {}", list()));
    let format =
        query.get("format").map(|name| format_named(name).ok_or_else(unknown)).transpose()?;
    let is_public = match query.get("public") {
        None | Some("false") => None,
        Some("true") => Some(true),
        Some(_) => return Err(Problem::bad_request("public is true or false")),
    };
    Ok(ImportOptions { is_public, format, names })
}

/// Imports what a request brings, and keeps it no longer than that takes.
async fn import_body(
    request: Request,
    name: &str,
    options: ImportOptions,
) -> Result<Reply, Problem> {
    let announced = header(request.headers(), "content-length").and_then(|text| text.parse().ok());
    check_size(announced.unwrap_or_default())?;
    let id = upload::begin_upload(name, announced, KEPT_S).await?;
    let outcome = async {
        let (length, is_whole) = upload::receive_body(request, &id, 0, BODY_BYTES_MAX).await?;
        check_size(length)?;
        if !is_whole {
            return Err(too_slow());
        }
        settle_import(find_whole_upload(&id).await?, options, None).await?.into_reply()
    };
    let outcome = outcome.await;
    upload::discard_upload(&id, None).await?;
    outcome
}

fn too_slow() -> Problem {
    let detail = "the body takes too long: send the file in pieces, by `hedge course import`, the \
                  portal's form, or any client of tus (/content/v1/uploads)";
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
}

fn check_size(bytes: u64) -> Result<(), Problem> {
    if bytes <= BODY_BYTES_MAX {
        return Ok(());
    }
    Err(Problem::too_large(format!(
        "the body may have at most {BODY_BYTES_MAX} bytes; larger packages go by `hedge course \
         import`, the portal's form, or any client of tus (/content/v1/uploads)"
    )))
}

/// An upload that is whole.
async fn find_whole_upload(id: &str) -> Result<Upload, Problem> {
    let upload = uploads::find(id.to_owned()).await?.ok_or_else(upload::no_such_upload)?;
    let UploadState::Arriving { length, size } = UploadState::of_upload(&upload) else {
        return Ok(upload);
    };
    let detail = format!("{length} of {size} bytes are here: send the others first");
    Err(Problem::new(StatusCode::CONFLICT, detail))
}

/// What comes of an upload's import, whoever does it, and whenever it was.
async fn settle_import(
    mut upload: Upload,
    options: ImportOptions,
    mut events: Option<Events>,
) -> Result<Outcome, Problem> {
    let importer: String = random_bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    let start = Instant::now();
    loop {
        if let UploadState::Settled(text) = UploadState::of_upload(&upload) {
            let outcome: Outcome = serde_json::from_str(text).map_err(Problem::internal)?;
            if let Some(events) = &mut events {
                outcome.tell_listener(events).await;
            }
            return Ok(outcome);
        }
        let total = upload.length;
        if uploads::claim(upload.id.clone(), importer.clone(), 0, total).await? {
            return Import::new(upload, importer, options, events).run_import().await;
        }
        let (done, total, is_queued) = match UploadState::of_upload(&upload) {
            UploadState::Importing { done, total } => (done, total, false),
            _ => (0, total, true),
        };
        match &mut events {
            Some(events) => tell_progress(events, done, total, is_queued).await?,
            None if is_queued && start.elapsed() >= QUEUED_MAX => return Err(too_many_imports()),
            None => {}
        }
        sleep(LOOK).await;
        upload = uploads::find(upload.id).await?.ok_or_else(upload::no_such_upload)?;
    }
}

fn too_many_imports() -> Problem {
    let detail = "two packages are being imported, and no more are at a time: ask again, or with \
                  Accept: text/event-stream to hear when it is its turn";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("retry-after", "10")
}

fn has_events(headers: &HeaderMap) -> bool {
    header(headers, "accept").is_some_and(|accepted| accepted.contains("text/event-stream"))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = header(headers, "content-type").unwrap_or("application/zip");
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let accepted = [
        "application/zip",
        "application/x-zip-compressed",
        "application/octet-stream",
        "application/xml",
        "text/xml",
    ];
    if accepted.contains(&essence.as_str()) {
        return Ok(());
    }
    let detail = format!(
        "a package is sent as application/zip, a course structure alone as text/xml, not as \
         {essence:?}"
    );
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}
