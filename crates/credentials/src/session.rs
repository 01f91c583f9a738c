//! Signed sessions: what a browser carries between sign-in and sign-out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Who signed in, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Sign-in name.
    pub name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Signs and checks sessions with HMAC-SHA-256.
pub struct SessionKey(Hmac<Sha256>);

impl SessionKey {
    /// A key from a secret of any length.
    pub fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// The session as `payload.signature`, both base64url.
    pub fn sign(&self, session: &Session) -> Result<String, serde_json::Error> {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(session)?);
        let signature = self.mac(&payload).finalize().into_bytes();
        Ok(format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The session of a text this key signed, unless it has ended.
    pub fn verify(&self, text: &str, now_ms: i64) -> Option<Session> {
        let (payload, signature) = text.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(payload).verify_slice(&signature).ok()?;
        let session: Session =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (session.expires_ms > now_ms).then_some(session)
    }

    fn mac(&self, payload: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        // Names what is signed, so that the secret's other uses can never be passed off as a
        // session.
        mac.update(b"hedgeschool session v1\n");
        mac.update(payload.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session() -> Session {
        Session { name: "ada".into(), expires_ms: 1_000 }
    }

    #[test]
    fn a_session_holds_until_it_ends_and_under_its_own_key() {
        let key = SessionKey::new("secret").unwrap();
        let text = key.sign(&session()).unwrap();
        assert_eq!(key.verify(&text, 999), Some(session()));
        assert_eq!(key.verify(&text, 1_000), None);
        assert_eq!(SessionKey::new("other").unwrap().verify(&text, 0), None);
    }

    proptest! {
        #[test]
        fn no_altered_session_passes(at in 0usize..60, to in "[A-Za-z0-9._-]") {
            let key = SessionKey::new("secret").unwrap();
            let signed = key.sign(&session()).unwrap();
            let mut altered = signed.clone();
            altered.replace_range(at..at + 1, &to);
            prop_assume!(altered != signed);
            prop_assert_eq!(key.verify(&altered, 0), None);
        }

        #[test]
        fn no_text_is_trouble(text in ".{0,200}") {
            prop_assert_eq!(SessionKey::new("secret").unwrap().verify(&text, 0), None);
        }
    }
}
