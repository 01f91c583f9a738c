use hedgeschool_replication::{Version, Winner, hlc, merge};

use crate::error::Error;

/// Something of which the last version stands.
pub trait Versioned: Clone {
    /// Which version it is.
    fn version(&self) -> Version;

    /// The same, as another version.
    #[must_use]
    fn with_version(self, version: Version) -> Self;

    /// Whether two versions differ in nothing but who made them: then there is nothing to settle.
    fn says_the_same(&self, other: &Self) -> bool;
}

/// What two versions become.
pub struct Merged<T> {
    /// What stands from now on. It knows of both.
    pub stands: T,
    /// What lost, if that is not because somebody changed it knowingly.
    pub lost: Option<T>,
    /// It is none of the two as they were, but knows more than each: both nodes that made them are
    /// to hear of it.
    pub is_made: bool,
}

/// Merges an arriving version with the one that is here. None: nothing changes.
pub fn merged<T: Versioned>(here: &T, arriving: &T) -> Option<Merged<T>> {
    let merge = merge(&here.version(), &arriving.version());
    if merge.version == here.version() {
        return None;
    }
    let (stands, loses) = match merge.winner {
        Winner::Here => (here, arriving),
        Winner::Arriving => (arriving, here),
    };
    let is_lost = merge.is_conflict && !loses.says_the_same(stands);
    let is_made = merge.version != arriving.version();
    let stands = stands.clone().with_version(merge.version);
    Some(Merged { stands, lost: is_lost.then(|| loses.clone()), is_made })
}

/// Refuses versions of which the names of writers could not be parts of JSON paths, and such that
/// nothing could follow. Not those from the future: clocks are wrong, and what a node above or
/// below has taken must be taken everywhere.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_version(version: &Version) -> Result<(), Error> {
    let is_epoch = |name: &String| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_hexdigit())
    };
    if !version.seen.0.keys().chain([&version.writer]).all(is_epoch) {
        let rule = "writers of versions are named by epochs, which are hexadecimal";
        return Err(Error::Invalid(rule.into()));
    }
    if !version.seen.0.values().chain([&version.stamp]).copied().all(hlc::is_possible) {
        let rule = format!("stamps are microseconds since 1970, at most {}", hlc::STAMP_MAX);
        return Err(Error::Invalid(rule));
    }
    Ok(())
}
