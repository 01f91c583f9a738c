//! Password hashes: Argon2id in PHC string format (RFC 9106, second recommended option scaled to a
//! box without memory to spare: 19 MiB, two passes, one lane).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// Longest password accepted, in bytes; hashing costs time in proportion.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Shortest password accepted, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why a password was not hashed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`PASSWORD_CHARACTERS_MIN`] characters.
    #[error("a password has at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    /// More than [`PASSWORD_BYTES_MAX`] bytes.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The hash function refused its parameters.
    #[error("hashing failed: {0}")]
    Hash(String),
}

/// Hashes a password under a fresh random salt.
///
/// # Errors
/// [`PasswordError::TooShort`] or [`PasswordError::TooLong`] for a password that nobody may have;
/// [`PasswordError::Hash`] if Argon2 refuses, which its fixed parameters give it no reason to.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String, PasswordError> {
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let failed = |error: argon2::password_hash::Error| PasswordError::Hash(error.to_string());
    let salt = SaltString::encode_b64(salt).map_err(failed)?;
    let hash = new_hasher()?.hash_password(password.as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed. A text that is no hash matches nothing.
pub fn verify_password(password: &str, hash: &str) -> bool {
    let (Ok(hash), Ok(hasher)) = (PasswordHash::new(hash), new_hasher()) else { return false };
    password.len() <= PASSWORD_BYTES_MAX
        && hasher.verify_password(password.as_bytes(), &hash).is_ok()
}

fn new_hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = hash_password("correct horse", &[7; 16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password("correct horse", &hash));
        assert!(!verify_password("correct house", &hash));
        assert!(!verify_password("correct horse", "not a hash"));
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(hash_password("short", &[0; 16]), Err(PasswordError::TooShort));
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert_eq!(hash_password(&long, &[0; 16]), Err(PasswordError::TooLong));
    }
}
