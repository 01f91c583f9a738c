//! Importing what was uploaded: check everything, store its files, and only then make it visible.

use std::time::{Duration, Instant};

use hedgeschool_formats::ALL;
use hedgeschool_package::archive::{Entry, NameEncoding, Next, Step, Unpacking};
use hedgeschool_package::{Contents, Format, Opening, media_type};
use hedgeschool_redis::changed;
use hedgeschool_web::events::Events;
use hedgeschool_web::{Problem, Reply, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::described::new_course;
use super::libraries::lend_libraries;
use super::refusal::package_problem;
use super::upload_reader::UploadReader;
use crate::blob_writer::{BlobWriter, PIECE_BYTES};
use crate::packed::Packing;
use crate::store::uploads::{self, Upload};
use crate::store::{self, File, NewCourse};
use crate::upload;

/// How often it is told how far an import is.
const NEWS: Duration = Duration::from_secs(1);

/// How long an import may take: the largest package has three hours on a disk that writes 3 MB a
/// second.
const IMPORT_TIME_MAX: Duration = Duration::from_secs(6 * 3_600);

/// What whoever imports a package wants of it.
pub struct ImportOptions {
    /// Anybody may read its files. None: no.
    pub is_public: Option<bool>,
    /// The format that it is of. None: any.
    pub format: Option<&'static dyn Format>,
    /// What names in archives are in that are not in UTF-8.
    pub names: NameEncoding,
}

/// What an import has come to, and is told by.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    status: u16,
    /// The course's address.
    location: Option<String>,
    /// JSON.
    body: String,
}

/// A course that was imported, and what of its package is not honoured, in sentences.
#[derive(Serialize)]
struct Imported {
    #[serde(flatten)]
    course: store::Course,
    is_new: bool,
    notes: Vec<String>,
}

/// An import underway.
pub struct Import {
    upload: Upload,
    /// Its name where others might import the same.
    importer: String,
    options: ImportOptions,
    /// Who wants to hear how far it is.
    events: Option<Events>,
    /// How far it is, in bytes, and when that was told last.
    done: u64,
    total: u64,
    told: Instant,
    began: Instant,
}

impl Import {
    /// The import of an upload that `importer` has claimed.
    pub fn new(
        upload: Upload,
        importer: String,
        options: ImportOptions,
        events: Option<Events>,
    ) -> Self {
        let (done, total, now) = (0, upload.length, Instant::now());
        Self { upload, importer, options, events, done, total, told: now, began: now }
    }

    /// Imports it. What is refused is discarded, as what is imported; what could not be done may be
    /// tried again.
    pub async fn run_import(mut self) -> Result<Outcome, Problem> {
        let outcome = match self.import_files().await {
            Ok(outcome) => outcome,
            Err(problem) if problem.status.is_client_error() => Outcome::of_problem(&problem),
            Err(problem) => {
                if let Some(events) = &mut self.events {
                    let _ = events.tell("failed", &problem.body()).await;
                }
                uploads::release(self.upload.id, self.importer).await?;
                return Err(problem);
            }
        };
        let text = serde_json::to_string(&outcome).map_err(Problem::internal)?;
        upload::discard_upload(&self.upload.id, Some(text)).await?;
        if let Some(mut events) = self.events {
            outcome.tell_listener(&mut events).await;
        }
        Ok(outcome)
    }

    async fn import_files(&mut self) -> Result<Outcome, Problem> {
        let mut source = UploadReader::new(&self.upload.id);
        let Contents { course: described, entries } = self.open_package(&mut source).await?;
        let has = |path: &str| entries.iter().any(|entry| entry.path == path);
        let lent = lend_libraries(&described.lacks, has).await?;
        let mut files = self.store_files(&mut source, entries).await?;
        files.extend(lent);
        let files = self.add_packed_forms(files).await?;
        let is_public = self.options.is_public;
        let course = NewCourse { is_public, ..new_course(&described) };
        let before = store::find_course(course.id.clone()).await?;
        let course = store::publish(course, files).await?;
        changed("content");
        let is_new = before.is_none_or(|before| before.package != course.package);
        let id = utf8_percent_encode(&course.id, NON_ALPHANUMERIC);
        let location = Some(format!("/content/v1/courses/{id}"));
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        let imported = Imported { course, is_new, notes: described.notes };
        let body = serde_json::to_string(&imported).map_err(Problem::internal)?;
        Ok(Outcome { status: status.as_u16(), location, body })
    }

    async fn open_package(&self, source: &mut UploadReader) -> Result<Contents, Problem> {
        let Upload { length, name, .. } = &self.upload;
        let format = self.options.format.map(|format| [format]);
        let formats = format.as_ref().map_or(ALL, |format| format.as_slice());
        let mut opening = Opening::new(*length, name, self.options.names, formats);
        loop {
            match opening.step().map_err(package_problem)? {
                Step::Done(contents) => return Ok(contents),
                Step::Load(range) => {
                    let bytes = source.read_range(&range).await?;
                    opening.load(range.start, bytes).map_err(package_problem)?;
                }
            }
        }
    }

