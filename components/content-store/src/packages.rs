//! Packages, the courses they are versions of, and where activities belong.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use hedgeschool_sql::{Row, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bindings::exports::hedgeschool::content::types::{
    Course, CourseSummary, Edition, Error, File, NewCourse, UnitPlace, Withdrawal,
};
use crate::database::DATABASE;
use crate::demand;

const FILES_MAX: usize = 20_000;
const PATH_BYTES_MAX: usize = 1_024;
const UNITS_MAX: usize = 5_000;
const COURSE_BYTES_MAX: usize = 4 << 20;
const PAGE_MAX: u32 = 1_000;
const ACTIVITIES_MAX: usize = 1_000;
/// Hexadecimal digits of a course's short name.
const KEY_DIGITS: usize = 16;

/// A file as the package's hash covers it and the trigger reads it.
#[derive(Serialize)]
struct HashedFile<'a> {
    path: &'a str,
    hash: &'a str,
    media_type: &'a str,
}

/// See `publish`.
pub async fn publish_package(course: NewCourse, mut files: Vec<File>) -> Result<Course, Error> {
    check_course(&course)?;
    check_files(&files)?;
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    let entries: Vec<_> = files.iter().map(hashed_file).collect();
    let course_json = serde_json::to_string(&course)?;
    if course_json.len() > COURSE_BYTES_MAX {
        return Err(Error::TooLarge(format!("at most {COURSE_BYTES_MAX} bytes of course JSON")));
    }
    let files_json = serde_json::to_string(&entries)?;
    check_blobs(&files_json).await?;
    let package = package_hash(&course_json, &files_json);
    let key = course_key(&course.id);
    make_current(&package, course_json, files_json, now_us(), None).await?;
    Ok(with_identity(course, key, package))
}

/// Makes a package visible, as its course's current version since `stamp`.
async fn make_current(
    package: &str,
    course_json: String,
    files_json: String,
    stamp: i64,
    peer: Option<String>,
) -> Result<(), Error> {
    let course: NewCourse = serde_json::from_str(&course_json)?;
    let parameters = [
        Value::from(package),
        Value::Text(course_key(&course.id)),
        Value::Text(course_json),
        Value::Text(files_json),
        Value::Integer(stamp),
        peer.map_or(Value::Null, Value::Text),
    ];
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us, peer)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    Ok(DATABASE.execute(sql, &parameters).await?)
}

/// Makes a package that another node announced visible. Its blobs are all here.
pub async fn publish_announced(
    package: &str,
    course_json: String,
    files: &[File],
    stamp: i64,
    peer: String,
) -> Result<(), Error> {
    check_files(files)?;
    let entries: Vec<_> = files.iter().map(hashed_file).collect();
    let files_json = serde_json::to_string(&entries)?;
    if package_hash(&course_json, &files_json) != package {
        return Err(Error::Invalid(format!("package {package} is not what its name says")));
    }
    make_current(package, course_json, files_json, stamp, Some(peer)).await
}

/// Makes a package that is here the current version of its course, from now on.
pub async fn republish(package: &str) -> Result<(), Error> {
    let sql = "SELECT package.course, (
          SELECT json_group_array(json_object(
            'path', path, 'hash', blob.hash, 'media_type', media_type))
          FROM file JOIN blob ON blob.id = file.blob WHERE file.package = package.id)
        FROM package WHERE package.hash = ?1";
    let row = DATABASE.query_one(sql, &[Value::from(package)]).await?;
    let mut row = row.ok_or_else(|| Error::Invalid(format!("package {package} is not here")))?;
    make_current(package, row.take()?, row.take()?, now_us(), None).await
}

/// Microseconds since 1970.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_micros().try_into().unwrap_or(i64::MAX)
}

fn hashed_file(file: &File) -> HashedFile<'_> {
    HashedFile { path: &file.path, hash: &file.hash, media_type: &file.media_type }
}

/// The name of a package: a change to the course's description, or to any file, gives another one.
fn package_hash(course: &str, files: &str) -> String {
    let hash = Sha256::new().chain_update("hedgeschool package v1\n");
    format!("{:x}", hash.chain_update(course).chain_update("\n").chain_update(files).finalize())
}

