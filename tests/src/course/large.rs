//! A large course: one long video, some shorter ones, and many small files.

use std::io::{Cursor, Write};

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Client, Node, course};

/// How the sizes of a large course's files are shared out: of all, in percent, and how large each
/// is at most.
const LONG_PERCENT: u64 = 50;
const MEDIUM_PERCENT: u64 = 40;
const MEDIUM_FILES: u64 = 8;
const SMALL_BYTES: u64 = 20_000;
/// Bytes that are alike but for their number.
const BLOCK_BYTES: usize = 1_024;
/// How much of a file is read by one request.
const RANGE_BYTES: u64 = 32 << 20;

/// A course of very many very small files with long names.
pub fn scattered(id: &str, files: usize) -> Result<Large> {
    let mut large = Packing::default();
    large.add("cmi5.xml", course::structure(id, "A scattered course").as_bytes())?;
    large.add("index.html", course::PAGE.as_bytes())?;
    for number in 2..files {
        large.add(
            &format!("{}{number}", "a-long-name/".repeat(25)),
            number.to_string().as_bytes(),
        )?;
    }
    large.packed(id)
}

/// A course that was packed.
pub struct Large {
    /// Its IRI.
    pub id: String,
    /// The archive.
    pub zip: Vec<u8>,
    /// Bytes of all files together.
    pub bytes: u64,
    files: Vec<File>,
}

struct File {
    path: String,
    size: u64,
    hash: String,
}

/// A course whose files are about as many bytes together, no two pieces of them alike. They
/// compress well.
pub fn large(id: &str, bytes: u64) -> Result<Large> {
    let mut large = Packing::default();
    large.add("cmi5.xml", course::structure(id, "A large course").as_bytes())?;
    large.add("index.html", course::PAGE.as_bytes())?;
    large.fill("long.mp4", bytes * LONG_PERCENT / 100)?;
    for number in 0..MEDIUM_FILES {
        large.fill(&format!("videos/{number}.mp4"), bytes * MEDIUM_PERCENT / 100 / MEDIUM_FILES)?;
    }
    for number in 0..bytes * (100 - LONG_PERCENT - MEDIUM_PERCENT) / 100 / SMALL_BYTES {
        large.fill(&format!("pages/{number}.json"), SMALL_BYTES)?;
    }
    large.packed(id)
}

struct Packing {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    files: Vec<File>,
    /// Blocks written so far: each has its number, so that nothing is deduplicated.
    blocks: u64,
}

impl Default for Packing {
    fn default() -> Self {
        Self { zip: ZipWriter::new(Cursor::new(Vec::new())), files: Vec::new(), blocks: 0 }
    }
}

impl Packing {
    fn packed(self, id: &str) -> Result<Large> {
        let bytes = self.files.iter().map(|file| file.size).sum();
        let zip = self.zip.finish()?.into_inner();
        Ok(Large { id: id.to_owned(), zip, bytes, files: self.files })
    }

    fn add(&mut self, path: &str, data: &[u8]) -> Result<()> {
        self.zip.start_file(path, SimpleFileOptions::default())?;
        self.zip.write_all(data)?;
        let (size, hash) = (data.len() as u64, format!("{:x}", Sha256::digest(data)));
        self.files.push(File { path: path.to_owned(), size, hash });
        Ok(())
    }

    fn fill(&mut self, path: &str, size: u64) -> Result<()> {
        self.zip.start_file(path, SimpleFileOptions::default().compression_level(Some(1)))?;
        let mut hash = Sha256::new();
        let mut left = size;
        while left > 0 {
            let mut block = [b'.'; BLOCK_BYTES];
            block[..8].copy_from_slice(&self.blocks.to_le_bytes());
            self.blocks += 1;
            let length = usize::try_from(left).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
            let block = block.get(..length).unwrap_or_default();
            hash.update(block);
            self.zip.write_all(block)?;
            left -= block.len() as u64;
        }
        self.files.push(File {
            path: path.to_owned(),
            size,
            hash: format!("{:x}", hash.finalize()),
        });
        Ok(())
    }
}

impl Large {
    /// Imports it at a node.
    pub fn import(&self, admin: &Client) -> Result<()> {
        let zip = Some(("application/zip", self.zip.as_slice()));
        admin.send(Method::POST, course::COURSES, zip)?.expect(201).map(drop)
    }

    /// The course, if it is at a node.
    pub fn find(&self, admin: &Client) -> Result<Option<Value>> {
        let id: String = form_urlencoded::byte_serialize(self.id.as_bytes()).collect();
        let answer = admin.get(&format!("{}/{id}", course::COURSES))?;
        if answer.status == 404 { Ok(None) } else { answer.expect(200)?.json().map(Some) }
    }

    /// Checks that a node has the course, and each of its files to the last byte.
    pub fn check(&self, node: &Node) -> Result<()> {
        self.check_some(node, 1)
    }

    /// Checks one of so many files.
    pub fn check_some(&self, node: &Node, one_of: usize) -> Result<()> {
        let course = self.find(&node.admin())?.context("the course is not there")?;
        let package = course.get("package").and_then(Value::as_str);
        let package = package.context("a course without a package")?;
        for file in self.files.iter().step_by(one_of) {
            let address = format!("/content/p/{package}/{}", file.path);
            ensure!(
                hash(&node.content(), &address, file.size)? == file.hash,
                "{} is another",
                file.path
            );
        }
        Ok(())
    }
}

/// SHA-256 of what is at an address.
fn hash(client: &Client, address: &str, size: u64) -> Result<String> {
    let mut hash = Sha256::new();
    for start in (0..size).step_by(RANGE_BYTES as usize) {
        let end = (start + RANGE_BYTES).min(size) - 1;
        let client = client.clone().with_header("range", &format!("bytes={start}-{end}"));
        hash.update(&client.get(address)?.expect(206)?.body);
    }
    Ok(format!("{:x}", hash.finalize()))
}
