//! JSON web signatures in compact serialization (RFC 7515, 7.1).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::spki;
use rsa::sha2::{Digest, Sha256, Sha384, Sha512};
use rsa::signature::Verifier;
use rsa::traits::PublicKeyParts;
use serde_json::Value;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::referenced::OwnedToRef;

use crate::json::Json;

/// Largest RSA key a signature is verified with, in bits.
pub const KEY_BITS_MAX: usize = 4_096;

const CERTIFICATE: &str = "must be a JWS whose first x5c certificate is X.509 in DER, with an RSA \
    key of 1024 bits or more";

/// A signature that is well-formed.
#[derive(Debug)]
pub struct Jws<'a> {
    /// What was signed.
    payload: Vec<u8>,
    /// Header and payload in base64: the bytes that were signed.
    input: &'a str,
    algorithm: Algorithm,
    /// DER of the first certificate of `x5c` (4.1.6).
    certificate: Option<Vec<u8>>,
    signature: Vec<u8>,
}

/// The algorithms xAPI allows (RFC 7518, 3.3).
#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
}

impl<'a> Jws<'a> {
    /// Reads a signature.
    ///
    /// # Errors
    /// A rule about the attachment.
    pub fn read(data: &'a [u8]) -> Result<Self, String> {
        let form = "must be a JWS: three texts in base64url with dots between them";
        let text = std::str::from_utf8(data).map_err(|_| form)?;
        let (input, signature) = text.rsplit_once('.').ok_or(form)?;
        let (header, payload) = input.split_once('.').ok_or(form)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| form);
        let signature = decode(signature)?;
        let header = json_object(&decode(header)?).ok_or("must be a JWS whose header is JSON")?;
        let payload = decode(payload)?;
        if signature.is_empty() {
            return Err("must be a JWS with a signature".to_owned());
        }
        if header.get("crit").is_some() {
            return Err("must be a JWS without extensions that are critical".to_owned());
        }
        let (algorithm, certificate) = (algorithm(&header)?, certificate(&header)?);
        Ok(Self { payload, input, algorithm, certificate, signature })
    }

    /// The object that was signed.
    ///
    /// # Errors
    /// A rule about the attachment.
    pub fn payload(&self) -> Result<Json<'_>, String> {
        let rule = "must be a JWS whose payload is a statement in JSON";
        let text = std::str::from_utf8(&self.payload).map_err(|_| rule)?;
        match Json::parse(text) {
            Ok(json) if json.as_object().is_some() => Ok(json),
            Ok(_) => Err(rule.to_owned()),
            Err(error) => Err(format!("{rule}: {error}")),
        }
    }

    /// Verifies the signature with the certificate, if there is one.
    ///
    /// # Errors
    /// A rule about the attachment.
    pub fn verify(&self) -> Result<(), String> {
        let Some(der) = &self.certificate else { return Ok(()) };
        let certificate = Certificate::from_der(der).map_err(|_| CERTIFICATE)?;
        let key = certificate.tbs_certificate().subject_public_key_info().owned_to_ref();
        match self.algorithm {
            Algorithm::Rs256 => self.verify_with(VerifyingKey::<Sha256>::try_from(key)),
            Algorithm::Rs384 => self.verify_with(VerifyingKey::<Sha384>::try_from(key)),
            Algorithm::Rs512 => self.verify_with(VerifyingKey::<Sha512>::try_from(key)),
        }
    }

    fn verify_with<D: Digest>(&self, key: spki::Result<VerifyingKey<D>>) -> Result<(), String> {
        let key = key.map_err(|_| CERTIFICATE)?;
        if key.as_ref().size() > KEY_BITS_MAX / 8 {
            return Err(format!("must be a JWS by an RSA key of at most {KEY_BITS_MAX} bits"));
        }
        let signature = Signature::try_from(self.signature.as_slice());
        let verified =
            signature.and_then(|signature| key.verify(self.input.as_bytes(), &signature));
        verified.map_err(|_| "must be a JWS that its first x5c certificate verifies".to_owned())
    }
}

fn json_object(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok().filter(Value::is_object)
}

fn algorithm(header: &Value) -> Result<Algorithm, String> {
    match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(Algorithm::Rs256),
        Some("RS384") => Ok(Algorithm::Rs384),
        Some("RS512") => Ok(Algorithm::Rs512),
        _ => Err("must be a JWS by RS256, RS384 or RS512".to_owned()),
    }
}

/// The certificate of the key: the first of the chain, in base64 of the usual alphabet (RFC 7515,
/// 4.1.6).
fn certificate(header: &Value) -> Result<Option<Vec<u8>>, String> {
    let Some(chain) = header.get("x5c") else { return Ok(None) };
    let first = chain.get(0).and_then(Value::as_str);
    let der = first.and_then(|text| STANDARD.decode(text).ok());
    der.map(Some).ok_or_else(|| "must be a JWS whose x5c lists certificates in base64".to_owned())
}
