//! Libraries that a package needs and does not have, lent by packages that are here (H5P).

use std::collections::BTreeSet;

use hedgeschool_h5p::{libraries_missing, needed_libraries};
use hedgeschool_web::Problem;

use super::refusal::package_problem;
use crate::store::{self, File};

/// Most libraries that are lent to one package.
const LENT_MAX: usize = 200;
/// Largest description of a library, in bytes.
const DESCRIPTION_BYTES_MAX: u32 = 1 << 20;

/// The files of these libraries and of those that they need; not of those that the package has.
pub async fn lend_libraries(
    lacks: &[String],
    has: impl Fn(&str) -> bool,
) -> Result<Vec<File>, Problem> {
    let (mut lent, mut known, mut nowhere) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut left = lacks.to_vec();
    while let Some(library) = left.pop() {
        let path = format!("{library}/library.json");
        if has(&path) || !known.insert(library.clone()) {
            continue;
        }
        if known.len() > LENT_MAX {
            return Err(Problem::too_large(format!("it needs more than {LENT_MAX} libraries")));
        }
        let files = store::find_library(library.clone()).await?;
        let Some(description) = files.iter().find(|file| file.path == path) else {
            nowhere.push(library);
            continue;
        };
        let bytes = store::read_blob(description.hash.clone(), 0, DESCRIPTION_BYTES_MAX).await?;
        let text = String::from_utf8(bytes.unwrap_or_default()).map_err(Problem::internal)?;
        left.extend(needed_libraries(&text).map_err(package_problem)?);
        lent.extend(files);
    }
    if nowhere.is_empty() { Ok(lent) } else { Err(package_problem(libraries_missing(&nowhere))) }
}
