//! Taking courses back, and forgetting packages that are of no use any more.

use hedgeschool_journal::{Error as JournalError, integer};
use hedgeschool_sql::Value;

use crate::bindings::exports::hedgeschool::content::types::{
    Course, Error, File, NewCourse, Withdrawal,
};
use crate::database::DATABASE;
use crate::packages;
use crate::reclaim::reclaim_space;

/// How long after its last use a package is kept that is no course's current version, in days: the
/// addresses that learners have of its files last as long.
const KEPT_DAYS: u64 = 62;
/// Most packages that one call forgets.
const DISCARDED_MAX: usize = 20;

/// See `withdraw`.
pub async fn withdraw_course(id: String, how: Option<Withdrawal>) -> Result<Option<Course>, Error> {
    let sql = "SELECT package.id, package.course, package.away IS NOT NULL
        FROM course JOIN package ON package.id = course.package WHERE course.iri = ?1";
    let Some(mut row) = DATABASE.query_one(sql, &[Value::Text(id)]).await? else {
        return Ok(None);
    };
    let (package, course, is_away): (u64, String, bool) = (row.take()?, row.take()?, row.take()?);
    let course: NewCourse = serde_json::from_str(&course)?;
    match next_step(course.withdrawn, how, is_away) {
        WithdrawalStep::Remove => {
            let gone = NewCourse { withdrawn: how, units: Vec::new(), blocks: None, ..course };
            let gone = packages::publish_package(gone, Vec::new()).await?;
            discard_superseded().await?;
            Ok(Some(gone))
        }
        WithdrawalStep::Republish => {
            let course = NewCourse { withdrawn: how, ..course };
            packages::publish_package(course, list_files(package).await?).await.map(Some)
        }
        WithdrawalStep::NoCourse => Ok(None),
        WithdrawalStep::FilesAway => Err(Error::Away),
    }
}

/// What is done to take a course back, or to offer it again.
#[derive(Debug, PartialEq, Eq)]
enum WithdrawalStep {
    /// It is published without its units and files.
    Remove,
    /// It is published with another word on whether it is offered.
    Republish,
    /// Nothing: it was removed, and comes back by being published only.
    NoCourse,
    /// Nothing: its files were given up, and would be missing in the new version.
    FilesAway,
}

/// What is done with a course that was taken back as it is now, or not, so that it is as it is to
/// be.
fn next_step(now: Option<Withdrawal>, then: Option<Withdrawal>, is_away: bool) -> WithdrawalStep {
    match (now, then) {
        (_, Some(Withdrawal::Removed)) => WithdrawalStep::Remove,
        (Some(Withdrawal::Removed), _) => WithdrawalStep::NoCourse,
        _ if is_away => WithdrawalStep::FilesAway,
        _ => WithdrawalStep::Republish,
    }
}

/// The files of a package.
async fn list_files(package: u64) -> Result<Vec<File>, Error> {
    let sql = "SELECT path, blob.hash, blob.size, media_type
        FROM file JOIN blob ON blob.id = file.blob WHERE file.package = ?1 ORDER BY path";
    let rows = DATABASE.query(sql, &[integer(package)]).await?;
    rows.into_iter().map(packages::read_file).collect()
}

/// Forgets packages of courses that were removed, and earlier versions that nobody has used for
/// long.
pub async fn discard_superseded() -> Result<(), JournalError> {
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
    reclaim_space().await
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETIRED: Option<Withdrawal> = Some(Withdrawal::Retired);
    const REMOVED: Option<Withdrawal> = Some(Withdrawal::Removed);

    #[test]
    fn a_course_is_retired_and_offered_again() {
        for (now, then) in [(None, RETIRED), (RETIRED, None), (None, None), (RETIRED, RETIRED)] {
            assert_eq!(next_step(now, then, false), WithdrawalStep::Republish);
            assert_eq!(next_step(now, then, true), WithdrawalStep::FilesAway);
        }
    }

    #[test]
    fn what_was_removed_does_not_come_back_by_being_offered() {
        for is_away in [false, true] {
            for now in [None, RETIRED, REMOVED] {
                assert_eq!(next_step(now, REMOVED, is_away), WithdrawalStep::Remove, "{now:?}");
            }
            for then in [None, RETIRED] {
                assert_eq!(next_step(REMOVED, then, is_away), WithdrawalStep::NoCourse, "{then:?}");
            }
        }
    }
}
