//! Signed statements, from the standard's text (part two, 2.6).
//!
//! Keys and certificates are made here, from seeds, when the tests run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::cell::Cell;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hedgeschool_xapi::signature::{
    self, KEY_BITS_MAX, SIGNATURE_BYTES_MAX, SIGNATURE_USAGE, SIGNATURES_MAX,
};
use hedgeschool_xapi::{Error, Json, Violation};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::{BoxedUint, PrivateKey, PublicKey};
use serde_json::{Value, json};
use x509_cert::builder::profile::cabf::Root;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::asn1::UtcTime;
use x509_cert::der::{Decode, Encode};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

struct Identity {
    key: PrivateKey,
    /// DER in base64, as `x5c` has it.
    certificate: String,
}

fn identity(seed: u64) -> Identity {
    let key = PrivateKey::new(&mut StdRng::seed_from_u64(seed), 1_024).unwrap();
    let certificate = certificate(&key.to_public_key(), &key);
    Identity { key, certificate }
}

fn certificate(public: &PublicKey, issuer: &PrivateKey) -> String {
    let public = public.to_public_key_der().unwrap();
    let public = SubjectPublicKeyInfoOwned::from_der(public.as_bytes()).unwrap();
    let day =
        |n: u64| Time::from(UtcTime::from_unix_duration(Duration::from_secs(n * 86_400)).unwrap());
    let profile = Root::new(false, Name::from_str("CN=Signer,O=Test,C=IE").unwrap()).unwrap();
    let validity = Validity::new(day(1), day(2));
    let builder =
        CertificateBuilder::new(profile, SerialNumber::from(1u32), validity, public).unwrap();
    let issuer = SigningKey::<Sha256>::new(issuer.clone());
    let certificate = builder.build::<_, rsa::pkcs1v15::Signature>(&issuer).unwrap();
    STANDARD.encode(certificate.to_der().unwrap())
}

static SIGNER: LazyLock<Identity> = LazyLock::new(|| identity(1));
static OTHER: LazyLock<Identity> = LazyLock::new(|| identity(2));

fn sign(key: &PrivateKey, algorithm: &str, input: &str) -> Vec<u8> {
    let (key, input) = (key.clone(), input.as_bytes());
    match algorithm {
        "RS384" => SigningKey::<Sha384>::new(key).sign(input).to_vec(),
        "RS512" => SigningKey::<Sha512>::new(key).sign(input).to_vec(),
        _ => SigningKey::<Sha256>::new(key).sign(input).to_vec(),
    }
}

/// A compact serialization of a header and a payload, signed.
fn jws(header: &Value, payload: &str) -> String {
    let algorithm = header["alg"].as_str().unwrap_or_default();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encode(&header.to_string()), encode(payload));
    let signature = sign(&SIGNER.key, algorithm, &input);
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn with_certificate(algorithm: &str) -> Value {
    json!({"alg": algorithm, "x5c": [SIGNER.certificate, OTHER.certificate]})
}

fn unsigned() -> Value {
    json!({
        "id": "9d3a2f0e-1111-4222-8333-444455556666",
        "actor": {"mbox": "mailto:ada@example.org", "name": "Ada"},
        "verb": {"id": "https://example.org/did", "display": {"en": "did"}},
        "object": {"id": "https://example.org/a"},
        "timestamp": "2026-01-01T12:00:00Z",
    })
}

/// Where tests keep the data of an attachment: its hash is not looked at here.
const HASH: &str = "abcd";

fn signature_attachment() -> Value {
    json!({"usageType": SIGNATURE_USAGE, "display": {"en": "Signature"}, "length": 1,
        "contentType": "application/octet-stream", "sha2": "ABCD"})
}

fn signed(mut statement: Value) -> Value {
    statement["attachments"] = json!([signature_attachment()]);
    statement
}

fn check_signatures<'s, 'd>(
    statements: impl IntoIterator<Item = &'s Value>,
    data: &dyn Fn(&str) -> Option<&'d [u8]>,
) -> Result<(), Error> {
    let statements: Vec<Json> = statements.into_iter().map(Json::from).collect();
    signature::check_signatures(&statements, data)
}

