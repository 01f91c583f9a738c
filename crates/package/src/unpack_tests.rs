use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::archive::NameEncoding;
use crate::memory;

/// An archive with one file.
fn packed(data: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    zip.start_file("a", options).unwrap();
    zip.write_all(data).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Unpacks it in pieces, with no more loaded at a time than so much.
fn unpacked(bytes: &[u8], length: usize, loaded: usize) -> Result<Vec<u8>, Error> {
    let archive = memory::open_archive(bytes, NameEncoding::default())?;
    let mut unpacking = Unpacking::new(&archive.entries()[0]);
    let mut all = Vec::new();
    loop {
        match unpacking.next_piece(length)? {
            Next::Load { start, most } => {
                assert!(most > 0, "nothing is asked for");
                let range = start..start + most.min(loaded) as u64;
                unpacking.load(memory::slice_range(bytes, &range))?;
            }
            Next::Piece(piece) => {
                let is_last = unpacking.bytes_left() == 0;
                assert!(piece.len() == length || is_last, "a short piece in between");
                all.extend(piece);
                if is_last {
                    return Ok(all);
                }
            }
        }
    }
}

#[test]
fn a_header_that_leads_past_the_end_is_refused() {
    let mut bytes = packed(b"abc", CompressionMethod::Stored);
    bytes[28..30].copy_from_slice(&u16::MAX.to_le_bytes());
    let error = unpacked(&bytes, 9, 9).unwrap_err().to_string();
    assert!(error.contains("\"a\" overlaps what comes after it"), "{error}");
    bytes[0] = b'X';
    let error = unpacked(&bytes, 9, 9).unwrap_err().to_string();
    assert!(error.contains("\"a\" is not where"), "{error}");
}

#[test]
fn what_packs_otherwise_is_named() {
    let mut bytes = packed(b"abc", CompressionMethod::Stored);
    let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[central + 10] = 12;
    let error = unpacked(&bytes, 9, 9).unwrap_err().to_string();
    assert!(error.contains("\"a\" is packed in another way"), "{error}");
}

#[test]
fn packed_bytes_that_are_none_are_damage() {
    let data: Vec<u8> = (0..2_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
    let mut bytes = packed(&data, CompressionMethod::Deflated);
    bytes.iter_mut().skip(60).take(200).for_each(|byte| *byte = 0xff);
    let error = unpacked(&bytes, 100, 100).unwrap_err().to_string();
    assert!(error.starts_with("\"a\" is "), "{error}");
}

proptest! {
    #[test]
    fn a_file_comes_whole_however_it_is_loaded(
        mut data in prop::collection::vec(0u8..4, 0..3_000),
        repeated in 1usize..40,
        length in 1usize..5_000,
        loaded in 1usize..700,
        is_stored: bool,
    ) {
        data = data.repeat(repeated);
        let method = [CompressionMethod::Deflated, CompressionMethod::Stored][usize::from(is_stored)];
        let bytes = packed(&data, method);
        prop_assert_eq!(unpacked(&bytes, length, loaded).unwrap(), data);
    }

    #[test]
    fn no_damage_is_trouble(
        data in prop::collection::vec(0u8..4, 1..2_000),
        at in any::<prop::sample::Index>(),
        to: u8,
        is_stored: bool,
    ) {
        let method = [CompressionMethod::Deflated, CompressionMethod::Stored][usize::from(is_stored)];
        let mut bytes = packed(&data, method);
        let at = at.index(bytes.len());
        bytes[at] = to;
        // Whatever comes is what was packed, or an error.
        if let Ok(unpacked) = unpacked(&bytes, 100, 64) {
            prop_assert_eq!(unpacked, data);
        }
    }
}
