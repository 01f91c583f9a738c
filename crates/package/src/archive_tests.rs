use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::limits::FILES_MAX;
use crate::memory::{self, FileReader};

/// Opens an archive, by and by and at once: both have to come to the same.
fn open(bytes: &[u8]) -> Result<Archive, Error> {
    let whole = memory::open_archive(bytes, NameEncoding::default());
    for block_bytes in [97, 1_000] {
        let opening =
            ArchiveOpening::with_blocks(bytes.len() as u64, NameEncoding::default(), block_bytes);
        if bytes.len() < 100_000 {
            assert_eq!(
                memory::finish_opening(bytes, opening),
                whole,
                "blocks of {block_bytes} bytes"
            );
        }
    }
    whole
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn refusal(bytes: &[u8]) -> String {
    match open(bytes) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

/// Replaces a text by one of the same length wherever it stands: local and central header.
fn patched(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

/// Overwrites bytes at an offset inside the first header that has this signature.
fn with_header(bytes: &[u8], signature: &[u8], offset: usize, data: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes.windows(4).position(|four| four == signature).unwrap() + offset;
    bytes[at..at + data.len()].copy_from_slice(data);
    bytes
}

const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";

fn read_all(bytes: &[u8], position: usize, piece: usize) -> Result<Vec<u8>, Error> {
    let archive = open(bytes)?;
    let entry = archive.entries().get(position).ok_or(Error::Archive("no such file".into()))?;
    let mut reader = FileReader::new(bytes, entry);
    let mut all = Vec::new();
    loop {
        let next = reader.next_piece(piece)?;
        if next.is_empty() {
            return Ok(all);
        }
        all.extend(next);
    }
}

#[test]
fn files_come_in_pieces_and_whole() {
    let long: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let bytes = zip(&[("cmi5.xml", b"<x/>"), ("a/long.bin", &long), ("empty", b"")]);
    let archive = open(&bytes).unwrap();
    let paths: Vec<_> = archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["cmi5.xml", "a/long.bin", "empty"]);
    assert_eq!(archive.entries()[1].size, 400_000);
    assert_eq!(read_all(&bytes, 1, 1_000).unwrap(), long);
    assert_eq!(read_all(&bytes, 2, 1_000).unwrap(), b"");
}

#[test]
fn hostile_names_are_refused() {
    let good = zip(&[("aa/bb/c.txt", b"x")]);
    for name in ["../bb/c.txt", "aa/../c.txt", "/a/bb/c.txt", "..\\bb\\c.tx", "C:/bb/c.txt"] {
        let name = format!("{name:\u{78}<11}");
        let error = refusal(&patched(&good, "aa/bb/c.txt", &name));
        assert!(error.contains("name"), "{name}: {error}");
    }
}

#[test]
fn what_is_listed_twice_is_there_once() {
    let bytes = patched(&zip(&[("a.txt", b"same"), ("b.txt", b"same")]), "b.txt", "a.txt");
    let archive = open(&bytes).unwrap();
    assert_eq!(archive.entries().len(), 1);
    assert_eq!(read_all(&bytes, 0, 100).unwrap(), b"same");
}

#[test]
fn names_are_read_as_old_tools_write_them() {
    let bytes = zip(&[("aXb.txt", b"1"), ("c:d.txt", b"2"), ("__MACOSX/._a", b"3")]);
    let bytes = patched(&bytes, "c:d.txt", "c\\d.txt");
    let mut bytes = patched(&bytes, "aXb.txt", "a~b.txt");
    bytes.iter_mut().filter(|byte| **byte == b'~').for_each(|byte| *byte = 0x82);
    let archive = open(&bytes).unwrap();
    let paths: Vec<_> = archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["aéb.txt", "c/d.txt"]);
}

#[test]
fn names_that_collide_are_refused() {
    let bytes = zip(&[("a.txt", b"1"), ("b.txt", b"2")]);
    assert!(refusal(&patched(&bytes, "b.txt", "a.txt")).contains("name of another file"));
    assert!(refusal(&patched(&bytes, "b.txt", "A.TXT")).contains("case only"));
}

#[test]
fn links_and_encrypted_files_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert!(refusal(&bytes).contains("is a link"));
    let bytes = with_header(&self::zip(&[("a", b"x")]), CENTRAL, 8, &[1, 0]);
    assert!(refusal(&bytes).contains("is encrypted"));
}

#[test]
fn directories_are_not_files_but_their_names_count() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("a/", SimpleFileOptions::default()).unwrap();
    zip.start_file("a/b", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(open(&bytes).unwrap().entries().len(), 1);
    assert!(refusal(&patched(&bytes, "a/", "//")).contains("name"));
}

#[test]
fn damage_shows_when_the_file_is_read() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("a", stored).unwrap();
    zip.write_all(b"the right bytes").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let error = read_all(&patched(&bytes, "right", "wrong"), 0, 4).unwrap_err().to_string();
    assert!(error.contains("\"a\" is damaged") && error.contains("checksum"), "{error}");
}

