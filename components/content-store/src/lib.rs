//! Store: course packages and their files.
//!
//! Blobs of at most 1 MiB are rows; larger files are joined from such rows, so that a range or a
//! stream reads only the rows it needs. Packages, courses and units point at blobs. What is to be
//! imported is kept in such rows, too, until it is. The schema and what each write does in one
//! statement are in `migrations/`.

mod arrivals;
mod bindings;
mod blobs;
mod database;
mod demand;
mod error;
mod eviction;
mod join;
mod journal;
mod packages;
mod reclaim;
#[cfg(test)]
mod schema_tests;
mod store;
mod uploads;
mod withdrawal;

use bindings::exports::hedgeschool::content::packages::Guest;
use bindings::exports::hedgeschool::content::types::{
    Course, CourseSummary, Edition, Error, File, NewCourse, UnitPlace, Withdrawal,
};
use spin_sdk::wit_bindgen::StreamReader;
use store::Store;

impl Guest for Store {
    async fn put_blobs(blobs: Vec<Vec<u8>>, upload: Option<String>) -> Result<Vec<String>, Error> {
        blobs::put_blobs(blobs, upload).await
    }

    async fn join_blobs(
        parts: Vec<String>,
        upload: Option<String>,
    ) -> Result<Option<String>, Error> {
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        join::join_blobs(&parts, upload).await
    }

    async fn publish(course: NewCourse, files: Vec<File>) -> Result<Course, Error> {
        packages::publish_package(course, files).await
    }

    async fn withdraw(id: String, how: Option<Withdrawal>) -> Result<Option<Course>, Error> {
        withdrawal::withdraw_course(id, how).await
    }

    async fn courses(after: Option<String>, limit: u32) -> Result<Vec<CourseSummary>, Error> {
        packages::list_courses(after, limit).await
    }

    async fn find_course(id: String) -> Result<Option<Course>, Error> {
        packages::find_course("iri", id).await
    }

    async fn find_course_by_key(key: String) -> Result<Option<Course>, Error> {
        packages::find_course("key", key).await
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
        blobs::find_missing(&hashes).await
    }

    async fn read_blob(hash: String, start: u64, length: u32) -> Result<Option<Vec<u8>>, Error> {
        blobs::read_blob(&hash, start, length).await
    }

    async fn stream_blob(hash: String, start: u64, length: u64) -> Result<StreamReader<u8>, Error> {
        blobs::stream_blob(hash, start, length).await
    }
}

hedgeschool_journal::export_journal!(
    Store,
    journal::Content,
    crate::bindings::exports::hedgeschool::content
);
