//! What names may look like, as this store refuses others.

use hedgeschool_credentials::{LABEL_CHARACTERS_MAX, NAME_BYTES_MAX, is_label, is_name};

use crate::bindings::types::Error;

/// Checks what someone or something is known by.
///
/// # Errors
/// [`Error::Invalid`], naming the field and the rule.
pub fn check_name(field: &str, name: &str) -> Result<(), Error> {
    if is_name(name) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{field} must be 1 to {NAME_BYTES_MAX} of a-z 0-9 . _ -")))
}

/// Checks what pages and lists show: a terminal must not be given commands by it.
///
/// # Errors
/// [`Error::Invalid`], naming the field and the rule.
pub fn check_label(field: &str, label: &str) -> Result<(), Error> {
    if is_label(label) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "{field} must have 1 to {LABEL_CHARACTERS_MAX} characters, none of them a line break or \
         control"
    )))
}
