use hedgeschool_xapi::multipart::{self, Framing, Multipart, Writer, check_claims};
use hedgeschool_xapi::signature::check_signatures;
use hedgeschool_xapi::{Draft, parse_batch};

use crate::versioned;

/// A `Content-Type`, a line feed, and a body. What is accepted is accepted again, with the same
/// parts, after it was written out.
pub fn multipart(input: &[u8]) {
    let Some((version, input)) = versioned(input) else { return };
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (header, body) = input.split_at(end);
    let Ok(header) = std::str::from_utf8(header) else { return };
    let Ok(Framing::Multipart { boundary }) = Framing::of(header) else { return };
    let Ok(taken) = multipart::parse(body.get(1..).unwrap_or_default(), &boundary) else { return };
    written(&taken);
    let Ok(drafts) = parse_batch(taken.statements, version) else { return };
    let _ = check_claims(drafts.iter().map(Draft::value), &taken.parts);
    let data = |sha2: &str| taken.parts.iter().find(|part| part.sha2 == sha2).map(|part| part.data);
    let _ = check_signatures(drafts.iter().map(Draft::value), &data);
}

fn written(taken: &Multipart) {
    let writer = Writer::new([7; 16]);
    let Ok(Framing::Multipart { boundary }) = Framing::of(&writer.content_type()) else {
        panic!("{} is not understood", writer.content_type());
    };
    // Those who write choose a boundary that nobody can guess.
    let mut everything =
        taken.parts.iter().map(|part| part.data).chain([taken.statements.as_bytes()]);
    let holds =
        |data: &[u8]| data.windows(boundary.len()).any(|place| place == boundary.as_bytes());
    if everything.any(holds) {
        return;
    }
    let mut body = writer.head();
    body.extend_from_slice(taken.statements.as_bytes());
    for part in &taken.parts {
        let media_type = part.content_type.as_deref().unwrap_or("application/octet-stream");
        body.extend(writer.part_head(&part.sha2, media_type));
        body.extend_from_slice(part.data);
    }
    body.extend(writer.tail());
    let again = multipart::parse(&body, &boundary).expect("what is written can be read");
    assert_eq!(again.statements, taken.statements);
    let parts = |taken: &Multipart| -> Vec<_> {
        taken.parts.iter().map(|part| (part.sha2.clone(), part.data.to_vec())).collect()
    };
    assert_eq!(parts(&again), parts(taken));
}