fn check(statement: &Value, data: &[u8]) -> Result<(), Violation> {
    of_one(check_signatures([statement], &|hash| (hash == HASH).then_some(data)))
}

fn of_one(checked: Result<(), Error>) -> Result<(), Violation> {
    checked.map_err(|error| match error {
        Error::Invalid { index: 0, violation } => violation,
        other => panic!("{other}"),
    })
}

/// The rule that a signature of the plain statement breaks.
fn broken(data: &[u8]) -> String {
    let violation = check(&signed(unsigned()), data).unwrap_err();
    assert_eq!((violation.path.as_str(), violation.section), ("attachments[0]", "2.6"));
    violation.rule
}

#[test]
fn the_three_algorithms_verify() {
    for algorithm in ["RS256", "RS384", "RS512"] {
        let jws = jws(&with_certificate(algorithm), &unsigned().to_string());
        assert_eq!(check(&signed(unsigned()), jws.as_bytes()), Ok(()), "{algorithm}");
    }
}

#[test]
fn without_a_certificate_the_form_is_all_there_is_to_check() {
    let jws = jws(&json!({"alg": "RS256"}), &unsigned().to_string());
    assert_eq!(check(&signed(unsigned()), jws.as_bytes()), Ok(()));
    let (input, _) = jws.rsplit_once('.').unwrap();
    assert_eq!(check(&signed(unsigned()), format!("{input}.AAAA").as_bytes()), Ok(()));
}

#[test]
fn a_statement_without_signatures_is_fine() {
    assert_eq!(check(&unsigned(), b""), Ok(()));
    let mut other = signed(unsigned());
    other["attachments"][0]["usageType"] = json!("https://example.org/other");
    assert_eq!(check(&other, b"not a JWS"), Ok(()));
}

#[test]
fn other_algorithms_are_refused() {
    for algorithm in
        [json!("HS256"), json!("none"), json!("ES256"), json!("rs256"), json!(1), json!(null)]
    {
        let jws = jws(&json!({"alg": algorithm}), &unsigned().to_string());
        assert!(broken(jws.as_bytes()).contains("RS256, RS384 or RS512"), "{algorithm}");
    }
}

#[test]
fn what_is_no_jws_is_refused() {
    let good = jws(&json!({"alg": "RS256"}), &unsigned().to_string());
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let cases = [
        String::new(),
        "a.b".to_owned(),
        input.to_owned(),
        format!("{input}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good}\n"),
        format!("{header}.{header}!.{signature}"),
        format!("{payload}.{payload}.{signature}"),
        json!({"payload": payload, "signatures": []}).to_string(),
    ];
    for case in cases {
        assert!(broken(case.as_bytes()).contains("must be a JWS"), "{case}");
    }
    assert!(broken(&[0xff, 0xfe]).contains("must be a JWS"));
}

