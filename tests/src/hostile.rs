//! Archives that someone built to do harm, or that broke on their way: written by hand, for no tool
//! would.

use crate::course;

/// An archive, what is wrong with it, and what a refusal has to say.
pub struct Hostile {
    /// What is wrong.
    pub what: &'static str,
    /// The archive.
    pub bytes: Vec<u8>,
    /// What names the entry, and what the rule.
    pub words: [&'static str; 2],
}

/// A file of an archive, as its headers have it.
#[derive(Clone, Default)]
struct File {
    name: Vec<u8>,
    packed: Vec<u8>,
    method: u16,
    flags: u16,
    crc32: u32,
    /// As stated; packed, as stated beyond what is there.
    size: u32,
    beyond: u32,
    mode: u32,
    extra: Vec<u8>,
    /// Where the local header is said to be. None: where it is.
    header: Option<u32>,
}

const UTF_8: u16 = 1 << 11;
const DEFLATE: u16 = 8;

impl File {
    fn stored(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            packed: data.to_vec(),
            flags: UTF_8,
            crc32: crc32(data),
            size: data.len() as u32,
            mode: 0o100_644,
            ..Self::default()
        }
    }

    /// So many zeros, packed as closely as the format can.
    fn zeros(name: &str, size: u32) -> Self {
        let archive = course::archive(&[("zeros", &vec![0; size as usize])]).unwrap_or_default();
        let central = archive.windows(4).rposition(|four| four == b"PK\x01\x02");
        let header = archive.get(central.unwrap_or_default()..).unwrap_or_default();
        let number = |at: usize| {
            let field = header.get(at..at + 4).and_then(|field| field.try_into().ok());
            field.map(u32::from_le_bytes).unwrap_or_default()
        };
        let start = archive.windows(5).position(|five| five == b"zeros").unwrap_or_default() + 5;
        let extra = archive.get(28..30).and_then(|field| field.try_into().ok());
        let start = start + usize::from(extra.map(u16::from_le_bytes).unwrap_or_default());
        let packed = archive.get(start..start + number(20) as usize).unwrap_or_default();
        Self {
            packed: packed.to_vec(),
            method: DEFLATE,
            crc32: number(16),
            size,
            ..Self::stored(name, b"")
        }
    }

    fn local(&self) -> Vec<u8> {
        let mut header = b"PK\x03\x04\x14\x00".to_vec();
        self.common(&mut header);
        header.extend_from_slice(&self.name);
        header.extend_from_slice(&self.extra);
        header.extend_from_slice(&self.packed);
        header
    }

    fn central(&self, at: u32) -> Vec<u8> {
        // Made on Unix, so that the mode counts.
        let mut header = b"PK\x01\x02\x14\x03\x14\x00".to_vec();
        self.common(&mut header);
        header.extend([0; 6]);
        header.extend((self.mode << 16).to_le_bytes());
        header.extend(self.header.unwrap_or(at).to_le_bytes());
        header.extend_from_slice(&self.name);
        header.extend_from_slice(&self.extra);
        header
    }

    /// What both headers have in the same order.
    fn common(&self, header: &mut Vec<u8>) {
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend([0; 4]);
        header.extend(self.crc32.to_le_bytes());
        header.extend((self.packed.len() as u32 + self.beyond).to_le_bytes());
        header.extend(self.size.to_le_bytes());
        header.extend((self.name.len() as u16).to_le_bytes());
        header.extend((self.extra.len() as u16).to_le_bytes());
    }
}

/// CRC-32 as zip has it (APPNOTE 4.4.7).
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The files of a course that is as it should be.
fn good() -> Vec<File> {
    let structure = course::structure("https://example.org/hostile", "Hostile");
    vec![
        File::stored("cmi5.xml", structure.as_bytes()),
        File::stored("index.html", course::PAGE.as_bytes()),
    ]
}

