//! A package of 2 GB, as no repository has it: it is made for the run.
//!
//! `HEDGE_TEST_COURSE_BYTES` makes it another size.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, course, is_own_host, repository};
use rand::Rng;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const IRI: &str = "https://example.org/films";
/// Bytes of the package.
const BYTES: u64 = 2_000_000_000;
/// How much the node's memory may grow by it.
const GROWTH_MAX: u64 = 64 << 20;
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of which a film is made.
const BLOCK: usize = 1 << 20;
/// How much of the end of a film is compared.
const COMPARED: u64 = 8 << 20;

/// Writes a package: a film, half of it all, eight more that are packed, and many small files.
/// Answers the hash of the first film's last bytes.
fn write(path: &Path, bytes: u64) -> Result<String> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path)?));
    let packed = SimpleFileOptions::default().compression_level(Some(1));
    let stored = packed.compression_method(CompressionMethod::Stored).compression_level(None);
    for (name, text) in
        [("cmi5.xml", course::structure(IRI, "Films").as_str()), ("index.html", course::PAGE)]
    {
        zip.start_file(name, packed)?;
        zip.write_all(text.as_bytes())?;
    }
    zip.start_file("film.mp4", stored)?;
    let mut block = vec![0; BLOCK];
    let blocks = bytes / 2 / BLOCK as u64;
    let mut end = Sha256::new();
    for number in 0..blocks {
        rand::rng().fill_bytes(&mut block);
        zip.write_all(&block)?;
        if (blocks - number) * BLOCK as u64 <= COMPARED {
            end.update(&block);
        }
    }
    for number in 0..8 {
        zip.start_file(format!("more/{number}.mp4"), packed)?;
        for _ in 0..blocks * 3 / 4 / 8 {
            rand::rng().fill_bytes(&mut block);
            zip.write_all(&block)?;
        }
    }
    for number in 0..bytes / 4 / 250_000 {
        zip.start_file(format!("pages/{number}.bin"), packed)?;
        rand::rng().fill_bytes(&mut block[..250_000]);
        zip.write_all(&block[..250_000])?;
    }
    zip.finish()?.flush()?;
    Ok(format!("{:x}", end.finalize()))
}

/// Imports a file as one does.
fn import(node: &Node, file: &Path) -> Result<()> {
    let mut command = Command::new(repository("target/host/hedge"));
    command.args(["course", "import"]).arg(file);
    command.args(["--url", &node.address(), "--user", Node::ADMIN]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains(IRI), "{said}{wrong}");
    Ok(())
}

#[test]
fn two_gigabytes_are_imported_in_little_memory() -> Result<()> {
    let bytes = std::env::var("HEDGE_TEST_COURSE_BYTES").ok();
    let bytes = bytes.map_or(Ok(BYTES), |bytes| bytes.parse())?;
    let node = Node::builder()?.on_disk()?.start()?;
    let folder = tempfile::tempdir_in(repository("target"))?;
    let (small, large) = (folder.path().join("small.zip"), folder.path().join("large.zip"));
    std::fs::write(&small, course::package("https://example.org/small", "Small")?)?;
    // What the first import of all takes is not this one's.
    node.admin()
        .send(
            http::Method::POST,
            course::COURSES,
            Some(("application/zip", &std::fs::read(&small)?)),
        )?
        .expect(201)?;
    let end = write(&large, bytes)?;
    let before = node.memory()?;
    let (most, is_over, start) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                most.fetch_max(node.memory().unwrap_or(u64::MAX), Ordering::SeqCst);
                thread::sleep(LOOK);
            }
        });
        let imported = import(&node, &large);
        is_over.store(true, Ordering::SeqCst);
        imported
    })?;
    let (took, growth) = (start.elapsed(), most.into_inner().saturating_sub(before));
    println!("{bytes} bytes in {took:?}; memory grew by {} MB at most", growth >> 20);
    ensure!(!is_own_host() || growth < GROWTH_MAX, "memory grew by {} MB", growth >> 20);
    let courses = node.admin().get(course::COURSES)?.expect(200)?.json()?;
    let listed = courses["courses"].as_array().context("a list")?;
    let films =
        listed.iter().find(|course| course["id"] == IRI).context("the course is missing")?;
    let package = films["package"].as_str().context("a package")?;
    let size = bytes / 2 / BLOCK as u64 * BLOCK as u64;
    let range = format!("bytes={}-{}", size.saturating_sub(COMPARED), size - 1);
    let last = node.content().with_header("range", &range);
    let last = last.get(&format!("/content/p/{package}/film.mp4"))?.expect(206)?.body;
    ensure!(format!("{:x}", Sha256::digest(&last)) == end, "it delivers another film");
    Ok(())
}
