//! What the node signs: sessions, which a browser carries between sign-in and sign-out, and grants
//! of files, which stand in the addresses of a course's files.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A grant of files holds from one to two of these, in milliseconds, and is the same text until
/// the next begins, so that browsers keep what they have under it.
const PERIOD_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Who signed in, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Sign-in name.
    pub name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
    /// A text by which the browser that signed in knows the session for its own. Empty: that
    /// browser runs no scripts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub browser: String,
}

/// Who may read the files of one package and keep what its pages store, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileGrant {
    /// Sign-in name.
    pub name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl FileGrant {
    /// The grant of somebody at a time.
    pub fn issued_at(name: &str, now_ms: i64) -> Self {
        let expires_ms = (now_ms.div_euclid(PERIOD_MS) + 2) * PERIOD_MS;
        Self { name: name.to_owned(), expires_ms }
    }
}

/// Signs and checks with HMAC-SHA-256.
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A key from a secret of any length.
    pub fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// The session as `payload.signature`, both base64url.
    ///
    /// # Errors
    /// If the session cannot be written as JSON.
    pub fn sign_session(&self, session: &Session) -> Result<String, serde_json::Error> {
        self.sign_as(SESSION, session)
    }

    /// The session of a text this key signed, unless it has ended.
    pub fn verify_session(&self, text: &str, now_ms: i64) -> Option<Session> {
        let session: Session = self.verify_as(SESSION, text)?;
        (session.expires_ms > now_ms).then_some(session)
    }

    /// A grant of a package's files, likewise. Without the package it says nothing.
    ///
    /// # Errors
    /// If the grant cannot be written as JSON.
    pub fn sign_grant(
        &self,
        grant: &FileGrant,
        package: &str,
    ) -> Result<String, serde_json::Error> {
        self.sign_as(&files_purpose(package), grant)
    }

    /// The grant of a text that this key signed for this package, unless it has ended.
    pub fn verify_grant(&self, text: &str, package: &str, now_ms: i64) -> Option<FileGrant> {
        let grant: FileGrant = self.verify_as(&files_purpose(package), text)?;
        (grant.expires_ms > now_ms).then_some(grant)
    }

    fn sign_as(&self, purpose: &str, value: &impl Serialize) -> Result<String, serde_json::Error> {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(value)?);
        let signature = self.mac_of(purpose, &payload).finalize().into_bytes();
        Ok(format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn verify_as<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        let (payload, signature) = text.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac_of(purpose, payload).verify_slice(&signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// Names what is signed, so that nothing signed for one use can be passed off for another.
    fn mac_of(&self, purpose: &str, payload: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(payload.as_bytes());
        mac
    }
}

const SESSION: &str = "hedgeschool session v1";

fn files_purpose(package: &str) -> String {
    format!("hedgeschool files v1 {package}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    fn key() -> SigningKey {
        SigningKey::new("secret").unwrap()
    }

    fn session() -> Session {
        Session { name: "ada".into(), expires_ms: 1_000, browser: "b".into() }
    }

    #[test]
    fn a_session_holds_until_it_ends_and_under_its_own_key() {
        let text = key().sign_session(&session()).unwrap();
        assert_eq!(key().verify_session(&text, 999), Some(session()));
        assert_eq!(key().verify_session(&text, 1_000), None);
        assert_eq!(SigningKey::new("other").unwrap().verify_session(&text, 0), None);
    }

    #[test]
    fn a_session_of_an_earlier_release_is_of_no_browser() {
        let text = key().sign_as(SESSION, &serde_json::json!({"name": "ada", "expires_ms": 9}));
        let session = key().verify_session(&text.unwrap(), 0).unwrap();
        assert_eq!((session.name.as_str(), session.browser.as_str()), ("ada", ""));
    }

    #[test]
    fn a_grant_is_of_one_package_and_is_no_session() {
        let grant = FileGrant::issued_at("ada", 0);
        let text = key().sign_grant(&grant, "p").unwrap();
        assert_eq!(key().verify_grant(&text, "p", 0), Some(grant.clone()));
        assert_eq!(key().verify_grant(&text, "q", 0), None);
        assert_eq!(key().verify_grant(&text, "p", grant.expires_ms), None);
        assert_eq!(key().verify_session(&text, 0), None);
        let session = key().sign_session(&session()).unwrap();
        assert_eq!(key().verify_grant(&session, "p", 0), None);
    }

    proptest! {
        #[test]
        fn a_grant_holds_for_a_month_at_least_and_two_at_most(now_ms in 0i64..1 << 42) {
            let lasts = FileGrant::issued_at("ada", now_ms).expires_ms - now_ms;
            prop_assert!(lasts > 30 * DAY_MS && lasts <= 60 * DAY_MS);
        }

        #[test]
        fn no_altered_session_passes(at in 0usize..60, to in "[A-Za-z0-9._-]") {
            let signed = key().sign_session(&session()).unwrap();
            let mut altered = signed.clone();
            altered.replace_range(at..at + 1, &to);
            prop_assume!(altered != signed);
            prop_assert_eq!(key().verify_session(&altered, 0), None);
        }

        #[test]
        fn no_text_is_trouble(text in ".{0,200}") {
            prop_assert_eq!(key().verify_session(&text, 0), None);
            prop_assert_eq!(key().verify_grant(&text, "p", 0), None);
        }
    }
}