#[test]
fn stated_sizes_are_not_trusted() {
    let bytes = zip(&[("a", &[7; 1_000])]);
    let smaller = with_header(&bytes, CENTRAL, 24, &10u32.to_le_bytes());
    assert!(read_all(&smaller, 0, 100).unwrap_err().to_string().contains("longer"));
    let larger = with_header(&bytes, CENTRAL, 24, &2_000u32.to_le_bytes());
    assert!(read_all(&larger, 0, 100).is_err());
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let flat = zip(&[("a", &vec![0; (RATIO_FREE_BYTES + 1) as usize])]);
    assert!(refusal(&flat).contains("times its packed size"));
    let huge = with_header(&zip(&[("a", b"x")]), CENTRAL, 24, &(u32::MAX - 1).to_le_bytes());
    assert!(refusal(&huge).contains("unpacks to more"));
}

#[test]
fn bytes_that_are_in_several_files_are_refused() {
    let bytes = zip(&[("a", b"the first"), ("b", b"the second")]);
    let second = bytes.windows(4).rposition(|four| four == CENTRAL).unwrap();
    let mut bytes = bytes.clone();
    bytes[second + 42..second + 46].copy_from_slice(&3u32.to_le_bytes());
    let error = refusal(&bytes);
    assert!(error.contains("\"a\" overlaps \"b\""), "{error}");
}

#[test]
fn a_header_is_no_ones_bytes_but_its_own() {
    // The first file ends within the second one's header.
    let bytes = zip(&[("a", b"the first"), ("b", b"the second")]);
    let second = bytes.windows(4).rposition(|four| four == LOCAL).unwrap() as u32;
    let longer = with_header(&bytes, CENTRAL, 20, &(second - 29).to_le_bytes());
    assert!(refusal(&longer).contains("\"a\" overlaps \"b\""));
}

#[test]
fn what_only_the_local_header_says_does_not_lead_into_other_files() {
    let bytes = zip(&[("a", b"the first"), ("b", b"the second")]);
    let led_on = with_header(&bytes, LOCAL, 28, &1u16.to_le_bytes());
    assert!(open(&led_on).is_ok(), "it is not looked at yet");
    let error = read_all(&led_on, 0, 100).unwrap_err().to_string();
    assert!(error.contains("\"a\" overlaps what comes after it"), "{error}");
    let second = bytes.windows(4).rposition(|four| four == LOCAL).unwrap();
    let mut last = bytes;
    last[second + 28] = 200;
    let error = read_all(&last, 1, 100).unwrap_err().to_string();
    assert!(error.contains("\"b\" overlaps what comes after it"), "{error}");
}

#[test]
fn small_bombs_do_not_hide_behind_what_packs_badly() {
    let entry = |size: u64, bytes: u64| {
        let method = CompressionMethod::Deflated;
        let location = Location::Packed { header: 0, bytes, method, crc32: 0, limit: 0 };
        Entry { path: String::new(), size, location }
    };
    let padding = entry(1 << 30, 1 << 30);
    let small = || entry(1 << 20, 1 << 10);
    let of_small = |count: usize| {
        let entries: Vec<_> = (0..count).map(|_| small()).chain([padding.clone()]).collect();
        check_ratio(&entries, 1 << 31)
    };
    assert_eq!(of_small(4), Ok(()));
    assert!(of_small(6).unwrap_err().to_string().contains("times its size"));
}

#[test]
fn many_small_bombs_are_one() {
    let data = vec![0; RATIO_FREE_BYTES as usize];
    let names: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), data.as_slice())).collect();
    assert!(refusal(&zip(&files)).contains("times its size"));
}

#[test]
fn a_file_that_goes_past_the_end_is_cut_off() {
    let bytes = zip(&[("a", b"x")]);
    let longer = with_header(&bytes, CENTRAL, 20, &1_000u32.to_le_bytes());
    assert!(refusal(&longer).contains("\"a\" is cut off"));
}

#[test]
fn names_are_chinese_where_that_is_wanted() {
    let bytes = patched(&zip(&[("abcd.htm", b"1")]), "abcd", "~~~~");
    let gbk = [0xbf, 0xce, 0xb3, 0xcc].iter().cycle();
    let mut bytes = bytes;
    bytes.iter_mut().filter(|byte| **byte == b'~').zip(gbk).for_each(|(to, from)| *to = *from);
    let archive = memory::open_archive(&bytes, NameEncoding::Gbk).unwrap();
    assert_eq!(archive.entries()[0].path, "课程.htm");
}