fn course_key(course: &str) -> String {
    let mut key = format!("{:x}", Sha256::digest(course));
    key.truncate(KEY_DIGITS);
    key
}

fn check_course(course: &NewCourse) -> Result<(), Error> {
    if course.id.is_empty() || course.title.is_empty() {
        return Err(Error::Invalid("a course has an id and a title".into()));
    }
    if course.units.len() > UNITS_MAX {
        return Err(Error::TooLarge(format!("at most {UNITS_MAX} units")));
    }
    let blocks = course.blocks.as_deref().unwrap_or_default();
    let parents = blocks.iter().enumerate().map(|(position, block)| (block.parent, position));
    let parents = parents.chain(course.units.iter().map(|unit| (unit.block, blocks.len())));
    for (parent, below) in parents {
        if parent.is_some_and(|parent| parent as usize >= below) {
            return Err(Error::Invalid("a block stands before what is in it".into()));
        }
    }
    Ok(())
}

fn check_files(files: &[File]) -> Result<(), Error> {
    if files.len() > FILES_MAX {
        return Err(Error::TooLarge(format!("at most {FILES_MAX} files")));
    }
    let mut paths = HashSet::with_capacity(files.len());
    for file in files {
        if file.path.len() > PATH_BYTES_MAX {
            return Err(Error::TooLarge(format!("a path has at most {PATH_BYTES_MAX} bytes")));
        }
        if file.path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(Error::Invalid(format!("{:?} is no path inside a package", file.path)));
        }
        if !paths.insert(file.path.as_str()) {
            return Err(Error::Invalid(format!("{:?} is there twice", file.path)));
        }
    }
    Ok(())
}

/// Names a blob that is missing. Nothing deletes blobs, so what is here stays; and the table
/// refuses a file without a blob all the same.
async fn check_blobs(files: &str) -> Result<(), Error> {
    let sql = "SELECT file.value ->> 'hash' FROM json_each(?1) AS file
        WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.hash = file.value ->> 'hash')
        LIMIT 1";
    match DATABASE.query_one(sql, &[Value::Text(files.to_owned())]).await? {
        Some(mut row) => Err(Error::MissingBlob(row.take()?)),
        None => Ok(()),
    }
}

fn with_identity(course: NewCourse, key: String, package: String) -> Course {
    let NewCourse { id, title, description, units, blocks, is_public, withdrawn } = course;
    Course { id, key, package, title, description, units, blocks, is_public, withdrawn }
}

/// See `courses`.
pub async fn list_courses(after: Option<String>, limit: u32) -> Result<Vec<CourseSummary>, Error> {
    let sql = "SELECT course.iri, course.key, package.hash, course.title, course.description,
        course.units, coalesce(package.course ->> 'withdrawn', '') AS withdrawn
        FROM course JOIN package ON package.id = course.package
        WHERE withdrawn <> 'Removed' AND (?1 IS NULL
          OR (course.title, course.iri) > (SELECT title, iri FROM course WHERE iri = ?1))
        ORDER BY course.title, course.iri
        LIMIT ?2";
    let after = after.map_or(Value::Null, Value::Text);
    let limit = Value::Integer(limit.clamp(1, PAGE_MAX).into());
    let rows = DATABASE.query(sql, &[after, limit]).await?;
    rows.into_iter().map(read_summary).collect()
}

fn read_summary(mut row: Row) -> Result<CourseSummary, Error> {
    Ok(CourseSummary {
        id: row.take()?,
        key: row.take()?,
        package: row.take()?,
        title: row.take()?,
        description: row.take()?,
        units: row.take::<u64>()?.try_into().unwrap_or(u32::MAX),
        withdrawn: (row.take::<String>()? == "Retired").then_some(Withdrawal::Retired),
    })
}

/// The course whose column `iri` or `key` has this value.
pub async fn find_course(column: &'static str, value: String) -> Result<Option<Course>, Error> {
    let sql = format!(
        "SELECT course.key, package.hash, package.course
        FROM course JOIN package ON package.id = course.package
        WHERE course.{column} = ?1"
    );
    query_course(&sql, value).await
}

/// See `find-version`.
pub async fn find_version(package: String) -> Result<Option<Course>, Error> {
    let sql = "SELECT course.key, package.hash, package.course
        FROM package JOIN course ON course.iri = package.course ->> 'id'
        WHERE package.hash = ?1 AND package.away IS NULL";
    query_course(sql, package).await
}

