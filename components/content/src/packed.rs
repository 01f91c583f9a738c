//! Packed forms of a package's files: made once, when it is imported, for all who take them.
//!
//! They are files of the package too, in a folder that archives may not have. So they go to other
//! nodes as all files do, of whatever release, and need nothing of the store (ADR 23).

use hedgeschool_package::media_type;
use hedgeschool_web::Problem;
use hedgeschool_web::coding::Coding;
use spin_sdk::wit_bindgen::yield_async;

use crate::blob_writer::{BlobWriter, PIECE_BYTES};
use crate::packer::{Effort, Packer};
use crate::store::{self, File};

/// The folder of a package that packed forms are in.
const FOLDER: &str = ".hedgeschool/";
/// What is smaller fits into the packet that the head of the answer is in, in bytes.
const FILE_BYTES_MIN: u64 = 1 << 10;
/// What is larger is left as it is, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// What is larger is not packed while somebody waits for it, in bytes.
const WAITED_BYTES_MAX: u64 = 512 << 10;
/// How much of a package is packed, in bytes of the files: what comes later is left as it is.
const TOTAL_BYTES_MAX: u64 = 16 << 20;
/// How much of it with the most effort, in files of which size at most.
const TOTAL_BYTES_FINE: u64 = 2 << 20;
const FILE_BYTES_FINE: u64 = 256 << 10;
/// How much is packed before the instance does something else, in bytes.
const STEP_BYTES: u32 = 64 << 10;
/// What the store lists of a package at most: files, and of a path, bytes.
const LISTED_MAX: usize = 20_000;
const PATH_BYTES_MAX: usize = 1_024;
/// How long the list may become by packed forms, in bytes as other nodes get it: these take 8 MiB.
const LIST_BYTES_MAX: usize = 3 << 20;
/// What a file takes there beside its path and its type: the hashes of it and of its one piece.
const LISTED_BYTES: usize = 250;

/// Whether a path is that of a packed form, or could be: nobody asks for these.
pub fn is_reserved(path: &str) -> bool {
    path.starts_with(FOLDER)
}

/// The path of a file's packed form.
pub fn packed_path(coding: Coding, path: &str) -> String {
    format!("{FOLDER}{}/{path}", coding.name())
}

/// Whether files of this type may have packed forms: those of which packing leaves something away.
pub fn is_packable(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+json")
        || matches!(
            essence,
            "application/json"
                | "application/javascript"
                | "application/x-javascript"
                | "application/xml"
                | "application/xml-dtd"
                | "application/wasm"
                | "application/font-sfnt"
                | "application/rtf"
                | "application/x-subrip"
                | "application/vnd.ms-fontobject"
                | "font/ttf"
                | "font/otf"
                | "font/collection"
        )
}

/// Whether the file at a path may have packed forms.
pub fn may_be_packed(path: &str) -> bool {
    is_packable(&media_type(path))
}

/// Whether a document that was changed is packed while somebody waits for it, by its bytes.
pub fn is_quick(bytes: usize) -> bool {
    (FILE_BYTES_MIN..=WAITED_BYTES_MAX).contains(&(bytes as u64))
}

/// Whether the form is worth its place: a tenth is saved.
pub fn is_worth_it(packed: usize, size: u64) -> bool {
    (packed as u64) <= size - size / 10
}

/// Packing the files of a package, which are all stored. One file a step, and the same files are
/// packed the same: a package is named by all that is in it.
pub struct Packing {
    files: std::vec::IntoIter<File>,
    /// Those that had their turn, and behind them forms, whose hashes `blobs` knows.
    done: Vec<File>,
    forms: Vec<File>,
    blobs: BlobWriter,
    /// How many bytes have been packed, and how many of these with the most effort.
    total: u64,
    fine: u64,
    /// Bytes of the list that forms have taken.
    listed: usize,
}

impl Packing {
    /// Begins with all files of an upload. 400 for one that has ours.
    pub fn new(upload: &str, files: Vec<File>) -> Result<Self, Problem> {
        if let Some(file) = files.iter().find(|file| is_reserved(&file.path)) {
            let path = &file.path;
            return Err(Problem::bad_request(format!("{path:?}: names in {FOLDER} are ours")));
        }
        let (done, forms, blobs) = (Vec::new(), Vec::new(), BlobWriter::new(upload));
        Ok(Self { files: files.into_iter(), done, forms, blobs, total: 0, fine: 0, listed: 0 })
    }