#[test]
fn little_of_a_large_archive_is_looked_at() {
    let bytes = zip(&[("a", b"x"), ("b", b"y")]);
    let (junk, size) = (3 << 30, bytes.len() as u64);
    let directory = bytes.windows(4).position(|four| four == CENTRAL).unwrap() as u64 + junk;
    let bytes = with_header(&bytes, END, 16, &(directory as u32).to_le_bytes());
    let mut opening = ArchiveOpening::new(junk + size, NameEncoding::default());
    let mut loaded = 0;
    let archive = loop {
        match opening.step().unwrap() {
            Step::Done(archive) => break archive,
            Step::Load(range) => {
                loaded += range.end - range.start;
                let byte = |at: u64| {
                    let at = at.checked_sub(junk).map_or(usize::MAX, |at| at as usize);
                    bytes.get(at).copied().unwrap_or_default()
                };
                opening.load(range.start, range.clone().map(byte).collect()).unwrap();
            }
        }
    };
    assert_eq!(archive.entries().len(), 2);
    assert!(loaded < 4 << 20, "{loaded} bytes were loaded");
}

#[test]
fn what_has_no_end_in_sight_is_not_searched_through() {
    let mut opening = ArchiveOpening::new(10 << 30, NameEncoding::default());
    let mut loaded = 0;
    let error = loop {
        match opening.step() {
            Ok(Step::Done(_)) => panic!("accepted"),
            Ok(Step::Load(range)) => {
                loaded += range.end - range.start;
                let bytes = vec![0; (range.end - range.start) as usize];
                opening.load(range.start, bytes).unwrap();
            }
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("16777216 bytes"), "{error}");
    assert!(loaded <= OPENING_BYTES_MAX, "{loaded} bytes were loaded");
}

#[test]
fn many_ends_that_lead_nowhere_are_not_all_tried() {
    // Each says that there is a directory somewhere before it.
    let mut end = END.to_vec();
    end.extend([0, 0, 0, 0, 1, 0, 1, 0, 46, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let error = refusal(&end.repeat(200_000));
    assert!(error.contains("leads to no end"), "{error}");
}

#[test]
fn too_many_entries_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..=FILES_MAX {
        zip.start_file(number.to_string(), SimpleFileOptions::default()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(refusal(&bytes).contains("has more than 20000 files"));
}

#[test]
fn a_zip64_record_cannot_claim_memory() {
    let mut record = b"PK\x06\x06".to_vec();
    record.extend(44u64.to_le_bytes());
    record.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for _ in 0..2 {
        record.extend((1u64 << 40).to_le_bytes());
    }
    record.extend([0; 100]);
    assert!(refusal(&record).contains("has more than"));
}

/// A file that says in its ZIP64 field that it takes so many bytes.
fn zip_that_claims(packed: u64) -> Vec<u8> {
    let mut archive = zip(&[("a", b"x")]);
    let entry = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let (name, extra) = (usize::from(archive[entry + 28]), usize::from(archive[entry + 30]));
    archive[entry + 20..entry + 24].copy_from_slice(&[0xff; 4]);
    archive[entry + 30] += 12;
    let mut field = vec![1, 0, 8, 0];
    field.extend(packed.to_le_bytes());
    let at = entry + 46 + name + extra;
    archive.splice(at..at, field);
    let end = archive.windows(4).position(|bytes| bytes == b"PK\x05\x06").unwrap();
    archive[end + 12] += 12;
    archive
}

#[test]
fn a_zip64_field_cannot_claim_more_than_there_is() {
    for packed in [1 << 40, u64::MAX - 4, u64::MAX] {
        let refused = refusal(&zip_that_claims(packed));
        assert!(refused.contains("cut off"), "{packed}: {refused}");
    }
}

#[test]
fn an_archive_inside_is_a_file() {
    let inner = zip(&[("../evil", b"x")]);
    let outer = zip(&[("inner.zip", &inner)]);
    assert_eq!(read_all(&outer, 0, 4_096).unwrap(), inner);
}

#[test]
fn what_is_no_zip_is_said_to_be_none() {
    assert!(refusal(b"").starts_with("the archive cannot be read"));
    assert!(refusal(b"PK\x03\x04 not really").starts_with("the archive cannot be read"));
    let cut = zip(&[("a", b"x"), ("b", b"y")]);
    assert!(open(&cut[..cut.len() - 30]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let _ = open(&bytes);
    }

    #[test]
    fn no_damage_is_trouble(
        at in any::<prop::sample::Index>(),
        to in any::<[u8; 4]>(),
        which in 0usize..4,
    ) {
        let bytes = zip(&[("a/b.txt", &[1; 300]), ("c", b"hello")]);
        let start: &[u8] = [CENTRAL, LOCAL, END, b"PK"][which];
        let offset = at.index(40);
        let header = bytes.windows(start.len()).position(|four| four == start).unwrap();
        let offset = offset.min(bytes.len() - header - 4);
        let bytes = with_header(&bytes, &bytes[header..header + 4], offset, &to);
        for position in 0..2 {
            let _ = read_all(&bytes, position, 64);
        }
    }
}