/// Packs files; answers the archive, and where its list of files begins.
fn pack(files: &[File]) -> (Vec<u8>, usize) {
    let (mut bytes, mut central) = (Vec::new(), Vec::new());
    for file in files {
        central.extend(file.central(bytes.len() as u32));
        bytes.extend(file.local());
    }
    let start = bytes.len();
    let count = (files.len() as u16).to_le_bytes();
    bytes.extend_from_slice(&central);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count, count].concat());
    bytes.extend((central.len() as u32).to_le_bytes());
    bytes.extend((start as u32).to_le_bytes());
    bytes.extend([0, 0]);
    (bytes, start)
}

/// A good course, with one more file.
fn with(file: File) -> Vec<u8> {
    let mut files = good();
    files.push(file);
    pack(&files).0
}

fn named(name: &[u8]) -> Vec<u8> {
    with(File { name: name.to_vec(), ..File::stored("", b"x") })
}

/// All of them.
pub fn archives() -> Vec<Hostile> {
    let mut all = names();
    all.extend(kinds());
    all.extend(damaged());
    all.extend(lists());
    all.extend(manifests());
    let hostile = |(what, bytes, words)| Hostile { what, bytes, words };
    all.into_iter().map(hostile).collect()
}

type Case = (&'static str, Vec<u8>, [&'static str; 2]);

fn names() -> Vec<Case> {
    let segment = "segment in its name";
    let mut unicode = b"\x75\x70\x0e\x00\x01".to_vec();
    unicode.extend(crc32(b"plain.txt").to_le_bytes());
    unicode.extend(b"../up.txt");
    let hidden = File { extra: unicode, flags: 0, ..File::stored("plain.txt", b"x") };
    let mut twice = good();
    twice.push(File::stored("index.html", b"another"));
    let broken = File { name: b"caf\xe9.txt".to_vec(), ..File::stored("", b"x") };
    vec![
        ("leaves the archive", named(b"../up.html"), ["../up.html", segment]),
        ("leaves it from within", named(b"a/../../up.html"), ["a/../../up.html", segment]),
        ("leaves it by backslashes", named(b"..\\up.html"), ["up.html", segment]),
        ("leaves it by what is beside the name", with(hidden), ["../up.txt", segment]),
        ("begins at the root", named(b"/etc/passwd"), ["/etc/passwd", "absolute"]),
        ("begins at another machine", named(b"\\\\host\\a"), ["host", "absolute"]),
        ("begins at a drive", named(b"C:/a.html"), ["C:/a.html", "drive letter"]),
        ("has a line break", named(b"a\nb.html"), ["a\\nb.html", "control character"]),
        ("has a NUL", named(b"a\0.html"), ["a\\0.html", "control character"]),
        ("has an empty part", named(b"a//b.html"), ["a//b.html", segment]),
        ("is empty", named(b""), ["\"\"", segment]),
        ("is a dot", named(b"./a.html"), ["./a.html", segment]),
        ("is very long", named(&[b'a'; 1_025]), ["aaaa", "too long"]),
        ("is said to be UTF-8, and is not", with(broken), ["caf", "not UTF-8"]),
        ("is there twice", pack(&twice).0, ["index.html", "name of another file"]),
        ("differs in case only", named(b"INDEX.html"), ["INDEX.html", "case only"]),
    ]
}

fn kinds() -> Vec<Case> {
    let file = || File::stored("it", b"/etc/passwd");
    let of = |mode| with(File { mode, ..file() });
    let packed = |method| with(File { method, ..file() });
    vec![
        ("a link", of(0o120_777), ["\"it\"", "link or a device"]),
        ("a device", of(0o020_666), ["\"it\"", "link or a device"]),
        ("a named pipe", of(0o010_666), ["\"it\"", "link or a device"]),
        ("encrypted", with(File { flags: UTF_8 | 1, ..file() }), ["\"it\"", "is encrypted"]),
        ("bzip2", packed(12), ["\"it\"", "packed in another way"]),
        ("LZMA", packed(14), ["\"it\"", "packed in another way"]),
        ("Zstandard", packed(93), ["\"it\"", "packed in another way"]),
    ]
}