    /// Unpacks and stores every file. If this fails underway, what was stored goes with the upload.
    async fn store_files(
        &mut self,
        source: &mut UploadReader,
        entries: Vec<Entry>,
    ) -> Result<Vec<File>, Problem> {
        // What is joined is read once more.
        self.total =
            entries.iter().map(|entry| entry.size * if is_large(entry) { 2 } else { 1 }).sum();
        let mut blobs = BlobWriter::new(&self.upload.id);
        for entry in &entries {
            self.store_file(source, entry, &mut blobs).await?;
        }
        let hashes = blobs.finish().await?;
        let file = |(entry, hash): (Entry, String)| File {
            media_type: media_type(&entry.path),
            path: entry.path,
            hash,
            size: entry.size,
        };
        Ok(entries.into_iter().zip(hashes).map(file).collect())
    }

    /// Adds the packed forms of files that are stored.
    async fn add_packed_forms(&mut self, files: Vec<File>) -> Result<Vec<File>, Problem> {
        let mut packing = Packing::new(&self.upload.id, files)?;
        while packing.pack_next().await? {
            self.report_progress(0).await?;
        }
        packing.finish().await
    }

    async fn store_file(
        &mut self,
        source: &mut UploadReader,
        entry: &Entry,
        blobs: &mut BlobWriter,
    ) -> Result<(), Problem> {
        let mut unpacking = Unpacking::new(entry);
        if !is_large(entry) {
            blobs.put_file(next_piece(source, &mut unpacking).await?).await?;
            return self.report_progress(entry.size).await;
        }
        while unpacking.bytes_left() > 0 {
            let piece = next_piece(source, &mut unpacking).await?;
            let bytes = piece.len() as u64;
            blobs.put_piece(piece).await?;
            self.report_progress(bytes).await?;
        }
        while !blobs.join_pieces().await? {
            self.report_progress(0).await?;
        }
        self.report_progress(entry.size).await
    }

    /// Says once in a while how far it is, and that it goes on.
    async fn report_progress(&mut self, bytes: u64) -> Result<(), Problem> {
        self.done += bytes;
        if self.told.elapsed() < NEWS {
            return Ok(());
        }
        self.told = Instant::now();
        if self.began.elapsed() > IMPORT_TIME_MAX {
            let hours = IMPORT_TIME_MAX.as_secs() / 3_600;
            return Err(Problem::too_large(format!("it takes more than {hours} hours to import")));
        }
        let (id, importer) = (self.upload.id.clone(), self.importer.clone());
        if !uploads::claim(id, importer, self.done, self.total).await? {
            return Err(imported_elsewhere());
        }
        if let Some(events) = &mut self.events
            && tell_progress(events, self.done, self.total, false).await.is_err()
        {
            // Whoever comes back finds it further on.
            self.events = None;
        }
        Ok(())
    }
}

fn is_large(entry: &Entry) -> bool {
    entry.size > PIECE_BYTES as u64
}

/// The next piece of a file.
async fn next_piece(
    source: &mut UploadReader,
    unpacking: &mut Unpacking,
) -> Result<Vec<u8>, Problem> {
    loop {
        match unpacking.next_piece(PIECE_BYTES).map_err(package_problem)? {
            Next::Piece(piece) => return Ok(piece),
            Next::Load { start, most } => {
                unpacking.load(source.read_some(start, most).await?).map_err(package_problem)?;
            }
        }
    }
}

/// Tells how far an import is, or that others are imported before it.
pub async fn tell_progress(
    events: &mut Events,
    done: u64,
    total: u64,
    is_queued: bool,
) -> Result<(), Problem> {
    let mut progress = json!({ "done": done, "total": total });
    if let Some(progress) = progress.as_object_mut().filter(|_| is_queued) {
        progress.insert("is_queued".into(), true.into());
    }
    let progress = progress.to_string();
    let gone = |_| Problem::bad_request("nobody listens any more");
    events.tell("progress", &progress).await.map_err(gone)
}

fn imported_elsewhere() -> Problem {
    let detail = "another request imports this file: ask again, and hear what comes of it";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("retry-after", "1")
}

impl Outcome {
    fn of_problem(problem: &Problem) -> Self {
        problem.log();
        Self { status: problem.status.as_u16(), location: None, body: problem.body() }
    }

    /// The answer to whoever has waited for it.
    pub fn into_reply(self) -> Result<Reply, Problem> {
        let status = StatusCode::from_u16(self.status).map_err(Problem::internal)?;
        let is_good = status.is_success();
        let media_type = if is_good { "application/json" } else { Problem::MEDIA_TYPE };
        let reply = Reply::new(status, media_type, self.body);
        Ok(match self.location {
            Some(location) => reply.with_header("location", &location),
            None => reply,
        })
    }

    /// Tells whoever listens.
    pub async fn tell_listener(&self, events: &mut Events) {
        let kind = if self.status < 400 { "imported" } else { "refused" };
        // Whoever has gone finds it when it comes back.
        let _ = events.tell(kind, &self.body).await;
    }
}
