//! Random tokens, and the hashes under which stores know them.
//!
//! The secrets of xAPI clients, the bearers of launches and the keys a node makes for itself are
//! tokens. A password hash is slow so that guessing what a person chose takes long; 256 random
//! bits cannot be guessed at any speed, so one round of SHA-256 keeps them as well, and costs no
//! request its latency.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A random secret of 256 bits, written as 43 characters of base64url.
pub struct Token(String);

impl Token {
    /// A token from fresh random bytes.
    pub fn new(random: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// The token's text, to hand to its owner.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What a store keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// SHA-256 of a token, as hexadecimal.
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a token that someone presents.
    pub fn of(token: &str) -> Self {
        Self(format!("{:x}", Sha256::digest(token)))
    }

    /// Whether it is the hash that a store keeps, in a time that does not tell where they differ.
    pub fn is_stored_as(&self, stored: &str) -> bool {
        self.0.as_bytes().ct_eq(stored.as_bytes()).into()
    }

    /// The hash as 64 lower-case hexadecimal digits.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub fn are_equal(one: &str, other: &str) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash() {
        let token = Token::new(&[9; 32]);
        assert_eq!(token.text().len(), 43);
        assert_eq!(token.hash().into_text(), TokenHash::of(token.text()).into_text());
    }

    #[test]
    fn a_hash_is_matched_whole() {
        let token = Token::new(&[9; 32]);
        let stored = token.hash().into_text();
        assert!(TokenHash::of(token.text()).is_stored_as(&stored));
        assert!(!TokenHash::of(Token::new(&[8; 32]).text()).is_stored_as(&stored));
        assert!(!TokenHash::of(&stored).is_stored_as(&stored) && !token.hash().is_stored_as(""));
        assert!(!token.hash().is_stored_as(&stored[..63]));
    }

    #[test]
    fn equality_is_of_the_whole_text() {
        assert!(are_equal("abc", "abc"));
        assert!(!are_equal("abc", "abcd"));
    }
}
