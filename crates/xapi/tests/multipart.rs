//! Bodies of statements and attachments, from the standard's text (part three, 1.5.2; RFC 2046).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hedgeschool_xapi::multipart::{
    BOUNDARY_CHARS_MAX, Error, Framing, Multipart, PART_HEADERS_BYTES_MAX, PARTS_MAX, Part,
    PartSize, Writer, attachments, parse,
};
use hedgeschool_xapi::{Json, multipart};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

fn check_claims<'a>(
    statements: impl IntoIterator<Item = &'a Value>,
    parts: &[Part],
) -> Result<(), Error> {
    let statements: Vec<Json> = statements.into_iter().map(Json::from).collect();
    multipart::check_claims(&statements, parts)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(data: &[u8]) -> String {
    hexadecimal(&Sha256::digest(data))
}

/// A part of this text, with headers that are as they should be.
fn part(data: &str) -> String {
    let hash = sha256(data.as_bytes());
    let encoding = "Content-Transfer-Encoding: binary";
    format!("Content-Type: text/plain\r\n{encoding}\r\nX-Experience-API-Hash: {hash}\r\n\r\n{data}")
}

const STATEMENTS: &str = "Content-Type: application/json\r\n\r\n[]";

/// A body of these parts with the boundary `b`.
fn body(parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
    format!("{parts}--b--\r\n")
}

fn read(body: &str) -> Result<Multipart<'_>, Error> {
    parse(body.as_bytes(), "b")
}

fn error(parts: &[&str]) -> Error {
    read(&body(parts)).unwrap_err()
}

fn statement_with(attachments: Value) -> Value {
    json!({"actor": {"mbox": "mailto:a@example.org"}, "verb": {"id": "https://example.org/did"},
        "object": {"id": "https://example.org/a"}, "attachments": attachments})
}

fn described(sha2: &str) -> Value {
    json!({"usageType": "https://example.org/u", "display": {"en": "x"},
        "contentType": "text/plain",
        "length": 5, "sha2": sha2})
}