    /// Packs the next file, if it is worth it. False: there is none.
    pub async fn pack_next(&mut self) -> Result<bool, Problem> {
        let Some(file) = self.files.next() else { return Ok(false) };
        let is_fitting = (FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&file.size);
        let has_room = self.total + file.size <= TOTAL_BYTES_MAX;
        if is_fitting && has_room && is_packable(&file.media_type) {
            self.total += file.size;
            for (coding, packed) in pack_file(&file, self.take_effort(file.size)).await? {
                self.add_form(&file, coding, packed).await?;
            }
        }
        self.done.push(file);
        Ok(true)
    }

    fn take_effort(&mut self, size: u64) -> Effort {
        if size > FILE_BYTES_FINE || self.fine + size > TOTAL_BYTES_FINE {
            return Effort::Some;
        }
        self.fine += size;
        Effort::Most
    }

    /// The files with their forms.
    pub async fn finish(mut self) -> Result<Vec<File>, Problem> {
        self.done.extend(self.files);
        let hashes = self.blobs.finish().await?;
        let forms = self.forms.into_iter().zip(hashes);
        self.done.extend(forms.map(|(form, hash)| File { hash, ..form }));
        Ok(self.done)
    }

    async fn add_form(
        &mut self,
        file: &File,
        coding: Coding,
        packed: Vec<u8>,
    ) -> Result<(), Problem> {
        let path = packed_path(coding, &file.path);
        let listed = self.listed + path.len() + file.media_type.len() + LISTED_BYTES;
        let count = self.files.len() + self.done.len() + self.forms.len() + 1;
        let is_listed = count < LISTED_MAX && listed <= LIST_BYTES_MAX;
        let is_fitting = packed.len() <= PIECE_BYTES && path.len() <= PATH_BYTES_MAX;
        if is_listed && is_fitting && is_worth_it(packed.len(), file.size) {
            self.listed = listed;
            self.forms.push(File { path, size: packed.len() as u64, ..file.clone() });
            self.blobs.put_file(packed).await?;
        }
        Ok(())
    }
}

/// A file in every coding.
async fn pack_file(file: &File, effort: Effort) -> Result<Vec<(Coding, Vec<u8>)>, Problem> {
    let mut packers = Coding::ALL.map(|coding| (coding, Packer::new(coding, effort, file.size)));
    let mut start = 0;
    while start < file.size {
        let lost = || Problem::internal(format!("blob {} lacks bytes from {start}", file.hash));
        let bytes = store::read_blob(file.hash.clone(), start, STEP_BYTES).await?;
        let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(lost)?;
        for (_, packer) in &mut packers {
            packer.write(&bytes).map_err(Problem::internal)?;
        }
        start += bytes.len() as u64;
        // Reading stops the instance, and so does packing: between them it is others' turn.
        yield_async().await;
    }
    let packed = |(coding, packer): (Coding, Packer)| Ok((coding, packer.finish()?));
    let packed: Result<Vec<_>, std::io::Error> = packers.into_iter().map(packed).collect();
    packed.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_code_and_plain_fonts_are_packed_and_nothing_that_is_packed_already() {
        let packed = [
            "a.html",
            "a.htm",
            "a.xhtml",
            "a.css",
            "a.js",
            "a.mjs",
            "a.json",
            "a.xml",
            "a.svg",
            "a.vtt",
            "a.srt",
            "a.txt",
            "a.csv",
            "a.md",
            "a.wasm",
            "a.ttf",
            "a.otf",
            "a.eot",
            "a.xsd",
            "a.dtd",
            "a.webmanifest",
            "a.map",
            "INDEX.HTML",
        ];
        for path in packed {
            assert!(may_be_packed(path), "{path}: {}", media_type(path));
        }
        let left = [
            "a.png", "a.jpg", "a.webp", "a.gif", "a.mp4", "a.webm", "a.mp3", "a.ogg", "a.woff",
            "a.woff2", "a.zip", "a.pdf", "a.epub", "a.docx", "a.swf", "a", "a.bin",
        ];
        for path in left {
            assert!(!may_be_packed(path), "{path}: {}", media_type(path));
        }
    }

    #[test]
    fn forms_have_places_that_nobody_asks_for() {
        assert_eq!(packed_path(Coding::Gzip, "a/b.js"), ".hedgeschool/gzip/a/b.js");
        assert!(Coding::ALL.iter().all(|coding| is_reserved(&packed_path(*coding, "a"))));
        assert!(!is_reserved(".hedgeschool") && !is_reserved("a/.hedgeschool/b"));
    }

    #[test]
    fn a_tenth_has_to_be_saved() {
        assert!(is_worth_it(900, 1_000) && !is_worth_it(901, 1_000) && is_worth_it(0, 0));
    }
}