/// The course of the row that a query finds, unless it was removed.
async fn query_course(sql: &str, value: String) -> Result<Option<Course>, Error> {
    let Some(mut row) = DATABASE.query_one(sql, &[Value::Text(value)]).await? else {
        return Ok(None);
    };
    let (key, package, course): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    let course: NewCourse = serde_json::from_str(&course)?;
    let is_there = course.withdrawn != Some(Withdrawal::Removed);
    Ok(is_there.then(|| with_identity(course, key, package)))
}

/// See `find-units`.
pub async fn find_units(activities: &[String]) -> Result<Vec<UnitPlace>, Error> {
    if activities.len() > ACTIVITIES_MAX {
        return Err(Error::TooLarge(format!("at most {ACTIVITIES_MAX} activities")));
    }
    let sql = "SELECT unit.activity, unit.title, course.key, course.title
        FROM json_each(?1) AS wanted
        JOIN unit ON unit.activity = wanted.value
        JOIN course ON course.id = unit.course";
    let wanted = Value::Text(serde_json::to_string(activities)?);
    let rows = DATABASE.query(sql, &[wanted]).await?;
    rows.into_iter().map(read_unit_place).collect()
}

fn read_unit_place(mut row: Row) -> Result<UnitPlace, Error> {
    Ok(UnitPlace {
        activity: row.take()?,
        title: row.take()?,
        course_key: row.take()?,
        course_title: row.take()?,
    })
}

/// See `find-edition`.
pub async fn find_edition(package: &str) -> Result<Option<Edition>, Error> {
    // What the current version says of all: an earlier one is no longer public because it was.
    let sql = "SELECT package.course ->> 'id', coalesce(current.course ->> 'is_public', 0)
        FROM package
        LEFT JOIN course ON course.iri = package.course ->> 'id'
        LEFT JOIN package AS current ON current.id = course.package
        WHERE package.hash = ?1";
    let Some(mut row) = DATABASE.query_one(sql, &[Value::from(package)]).await? else {
        return Ok(None);
    };
    let (id, is_public): (String, bool) = (row.take()?, row.take()?);
    Ok(Some(Edition { key: course_key(&id), id, is_public }))
}

/// See `find-library`.
pub async fn find_library(folder: &str) -> Result<Vec<File>, Error> {
    let sql = "SELECT path, blob.hash, blob.size, media_type
        FROM file JOIN blob ON blob.id = file.blob
        WHERE file.package = (
            SELECT package FROM file
            WHERE path = ?1 || '/library.json' AND path GLOB '*/library.json'
            ORDER BY package DESC LIMIT 1)
          AND path >= ?1 || '/' AND path < ?1 || '0'";
    let rows = DATABASE.query(sql, &[Value::from(folder)]).await?;
    rows.into_iter().map(read_file).collect()
}

/// A file of path, hash, size and media type.
pub fn read_file(mut row: Row) -> Result<File, Error> {
    let (path, hash, size) = (row.take()?, row.take()?, row.take()?);
    Ok(File { path, hash, size, media_type: row.take()? })
}

/// See `find-file`.
pub async fn find_file(package: String, path: String) -> Result<Option<File>, Error> {
    let sql = "SELECT blob.hash, blob.size, file.media_type, package.id,
          package.used_s < unixepoch() - ?3
        FROM package
        JOIN file ON file.package = package.id
        JOIN blob ON blob.id = file.blob
        WHERE package.hash = ?1 AND file.path = ?2";
    let unnoticed = Value::Integer(demand::UNNOTICED_S);
    let parameters = [Value::Text(package.clone()), Value::Text(path.clone()), unnoticed];
    let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else {
        return if demand::want_if_away(&package, &path).await? {
            Err(Error::Away)
        } else {
            Ok(None)
        };
    };
    let file = File { path, hash: row.take()?, size: row.take()?, media_type: row.take()? };
    let (package, is_news): (u64, bool) = (row.take()?, row.take()?);
    if is_news {
        demand::note_use(package).await;
    }
    Ok(Some(file))
}

#[cfg(test)]
#[path = "packages_tests.rs"]
mod tests;