fn damaged() -> Vec<Case> {
    let file = || File::stored("it", &[b'a'; 1_000]);
    let deflated = |packed: &[u8]| File { method: DEFLATE, packed: packed.to_vec(), ..file() };
    let large = || File::stored("film.mp4", &vec![7; 3_000_000]);
    vec![
        ("another checksum", with(File { crc32: 1, ..large() }), ["film.mp4", "checksum"]),
        ("bytes that unpack to nothing", with(deflated(&[0xff; 300])), ["\"it\"", "is damaged"]),
        ("packed bytes that end early", with(deflated(b"\x4b")), ["\"it\"", "shorter"]),
        ("more than it says", with(File { size: 10, ..file() }), ["\"it\"", "longer"]),
        ("less than it says", with(File { size: 9_999, ..file() }), ["\"it\"", "shorter"]),
        (
            "zeros that are more than they say",
            with(File { size: 4_000_000, ..File::zeros("it", 4_100_000) }),
            ["\"it\"", "longer"],
        ),
        ("past the end", with(File { beyond: 1 << 20, ..file() }), ["\"it\"", "is cut off"]),
        ("a header elsewhere", with(File { header: Some(7), ..file() }), ["\"it\"", "overlaps"]),
        ("a header that is none", header_that_is_none(), ["cmi5.xml", "not where"]),
        ("in another's bytes", overlapping(), ["film.mp4", "overlaps"]),
        ("a bomb", with(File::zeros("it", 20_000_000)), ["\"it\"", "200 times its packed size"]),
        ("many small bombs", bombs(), ["the archive", "200 times its size"]),
        ("more than there may be", giants(), ["the archive", "unpacks to more than"]),
    ]
}

fn header_that_is_none() -> Vec<u8> {
    let mut bytes = pack(&good()).0;
    bytes.iter_mut().take(4).for_each(|byte| *byte = b'X');
    // So that it is still taken for an archive.
    let (mut junk, length) = (b"PK\x03\x04".to_vec(), 4);
    let end = bytes.len() - 6;
    let field = bytes.get(end..end + 4).and_then(|field| field.try_into().ok());
    let start = field.map(u32::from_le_bytes).unwrap_or_default() + length;
    bytes.splice(end..end + 4, start.to_le_bytes());
    let mut at = (start - length) as usize;
    while bytes.get(at..at + 4) == Some(b"PK\x01\x02") {
        let field = bytes.get(at + 42..at + 46).and_then(|field| field.try_into().ok());
        let moved = field.map(u32::from_le_bytes).unwrap_or_default() + length;
        bytes.splice(at + 42..at + 46, moved.to_le_bytes());
        let name = bytes.get(at + 28..at + 30).and_then(|field| field.try_into().ok());
        at += 46 + usize::from(name.map(u16::from_le_bytes).unwrap_or_default());
    }
    junk.extend(bytes);
    junk
}

fn overlapping() -> Vec<u8> {
    let mut files = good();
    let inner = File::stored("inner", b"x");
    let mut film = inner.local();
    film.extend([0; 100]);
    let at = files.iter().map(|file| file.local().len()).sum::<usize>();
    let film = File::stored("film.mp4", &film);
    let header = Some((at + 30 + film.name.len()) as u32);
    files.push(film);
    let mut bytes = pack(&files).0;
    // The list names the inner one, too.
    let end = bytes.len() - 22;
    let entry = File { header, ..inner }.central(0);
    bytes.splice(end..end, entry.iter().copied());
    let (end, count) = (bytes.len() - 22, (files.len() as u16 + 1).to_le_bytes());
    bytes.splice(end + 8..end + 12, [count, count].concat());
    bytes
}

fn bombs() -> Vec<u8> {
    let mut files = good();
    let bomb = File::zeros("", 4 << 20);
    let named = |number: usize| File { name: format!("{number}").into_bytes(), ..bomb.clone() };
    files.extend((0..300).map(named));
    pack(&files).0
}