#[test]
fn the_payload_is_a_statement_in_json() {
    for payload in ["", "text", "[]", "{'id': 1}", "null"] {
        let jws = jws(&json!({"alg": "RS256"}), payload);
        assert!(broken(jws.as_bytes()).contains("payload"), "{payload}");
    }
    let twice = jws(&json!({"alg": "RS256"}), r#"{"id":1,"id":2}"#);
    assert!(broken(twice.as_bytes()).contains("\"id\" twice"));
}

#[test]
fn critical_extensions_are_not_understood() {
    let header = json!({"alg": "RS256", "crit": ["b64"], "b64": false});
    assert!(broken(jws(&header, &unsigned().to_string()).as_bytes()).contains("critical"));
}

#[test]
fn the_payload_is_this_statement() {
    let changes = [
        ("/actor/name", json!("Eve")),
        ("/verb/id", json!("https://example.org/failed")),
        ("/object/id", json!("https://example.org/b")),
        ("/id", json!("9d3a2f0e-1111-4222-8333-444455556667")),
        ("/timestamp", json!("2026-01-01T12:00:01Z")),
        ("/actor", json!({"mbox": "mailto:eve@example.org"})),
    ];
    for (pointer, value) in changes {
        let mut payload = unsigned();
        *payload.pointer_mut(pointer).unwrap() = value;
        let jws = jws(&with_certificate("RS256"), &payload.to_string());
        assert!(broken(jws.as_bytes()).contains("this statement"), "{pointer}");
    }
}

#[test]
fn what_does_not_change_a_statement_may_differ() {
    let text = unsigned().to_string();
    let mut without_id = unsigned();
    without_id.as_object_mut().unwrap().remove("id");
    without_id.as_object_mut().unwrap().remove("timestamp");
    let mut stored = unsigned();
    stored["stored"] = json!("2026-01-01T12:00:00Z");
    stored["version"] = json!("1.0.0");
    stored["authority"] = json!({"mbox": "mailto:lrs@example.org"});
    let mut empty = unsigned();
    empty["attachments"] = json!([]);
    let payloads = [
        text.replace("\":", "\" :\r\n"),
        text.replace("12:00:00Z", "13:00:00.000+01:00"),
        text.replace("9d3a2f0e", "9D3A2F0E"),
        text.replace("\"did\"", "\"has done\""),
        without_id.to_string(),
        stored.to_string(),
        empty.to_string(),
        // A signature signs the others, or not.
        signed(unsigned()).to_string(),
    ];
    for payload in payloads {
        let jws = jws(&with_certificate("RS256"), &payload);
        assert_eq!(check(&signed(unsigned()), jws.as_bytes()), Ok(()), "{payload}");
    }
}

#[test]
fn other_attachments_are_signed() {
    let image = json!({"usageType": "https://example.org/image", "display": {"en": "x"},
        "contentType": "image/png", "length": 1, "sha2": "ef"});
    let mut payload = unsigned();
    payload["attachments"] = json!([image]);
    let jws = jws(&with_certificate("RS256"), &payload.to_string());
    let mut statement = unsigned();
    statement["attachments"] = json!([image, signature_attachment()]);
    assert_eq!(check(&statement, jws.as_bytes()), Ok(()));
    statement["attachments"][0]["sha2"] = json!("00");
    assert_eq!(check(&statement, jws.as_bytes()).unwrap_err().path, "attachments[1]");
}

#[test]
fn a_signature_that_does_not_verify_is_refused() {
    let payload = unsigned().to_string();
    let other_key = json!({"alg": "RS256", "x5c": [OTHER.certificate]});
    assert!(broken(jws(&other_key, &payload).as_bytes()).contains("verifies"));
    let good = jws(&with_certificate("RS256"), &payload);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[100] ^= 1;
    let changed = format!("{input}.{}", URL_SAFE_NO_PAD.encode(&bytes));
    assert!(broken(changed.as_bytes()).contains("verifies"));
    bytes.pop();
    let short = format!("{input}.{}", URL_SAFE_NO_PAD.encode(&bytes));
    assert!(broken(short.as_bytes()).contains("verifies"));
    // The payload reads the same, but is not what was signed.
    let spaced = URL_SAFE_NO_PAD.encode(format!("{payload} "));
    let header = input.split_once('.').unwrap().0;
    assert!(broken(format!("{header}.{spaced}.{signature}").as_bytes()).contains("verifies"));
}

#[test]
fn a_certificate_must_be_one() {
    for x5c in [json!([]), json!("text"), json!([1]), json!({}), json!(["!"]), json!(null)] {
        let jws = jws(&json!({"alg": "RS256", "x5c": x5c}), &unsigned().to_string());
        assert!(broken(jws.as_bytes()).contains("x5c"), "{x5c}");
    }
    let mut truncated = STANDARD.decode(&SIGNER.certificate).unwrap();
    truncated.pop();
    for der in [vec![], vec![0x30, 0x80], truncated] {
        let header = json!({"alg": "RS256", "x5c": [STANDARD.encode(der)]});
        assert!(broken(jws(&header, &unsigned().to_string()).as_bytes()).contains("X.509"));
    }
}

#[test]
fn a_signature_comes_with_its_data_and_type() {
    let jws = jws(&with_certificate("RS256"), &unsigned().to_string());
    let mut statement = signed(unsigned());
    let without = of_one(check_signatures([&statement], &|_| None));
    assert!(without.unwrap_err().rule.contains("its data"));
    statement["attachments"][0]["contentType"] = json!("text/plain");
    assert!(check(&statement, jws.as_bytes()).unwrap_err().rule.contains("contentType"));
}

#[test]
fn signatures_are_bounded() {
    let jws = jws(&with_certificate("RS256"), &unsigned().to_string());
    let mut statement = unsigned();
    statement["attachments"] = json!(vec![signature_attachment(); SIGNATURES_MAX]);
    assert_eq!(check(&statement, jws.as_bytes()), Ok(()));
    statement["attachments"] = json!(vec![signature_attachment(); SIGNATURES_MAX + 1]);
    assert!(check(&statement, jws.as_bytes()).is_err());
    assert!(broken(&vec![b'a'; SIGNATURE_BYTES_MAX + 1]).contains("bytes"));
}

#[test]
fn a_signature_is_read_once_a_request() {
    let jws = jws(&with_certificate("RS256"), &unsigned().to_string());
    let reads = Cell::new(0);
    let data = |_: &str| {
        reads.set(reads.get() + 1);
        Some(jws.as_bytes())
    };
    let statement = signed(unsigned());
    let mut other = statement.clone();
    other["object"]["id"] = json!("https://example.org/b");
    let checked = check_signatures([&statement, &statement, &unsigned(), &other], &data);
    assert!(matches!(checked, Err(Error::Invalid { index: 3, .. })), "{checked:?}");
    assert_eq!(reads.get(), 1);
}

#[test]
fn keys_are_bounded() {
    for (bits, rule) in [(KEY_BITS_MAX, "verifies"), (KEY_BITS_MAX + 8, "of at most 4096 bits")] {
        // Nobody has the key to this modulus, and it takes none to see how large it is.
        let modulus = BoxedUint::from_be_slice(&vec![0xff; bits / 8], bits as u32).unwrap();
        let public = PublicKey::new(modulus, BoxedUint::from(65_537u64)).unwrap();
        let header = json!({"alg": "RS256", "x5c": [certificate(&public, &SIGNER.key)]});
        let broken = broken(jws(&header, &unsigned().to_string()).as_bytes());
        assert!(broken.contains(rule), "{bits}: {broken}");
    }
}

#[test]
fn a_signature_in_a_sub_statement_signs_nothing() {
    let mut statement = unsigned();
    statement["object"] = signed(unsigned());
    statement["object"]["objectType"] = json!("SubStatement");
    assert_eq!(check(&statement, b"not a JWS"), Ok(()));
}

proptest! {
    #[test]
    fn no_bytes_are_trouble(
        data in prop::collection::vec(any::<u8>(), 0..200),
        text in "[a-zA-Z0-9._-]{0,90}",
    ) {
        let _ = check(&signed(unsigned()), &data);
        let _ = check(&signed(unsigned()), text.as_bytes());
    }

    #[test]
    fn no_changed_certificate_is_trouble(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut der = STANDARD.decode(&SIGNER.certificate).unwrap();
        let place = place.index(der.len());
        der[place] = byte;
        let header = json!({"alg": "RS256", "x5c": [STANDARD.encode(der)]});
        let _ = check(&signed(unsigned()), jws(&header, &unsigned().to_string()).as_bytes());
    }

    #[test]
    fn no_json_is_trouble(header in "\\PC{0,20}", value in prop::sample::select(vec![
        json!(null), json!([]), json!({}), json!("x"), json!([[{}]]), json!(1e308),
    ])) {
        let jws = jws(&json!({"alg": "RS256", "x5c": value, "kid": header}), &value.to_string());
        let _ = check(&signed(unsigned()), jws.as_bytes());
        let signature = json!({"usageType": SIGNATURE_USAGE, "sha2": value});
        let _ = check(&json!({"attachments": [signature]}), b"");
        let _ = check(&value, b"");
    }
}
