//! What names may look like.

use crate::types::Error;

const NAME_MAX: usize = 64;
const LABEL_CHARACTERS_MAX: usize = 200;

/// Checks what someone or something is known by.
pub fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if (1..=NAME_MAX).contains(&name.len()) && name.chars().all(legal) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{field} must be 1 to {NAME_MAX} of a-z 0-9 . _ -")))
}

/// Checks what pages and lists show: a terminal must not be given commands by it.
pub fn check_label(field: &str, label: &str) -> Result<(), Error> {
    let has_length = (1..=LABEL_CHARACTERS_MAX).contains(&label.trim().chars().count());
    if has_length && !label.contains(char::is_control) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "{field} must have 1 to {LABEL_CHARACTERS_MAX} characters, none of them a line break or \
         control"
    )))
}