#[test]
fn two_types_of_bodies_are_told_apart() {
    assert_eq!(Framing::of("application/json"), Ok(Framing::Json));
    assert_eq!(Framing::of("Application/JSON; charset=UTF-8"), Ok(Framing::Json));
    let boundary = |text: &str| Ok(Framing::Multipart { boundary: text.to_owned() });
    assert_eq!(Framing::of("multipart/mixed; boundary=abc"), boundary("abc"));
    assert_eq!(Framing::of("Multipart/Mixed;Boundary=\"abc\""), boundary("abc"));
    assert_eq!(Framing::of("multipart/mixed; charset=utf-8 ; boundary=a=b:c"), boundary("a=b:c"));
    assert_eq!(Framing::of(r#"multipart/mixed; boundary="a; \b""#), Err(Error::Boundary));
    assert_eq!(Framing::of(r#"multipart/mixed; boundary="a \b""#), boundary("a b"));
    let all = r#"multipart/mixed; boundary="abcABC0123'()+_,-./:=?""#;
    assert_eq!(Framing::of(all), boundary("abcABC0123'()+_,-./:=?"));
    for other in
        ["", "text/plain", "multipart/form-data; boundary=b", "application", "a/b/c", "json"]
    {
        assert_eq!(Framing::of(other), Err(Error::ContentType), "{other}");
    }
}

#[test]
fn a_boundary_must_be_there_and_well_formed() {
    let long = format!("multipart/mixed; boundary={}", "b".repeat(BOUNDARY_CHARS_MAX + 1));
    let cases = [
        "multipart/mixed",
        "multipart/mixed;",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=\"\"",
        "multipart/mixed; boundary=\"a \"",
        "multipart/mixed; boundary=a*b",
        "multipart/mixed; boundary=a; boundary=b",
        "multipart/mixed; boundary=\u{e4}",
        &long,
    ];
    for case in cases {
        assert_eq!(Framing::of(case), Err(Error::Boundary), "{case}");
    }
    let longest = format!("multipart/mixed; boundary={}", "b".repeat(BOUNDARY_CHARS_MAX));
    assert!(Framing::of(&longest).is_ok());
    assert_eq!(parse(b"--\r\n", ""), Err(Error::Boundary));
}

#[test]
fn statements_and_attachments_are_read() {
    let body = body(&[STATEMENTS, &part("hello"), &part("")]);
    let multipart = read(&body).unwrap();
    assert_eq!(multipart.statements, "[]");
    let read: Vec<_> = multipart.parts.iter().map(|part| (part.sha2.clone(), part.data)).collect();
    assert_eq!(read, [(sha256(b"hello"), &b"hello"[..]), (sha256(b""), b"")]);
    assert_eq!(multipart.parts[0].content_type.as_deref(), Some("text/plain"));
}

#[test]
fn what_rfc_2046_allows_around_parts_is_allowed() {
    let plain = body(&[STATEMENTS, &part("x")]);
    let expected = read(&plain).unwrap();
    let variants = [
        format!("\r\n{plain}"),
        format!("This is a preamble.\r\n--a\r\n{plain}"),
        format!("{plain}An epilogue\r\n--b\r\n"),
        plain.replace("--b\r\n", "--b \t\r\n"),
        plain.replace("--b--\r\n", "--b--"),
        plain.replace("--b--\r\n", "--b--  \r\n"),
        plain.replace(": ", ":"),
        plain.replace(": ", ":\r\n  "),
        plain.replace("Content-T", "CONTENT-t"),
        plain.replace("binary", "BINARY"),
        plain.replace(&sha256(b"x"), &sha256(b"x").to_uppercase()),
    ];
    for variant in variants {
        assert_eq!(read(&variant).as_ref(), Ok(&expected), "{variant}");
    }
}

#[test]
fn data_is_binary_and_may_hold_what_is_nearly_a_boundary() {
    for data in
        ["\r\n", " --b", "x--b--", "a\n--b\n", "\r\n--", "\r\n-b\r\n", "\r\n\r\n", "\r--b\r"]
    {
        let body = body(&[STATEMENTS, &part(data)]);
        assert_eq!(read(&body).unwrap().parts[0].data, data.as_bytes(), "{data:?}");
    }
}

#[test]
fn all_of_sha_2_is_known() {
    let data = b"data";
    let hashes = [
        hexadecimal(&Sha224::digest(data)),
        hexadecimal(&Sha256::digest(data)),
        hexadecimal(&Sha384::digest(data)),
        hexadecimal(&Sha512::digest(data)),
    ];
    for hash in hashes {
        let part = part("data").replace(&sha256(data), &hash);
        assert_eq!(read(&body(&[STATEMENTS, &part])).unwrap().parts[0].sha2, hash);
    }
    for not_a_hash in ["", "abc", &"g".repeat(64), &"0".repeat(40), &"\u{e9}".repeat(32)] {
        let part = part("data").replace(&sha256(data), not_a_hash);
        assert_eq!(error(&[STATEMENTS, &part]), Error::Hash { part: 1 }, "{not_a_hash}");
    }
}

#[test]
fn a_body_must_be_whole() {
    let whole = body(&[STATEMENTS, &part("x")]);
    for length in 0..whole.len() - "--\r\n".len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    assert_eq!(read(""), Err(Error::NoParts));
    assert_eq!(read("--b--\r\n"), Err(Error::NoParts));
    assert_eq!(read("--other\r\n\r\n--other--"), Err(Error::NoParts));
    assert_eq!(read("--b\r\n\r\n[]"), Err(Error::Unfinished { part: 0 }));
    assert_eq!(read("--b\r\n--b--"), Err(Error::Unfinished { part: 0 }));
    assert_eq!(read(&whole.replace("\r\n", "\n")), Err(Error::BoundaryLine { part: 0 }));
    let longer = whole.replace("\r\n--b--", "\r\n--boundary\r\n\r\n--b--");
    assert_eq!(read(&longer), Err(Error::BoundaryLine { part: 2 }));
}

#[test]
fn the_first_part_must_be_statements() {
    let xml = STATEMENTS.replace("json", "xml");
    for first in ["\r\n[]", "A: b\r\n\r\n[]", &part("x"), &xml] {
        assert_eq!(error(&[first]), Error::Statements, "{first}");
    }
    let latin =
        [b"--b\r\nContent-Type: application/json\r\n\r\n\"", &[0xe4][..], b"\"\r\n--b--"].concat();
    assert_eq!(parse(&latin, "b"), Err(Error::Statements));
    let charset = STATEMENTS.replace("json", "json; charset=utf-8");
    assert!(read(&body(&[&charset])).is_ok());
}

#[test]
fn each_attachment_needs_its_headers() {
    let good = part("x");
    let line =
        |name: &str| good.lines().find(|line| line.starts_with(name)).unwrap().to_owned() + "\r\n";
    let (encoding, hash, kind) =
        (line("Content-Transfer-Encoding"), line("X-Experience-API-Hash"), line("Content-Type"));
    let without = |line: &str| error(&[STATEMENTS, &good.replace(line, "")]);
    assert_eq!(without(&encoding), Error::Encoding { part: 1 });
    assert_eq!(without(&hash), Error::Hash { part: 1 });
    let base64 = good.replace("binary", "base64");
    assert_eq!(error(&[STATEMENTS, &good, &base64]), Error::Encoding { part: 2 });
    let other = good.replace(&sha256(b"x"), &sha256(b"y"));
    assert_eq!(error(&[STATEMENTS, &other]), Error::HashDiffers { part: 1, bytes: 1 });
    let twice = good.replace(&hash, &hash.repeat(2));
    let header = "X-Experience-API-Hash";
    assert_eq!(error(&[STATEMENTS, &twice]), Error::RepeatedHeader { part: 1, header });
    let untyped = body(&[STATEMENTS, &good.replace(&kind, "")]);
    assert_eq!(read(&untyped).unwrap().parts[0].content_type, None);
}

#[test]
fn headers_are_lines_with_a_colon_and_an_end() {
    for head in
        ["no colon\r\n\r\n", ": x\r\n\r\n", "a b: x\r\n\r\n", "A: \u{1}\r\n\r\n", "A: b\r\n", ""]
    {
        assert_eq!(error(&[STATEMENTS, head]), Error::Headers { part: 1 }, "{head:?}");
    }
}

#[test]
fn limits_hold_and_say_so() {
    let parts = |count| {
        let mut parts = vec![STATEMENTS];
        let one = part("x");
        parts.resize(count + 1, &one);
        body(&parts)
    };
    assert_eq!(read(&parts(PARTS_MAX)).unwrap().parts.len(), 1);
    assert_eq!(read(&parts(PARTS_MAX + 1)), Err(Error::TooManyParts));
    assert!(Error::TooManyParts.to_string().contains("1000"));
    let headers = |bytes: usize| {
        let filler = format!("A: {}\r\n", "a".repeat(bytes - STATEMENTS.len()));
        body(&[&format!("{filler}{STATEMENTS}{}", " ".repeat(PART_HEADERS_BYTES_MAX))])
    };
    assert!(read(&headers(PART_HEADERS_BYTES_MAX)).is_ok());
    let error = read(&headers(PART_HEADERS_BYTES_MAX + 10)).unwrap_err();
    assert_eq!(error, Error::HeadersTooLong { part: 0 });
}

#[test]
fn a_part_that_comes_twice_is_kept_once() {
    let body = body(&[STATEMENTS, &part("x"), &part("y"), &part("x")]);
    let parts = read(&body).unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.data).collect::<Vec<_>>(), [b"x", b"y"]);
}

fn sent(data: &[u8], content_type: Option<&str>) -> Part<'static> {
    Part { sha2: sha256(data), content_type: content_type.map(str::to_owned), data: b"" }
}

#[test]
fn every_part_is_claimed_and_every_attachment_has_its_data() {
    let (one, two) = (sha256(b"1"), sha256(b"2"));
    let statement = statement_with(json!([described(&one.to_uppercase())]));
    assert_eq!(check_claims([&statement], &[sent(b"1", None)]), Ok(()));
    let missing = Error::NoData { index: 1, sha2: one.clone() };
    let plain = statement_with(json!([]));
    assert_eq!(check_claims([&plain, &statement], &[]), Err(missing));
    let excess = check_claims([&statement], &[sent(b"1", None), sent(b"2", None)]);
    assert_eq!(excess, Err(Error::Unclaimed { sha2: two }));
    // The same data in two statements is sent once.
    assert_eq!(check_claims([&statement, &statement], &[sent(b"1", None)]), Ok(()));
    assert_eq!(check_claims([&plain], &[]), Ok(()));
}

#[test]
fn a_file_url_stands_for_data() {
    let mut attachment = described(&sha256(b"1"));
    attachment["fileUrl"] = json!("https://example.org/file");
    let statement = statement_with(json!([attachment]));
    assert_eq!(check_claims([&statement], &[]), Ok(()));
    assert_eq!(check_claims([&statement], &[sent(b"1", None)]), Ok(()));
}

#[test]
fn attachments_of_a_sub_statement_count() {
    let mut inner = statement_with(json!([described(&sha256(b"1"))]));
    inner["objectType"] = json!("SubStatement");
    let mut outer = statement_with(json!([described(&sha256(b"2"))]));
    outer["object"] = inner;
    assert_eq!(attachments(&Json::from(&outer)).count(), 2);
    assert!(matches!(check_claims([&outer], &[sent(b"2", None)]), Err(Error::NoData { .. })));
    assert_eq!(check_claims([&outer], &[sent(b"2", None), sent(b"1", None)]), Ok(()));
}

#[test]
fn the_type_of_a_part_is_that_of_its_attachment() {
    let hash = sha256(b"1");
    let mut attachment = described(&hash);
    attachment["contentType"] = json!("text/plain; charset=ascii; a=b");
    let one = statement_with(json!([attachment]));
    let check = |content_type| check_claims([&one], &[sent(b"1", Some(content_type))]);
    assert_eq!(check("Text/Plain;a=\"b\";charset=ASCII"), Ok(()));
    for other in ["text/plain", "image/png", "", "text/plain; charset=utf-8; a=b"] {
        let differs = Error::TypeDiffers { sha2: hash.clone(), content_type: other.to_owned() };
        assert_eq!(check(other), Err(differs), "{other}");
    }
    let both = [&one, &statement_with(json!([described(&hash)]))];
    assert_eq!(check_claims(both, &[sent(b"1", Some("text/plain"))]), Ok(()));
}

#[test]
fn a_type_cannot_smuggle_headers_into_an_answer() {
    let writer = Writer::new([7; 16]);
    for hostile in ["text/x\r\nSet-Cookie: a=b", "", "a\u{0}b", "\u{e4}/b", &"a/".repeat(1_000)] {
        let head = String::from_utf8(writer.part_head(&sha256(b""), hostile)).unwrap();
        assert!(head.contains("\r\nContent-Type: application/octet-stream\r\n"), "{head}");
        assert_eq!(head.matches("\r\n").count(), 6, "{head}");
    }
}

fn written(writer: &Writer, statements: &str, parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut body = writer.head();
    body.extend_from_slice(statements.as_bytes());
    for (content_type, data) in parts {
        body.extend(writer.part_head(&sha256(data), content_type));
        body.extend_from_slice(data);
    }
    body.extend(writer.tail());
    body
}

/// Bytes among which pieces of the format are frequent.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let pieces =
        ["\r\n", "--b", "--", "\n", "b", ":", " ", "Content-Type", "application/json", "\u{e4}"];
    let piece = prop_oneof![
        3 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_are_trouble(body in tricky(), boundary in "\\PC{0,5}") {
        let _ = parse(&body, "b");
        let _ = parse(&body, &boundary);
        let in_headers = [b"--b\r\n", &body[..], b"\r\n--b--"].concat();
        let _ = parse(&in_headers, "b");
    }

    #[test]
    fn no_content_type_is_trouble(
        text in "\\PC{0,60}",
        near in "multipart/mixed[;= \"\\\\a-z]{0,30}",
    ) {
        for text in [text, near] {
            if let Ok(Framing::Multipart { boundary }) = Framing::of(&text) {
                prop_assert!((1..=BOUNDARY_CHARS_MAX).contains(&boundary.len()));
            }
        }
    }

    #[test]
    fn no_json_is_trouble_for_claims(text in "\\PC{0,40}") {
        let odd = json!([text, {"sha2": text}, {"sha2": 1, "contentType": []}]);
        let attached = json!({"attachments": text});
        for statement in [json!(text), json!([]), attached, statement_with(odd)] {
            let _ = check_claims([&statement], &[sent(b"1", Some(&text))]);
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        random in any::<[u8; 16]>(),
        parts in prop::collection::btree_map(
            tricky(),
            "[a-z]{1,5}/[a-z.+-]{1,5}(; a=\"[a-z ]{1,3}\")?",
            0..5,
        ),
    ) {
        let writer = Writer::new(random);
        let parts: Vec<_> = parts.into_iter().map(|(data, kind)| (kind, data)).collect();
        let body = written(&writer, r#"{"statements":[]}"#, &parts);
        let hashes: Vec<_> = parts.iter().map(|(_, data)| sha256(data)).collect();
        let sizes = parts.iter().zip(&hashes).map(|((content_type, data), sha2)| {
            PartSize { sha2, content_type, bytes: data.len() as u64 }
        });
        prop_assert_eq!(writer.length(17, sizes), body.len() as u64);
        let Ok(Framing::Multipart { boundary }) = Framing::of(&writer.content_type()) else {
            return Err(TestCaseError::fail("not multipart"));
        };
        let read = parse(&body, &boundary).unwrap();
        prop_assert_eq!(read.statements, r#"{"statements":[]}"#);
        let read: Vec<_> = read.parts.into_iter()
            .map(|part| (part.content_type.unwrap(), part.data.to_vec())).collect();
        prop_assert_eq!(read, parts);
    }
}
