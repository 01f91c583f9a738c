//! Store: course packages and their files.
//!
//! Blobs of at most 1 MiB are rows; larger files are joined from such rows, so that a range or a
//! stream reads only the rows it needs. Packages, courses and units point at blobs. What is to be
//! imported is kept in such rows, too, until it is. The schema and what each write does in one
//! statement are in `migrations/`.

#[allow(missing_docs)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/content",
        world: "store",
        with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
        additional_derives: [serde::Serialize, serde::Deserialize],
    });

    use super::Store;
    export!(Store);
}

mod arrivals;
mod blobs;
mod error;
mod join;
mod journal;
mod packages;
mod room;
#[cfg(test)]
mod schema_tests;
mod uploads;
mod withdrawal;

use bindings::exports::hedgeschool::content::packages::Guest;
use bindings::exports::hedgeschool::content::types::{
    Course, CourseSummary, Edition, Error, File, NewCourse, UnitPlace, Withdrawal,
};
use hedgeschool_sql::{Database, connection_slot};
use spin_sdk::wit_bindgen::StreamReader;

connection_slot!(CONNECTION);

static DATABASE: Database = Database {
    label: "content",
    migrations: &[
        hedgeschool_journal::SCHEMA,
        include_str!("../migrations/0001-packages.sql"),
        include_str!("../migrations/0002-uploads.sql"),
        include_str!("../migrations/0003-withdrawn.sql"),
        hedgeschool_journal::CHECKPOINTS,
        include_str!("../migrations/0004-checkpoints.sql"),
    ],
    restored: hedgeschool_journal::RESTORED,
    new_file: &["PRAGMA auto_vacuum = INCREMENTAL", "VACUUM"],
    slot: &CONNECTION,
};

hedgeschool_sql::described!(DATABASE);

/// The component's exports; each is documented in `wit/content/content.wit`.
struct Store;

impl Guest for Store {
    async fn put_blobs(blobs: Vec<Vec<u8>>, upload: Option<String>) -> Result<Vec<String>, Error> {
        blobs::put(blobs, upload).await
    }

    async fn join_blobs(
        parts: Vec<String>,
        upload: Option<String>,
    ) -> Result<Option<String>, Error> {
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        join::step(&parts, upload).await
    }

    async fn publish(course: NewCourse, files: Vec<File>) -> Result<Course, Error> {
        packages::publish(course, files).await
    }

    async fn withdraw(id: String, how: Option<Withdrawal>) -> Result<Option<Course>, Error> {
        withdrawal::withdraw(id, how).await
    }

    async fn courses(after: Option<String>, limit: u32) -> Result<Vec<CourseSummary>, Error> {
        packages::courses(after, limit).await
    }

    async fn find_course(id: String) -> Result<Option<Course>, Error> {
        packages::find("iri", id).await
    }

    async fn find_course_by_key(key: String) -> Result<Option<Course>, Error> {
        packages::find("key", key).await
    }

    async fn find_version(package: String) -> Result<Option<Course>, Error> {
        packages::find_version(package).await
    }

    async fn find_units(activities: Vec<String>) -> Result<Vec<UnitPlace>, Error> {
        packages::find_units(&activities).await
    }

    async fn find_edition(package: String) -> Result<Option<Edition>, Error> {
        packages::find_edition(&package).await
    }

    async fn find_library(folder: String) -> Result<Vec<File>, Error> {
        packages::find_library(&folder).await
    }

    async fn find_file(package: String, path: String) -> Result<Option<File>, Error> {
        packages::find_file(package, path).await
    }

    async fn missing_blob(hashes: Vec<String>) -> Result<Option<String>, Error> {
        blobs::missing(&hashes).await
    }

    async fn read_blob(hash: String, start: u64, length: u32) -> Result<Option<Vec<u8>>, Error> {
        blobs::read(&hash, start, length).await
    }

    async fn stream_blob(hash: String, start: u64, length: u64) -> Result<StreamReader<u8>, Error> {
        blobs::stream(hash, start, length).await
    }
}

hedgeschool_journal::export_journal!(
    Store,
    journal::Content,
    crate::bindings::exports::hedgeschool::content
);
