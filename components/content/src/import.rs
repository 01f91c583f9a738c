//! Importing a package: check everything, store its files, and only then make it visible.

use bytes::Bytes;
use hedgeschool_cmi5::launch;
use hedgeschool_credentials::Scope;
use hedgeschool_formats::{ALL, named};
use hedgeschool_package::archive::Entry;
use hedgeschool_package::{
    self as package, Course, Error, Format, PACKAGE_BYTES_MAX, Package, media_type,
};
use hedgeschool_web::{
    HeaderMap, Problem, Query, Reply, Request, StatusCode, body, header, identity,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::store::{self, Block, File, LaunchMethod, MoveOn, NewCourse, Unit};

/// A larger file is stored as pieces of this size, in bytes. The store joins 4,096 of them at
/// most, which is the largest archive's 1 GiB.
const PIECE_BYTES: usize = 256 << 10;
/// What one call to the store may hold, in bytes and blobs.
const BATCH_BYTES_MAX: usize = 1 << 20;
const BATCH_BLOBS_MAX: usize = 256;

/// A course that was imported, and what of its package is not honoured, in sentences.
#[derive(Serialize)]
struct Imported {
    #[serde(flatten)]
    course: store::Course,
    notes: Vec<String>,
}

/// Answers `POST /content/v1/courses`: 201 with the course, 200 if this is its current version
/// already.
pub async fn import(request: Request) -> Result<Reply, Problem> {
    authorise(request.headers()).await?;
    check_media_type(request.headers())?;
    let query = Query::of(&request);
    let (is_public, formats) = (is_public(&query)?, formats(&query)?);
    let zip = body::read(request, PACKAGE_BYTES_MAX).await?;
    let name = query.get("name").unwrap_or_default();
    let mut package = Package::open(zip, name, &formats).map_err(refused)?;
    let files = store_files(&mut package).await?;
    let notes = package.course().notes.clone();
    let course = NewCourse { is_public, ..new_course(package.course()) };
    let before = store::find_course(course.id.clone()).await?;
    let course = store::publish(course, files).await?;
    let is_known = before.is_some_and(|before| before.package == course.package);
    let status = if is_known { StatusCode::OK } else { StatusCode::CREATED };
    let location =
        format!("/content/v1/courses/{}", utf8_percent_encode(&course.id, NON_ALPHANUMERIC));
    Ok(Reply::json(&Imported { course, notes })?
        .with_status(status)
        .with_header("location", &location))
}

async fn authorise(headers: &HeaderMap) -> Result<(), Problem> {
    let verdict = identity::verify(headers).await?;
    if verdict.is_administrator() || verdict.allows(Scope::All) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "only an administrator, or a client with the scope `all`, imports courses",
    ))
}

/// The formats that the package may be of: any, unless the address says which.
fn formats(query: &Query) -> Result<Vec<&'static dyn Format>, Problem> {
    let Some(name) = query.get("format") else { return Ok(ALL.to_vec()) };
    let names = || ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    let wrong = || Problem::bad_request(format!("format is one of {}", names()));
    named(name).map(|format| vec![format]).ok_or_else(wrong)
}

/// Whether anybody may read the course's files, as the address says.
fn is_public(query: &Query) -> Result<Option<bool>, Problem> {
    match query.get("public") {
        None | Some("false") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some(_) => Err(Problem::bad_request("public is true or false")),
    }
}

/// What is sent says itself what it is; but it is sent as it is, and not as a part of a form.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = header(headers, "content-type").unwrap_or_default();
    if !media_type.trim().to_ascii_lowercase().starts_with("multipart/") {
        return Ok(());
    }
    let detail = "a package is the body of the request as it is (`application/octet-stream`), not \
        a part of a form";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn refused(error: Error) -> Problem {
    match error {
        Error::TooLarge(_) => Problem::too_large(error.to_string()),
        _ => Problem::bad_request(error.to_string()),
    }
}