fn giants() -> Vec<u8> {
    let mut files = good();
    let mut giant = File::stored("", &vec![0; 20 << 20]);
    (giant.size, giant.method) = (4_000_000_000, DEFLATE);
    let named = |number: usize| File { name: format!("{number}").into_bytes(), ..giant.clone() };
    files.extend((0..5).map(named));
    pack(&files).0
}

fn lists() -> Vec<Case> {
    let (good, start) = pack(&good());
    let unreadable = |rule| ["the archive cannot be read", rule];
    let cut = |end: usize| good.get(..end).unwrap_or_default().to_vec();
    let mut comment = good.clone();
    comment.splice(good.len() - 2..good.len(), [0xff, 0xff]);
    let mut elsewhere = good.clone();
    elsewhere.splice(good.len() - 6..good.len() - 2, [0xff, 0xff, 0xff, 0x7f]);
    let mut long = good.clone();
    long.splice(start + 28..start + 30, [0xff, 0xff]);
    let end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e\0\0\0\0\0\0\0\0\0".repeat(200_000);
    vec![
        ("nothing", Vec::new(), unreadable("")),
        ("no archive", b"this is no archive".to_vec(), unreadable("")),
        ("half of one", cut(good.len() / 2), unreadable("")),
        ("one without its last bytes", cut(good.len() - 3), unreadable("")),
        ("one without a list", cut(start), unreadable("")),
        ("a comment that goes past the end", comment, unreadable("")),
        ("a list that is elsewhere", elsewhere, unreadable("")),
        ("a list that ends in a name", long, unreadable("")),
        ("very many ends", end, unreadable("leads to no end")),
        ("a list that claims everything", claims(), ["the archive", "20000 files"]),
        ("too many files", many(), ["the archive", "20000 files"]),
        ("no end in sight", vec![b'P'; 20 << 20], ["the archive", "16777216 bytes"]),
    ]
}

/// A zip64 record that would have a reader make room for 2^40 files.
fn claims() -> Vec<u8> {
    let mut bytes = pack(&good()).0;
    let end = bytes.split_off(bytes.len() - 22);
    let at = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([(1_u64 << 40).to_le_bytes(), (1_u64 << 40).to_le_bytes()].concat());
    bytes.extend([0; 16]);
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(at.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(end);
    let end = bytes.len() - 14;
    bytes.splice(end..end + 4, [0xff; 4]);
    bytes
}

fn many() -> Vec<u8> {
    let mut files = good();
    files.extend((0..20_000).map(|number| File::stored(&format!("{number}"), b"")));
    pack(&files).0
}

fn manifests() -> Vec<Case> {
    let alone = |name: &str, data: &[u8]| pack(&[File::stored(name, data)]).0;
    let page = File::stored("index.html", course::PAGE.as_bytes());
    let of = |structure: &[u8]| pack(&[File::stored("cmi5.xml", structure), page.clone()]).0;
    let structure = course::structure("https://example.org/hostile", "Hostile");
    let entities = structure.replacen(
        "<courseStructure",
        "<!DOCTYPE a [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><courseStructure",
        1,
    );
    let padded = format!("{structure}{}", " ".repeat(9 << 20));
    let unit = ["index.html", "which is no file"];
    vec![
        ("no course", alone("a.bin", b"x"), ["the package has none of", "cmi5.xml"]),
        ("a unit that is not there", alone("cmi5.xml", structure.as_bytes()), unit),
        ("a manifest that is no XML", of(b"<course"), ["cmi5.xml", ""]),
        ("a manifest that grows", of(entities.as_bytes()), ["cmi5.xml", ""]),
        ("a manifest that is too large", of(padded.as_bytes()), ["cmi5.xml", "8388608 bytes"]),
        ("a manifest in no known letters", of(b"\xff\xff\xff"), ["cmi5.xml", "neither UTF-8"]),
    ]
}
