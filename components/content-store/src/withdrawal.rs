//! Taking courses back, and forgetting packages that are of no use any more.

use hedgeschool_journal::{Error as JournalError, integer};
use hedgeschool_sql::Value;

use crate::bindings::exports::hedgeschool::content::types::{
    Course, Error, File, NewCourse, Withdrawal,
};
use crate::{DATABASE, packages, room};

/// How long after its last use a package is kept that is no course's current version, in days: the
/// addresses that learners have of its files last as long.
const KEPT_DAYS: u64 = 62;
/// Most packages that one call forgets.
const DISCARDED_MAX: usize = 20;

/// See `withdraw`.
pub async fn withdraw(id: String, how: Option<Withdrawal>) -> Result<Option<Course>, Error> {
    let sql = "SELECT package.id, package.course, package.away IS NOT NULL
        FROM course JOIN package ON package.id = course.package WHERE course.iri = ?1";
    let Some(mut row) = DATABASE.query_one(sql, &[Value::Text(id)]).await? else {
        return Ok(None);
    };
    let (package, course, is_away): (u64, String, bool) = (row.take()?, row.take()?, row.take()?);
    let course: NewCourse = serde_json::from_str(&course)?;
    let is_removed = course.withdrawn == Some(Withdrawal::Removed);
    match how {
        Some(Withdrawal::Removed) => {
            let gone = NewCourse { withdrawn: how, units: Vec::new(), blocks: None, ..course };
            let gone = packages::publish(gone, Vec::new()).await?;
            discard().await?;
            Ok(Some(gone))
        }
        _ if is_removed => Ok(None),
        // Its files would be missing in the new version.
        _ if is_away => Err(Error::Away),
        _ => {
            let course = NewCourse { withdrawn: how, ..course };
            packages::publish(course, files(package).await?).await.map(Some)
        }
    }
}

/// The files of a package.
async fn files(package: u64) -> Result<Vec<File>, Error> {
    let sql = "SELECT path, blob.hash, blob.size, media_type
        FROM file JOIN blob ON blob.id = file.blob WHERE file.package = ?1 ORDER BY path";
    let rows = DATABASE.query(sql, &[integer(package)]).await?;
    rows.into_iter().map(packages::file).collect()
}

/// Forgets packages of courses that were removed, and earlier versions that nobody has used for
/// long.
pub async fn discard() -> Result<(), JournalError> {
    let sql = "SELECT package FROM superseded
        WHERE is_removed OR used_s < unixepoch() - ?1 * 86400 LIMIT ?2";
    let limits = [integer(KEPT_DAYS), integer(DISCARDED_MAX as u64)];
    let rows = DATABASE.query(sql, &limits).await?;
    if rows.is_empty() {
        return Ok(());
    }
    for mut row in rows {
        let package: u64 = row.take()?;
        let sql = "INSERT INTO discarding (package) VALUES (?1)";
        DATABASE.execute(sql, &[integer(package)]).await?;
    }
    room::reclaim().await
}