/// Unpacks and stores every file. If this fails underway, blobs stay behind that no package names;
/// the next attempt finds them there.
async fn store_files(package: &mut Package<Bytes>) -> Result<Vec<File>, Problem> {
    let entries = package.entries().to_vec();
    let mut intake = Intake::new(entries.len());
    for position in 0..entries.len() {
        let mut reader = package.reader(position).map_err(refused)?;
        // An empty file has one piece too.
        loop {
            intake.put(position, reader.next(PIECE_BYTES).map_err(refused)?).await?;
            if reader.left() == 0 {
                break;
            }
        }
    }
    let hashes = intake.finish().await?;
    let file = |(entry, hash): (Entry, String)| File {
        media_type: media_type(&entry.path),
        path: entry.path,
        hash,
        size: entry.size,
    };
    Ok(entries.into_iter().zip(hashes).map(file).collect())
}

/// Pieces of files on their way into the store, gathered so that many small files cost one call
/// and one commit.
struct Intake {
    /// The blobs of each file so far, in order.
    hashes: Vec<Vec<String>>,
    /// Pieces not yet stored, each with its file's position.
    waiting: Vec<(usize, Vec<u8>)>,
}

impl Intake {
    fn new(files: usize) -> Self {
        Self { hashes: vec![Vec::new(); files], waiting: Vec::new() }
    }

    async fn put(&mut self, file: usize, piece: Vec<u8>) -> Result<(), Problem> {
        let bytes: usize = self.waiting.iter().map(|(_, piece)| piece.len()).sum();
        if bytes + piece.len() > BATCH_BYTES_MAX || self.waiting.len() == BATCH_BLOBS_MAX {
            self.flush().await?;
        }
        self.waiting.push((file, piece));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Problem> {
        let (files, pieces): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().unzip();
        for (file, hash) in files.into_iter().zip(store::put_blobs(pieces).await?) {
            if let Some(hashes) = self.hashes.get_mut(file) {
                hashes.push(hash);
            }
        }
        Ok(())
    }

    /// Stores the rest, and answers each file's blob.
    async fn finish(mut self) -> Result<Vec<String>, Problem> {
        self.flush().await?;
        let mut files = Vec::with_capacity(self.hashes.len());
        for mut pieces in self.hashes {
            let whole = match pieces.len() {
                1 => pieces.pop().unwrap_or_default(),
                _ => join(pieces).await?,
            };
            files.push(whole);
        }
        Ok(files)
    }
}

/// Joins the pieces of a file, which takes several calls if it is large.
async fn join(pieces: Vec<String>) -> Result<String, Problem> {
    loop {
        if let Some(hash) = store::join_blobs(pieces.clone()).await? {
            return Ok(hash);
        }
    }
}

fn new_course(described: &Course) -> NewCourse {
    let course = described.id.as_str();
    let blocks = described.blocks.iter().map(|block| Block {
        id: block.id.clone(),
        activity: launch::activity_id(course, &block.id),
        title: block.title.clone(),
        parent: block.parent.and_then(position),
    });
    NewCourse {
        id: described.id.clone(),
        title: described.title.clone(),
        description: described.description.clone(),
        units: described.units.iter().map(|unit| new_unit(course, unit)).collect(),
        blocks: (!described.blocks.is_empty()).then(|| blocks.collect()),
        is_public: None,
    }
}

/// A place in a list that is far shorter than this.
fn position(position: usize) -> Option<u32> {
    position.try_into().ok()
}

fn new_unit(course: &str, unit: &package::Unit) -> Unit {
    Unit {
        id: unit.id.clone(),
        activity: launch::activity_id(course, &unit.id),
        title: unit.title.clone(),
        url: unit.url.clone(),
        player: unit.player.name().map(str::to_owned),
        launch_method: match unit.launch_method {
            package::LaunchMethod::AnyWindow => LaunchMethod::AnyWindow,
            package::LaunchMethod::OwnWindow => LaunchMethod::OwnWindow,
        },
        launch_parameters: unit.launch_parameters.clone(),
        move_on: match unit.move_on {
            package::MoveOn::Passed => MoveOn::Passed,
            package::MoveOn::Completed => MoveOn::Completed,
            package::MoveOn::CompletedAndPassed => MoveOn::CompletedAndPassed,
            package::MoveOn::CompletedOrPassed => MoveOn::CompletedOrPassed,
            package::MoveOn::NotApplicable => MoveOn::NotApplicable,
        },
        mastery_score: unit.mastery_score,
        entitlement_key: Some(unit.entitlement_key.clone()).filter(|key| !key.is_empty()),
        block: unit.block.and_then(position),
    }
}
