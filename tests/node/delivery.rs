//! Files of courses on their way: packed for who unpacks them, and the same in the end.

use std::fs;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use brotli::Decompressor;
use flate2::read::GzDecoder;
use hedgeschool_tests::{Client, Node, Response, course, repository};
use http::Method;
use rusqlite::Connection;

use crate::apart::World;
use crate::tree::{pair, soon};

/// What browsers send by TLS, and by plain HTTP.
const SECURE: &str = "gzip, deflate, br, zstd";
const PLAIN: &str = "gzip, deflate";
const PUBLIC: &str = "/content/v1/courses?public=true";
const SCRIPT: &str = "<script src=\"/content/storage.js\"></script>";
/// A picture by its name, of which packing would leave much away.
const PICTURE: [u8; 5_000] = [b'a'; 5_000];

/// Text with a little of everything, and `lines` lines.
fn text(lines: usize) -> String {
    (0..lines)
        .map(|line| format!("line {line} of a lesson, and {:x}\n", line * line * 77))
        .collect()
}

fn document() -> String {
    format!("<!doctype html><title>Unit</title><pre>{}</pre>", text(200))
}

/// Starts a node with a course of a script, a document, a picture and a short text.
fn start(imported_at: &str) -> Result<World> {
    let (script, document) = (text(400), document());
    let files: [(&str, &[u8]); 5] = [
        ("index.html", document.as_bytes()),
        ("pages/index.html", document.as_bytes()),
        ("a script.js", script.as_bytes()),
        ("short.txt", b"short"),
        ("picture.png", &PICTURE),
    ];
    World::of(Node::start()?, imported_at, &files)
}

fn taking(client: &Client, codings: &str) -> Client {
    client.clone().with_header("accept-encoding", codings)
}

/// The body, unpacked as the answer says.
fn unpacked(answer: &Response) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let packed = answer.body.as_slice();
    match answer.header("content-encoding") {
        "" => return Ok(packed.to_vec()),
        "br" => Decompressor::new(packed, 4_096).read_to_end(&mut bytes)?,
        "gzip" => GzDecoder::new(packed).read_to_end(&mut bytes)?,
        other => bail!("{other:?} is no coding"),
    };
    Ok(bytes)
}

#[test]
fn a_file_is_packed_for_who_takes_it_and_each_form_has_a_name() -> Result<()> {
    let world = start(PUBLIC)?;
    let path = format!("/content/p/{}/a%20script.js", world.package());
    let whole = text(400);
    let mut tags = Vec::new();
    for (taken, coding) in [("", ""), (PLAIN, "gzip"), (SECURE, "br"), ("br;q=0.1, *", "gzip")] {
        let client = taking(&world.stranger(), taken);
        let answer = client.get(&path)?.expect(200)?;
        ensure!(answer.header("content-encoding") == coding, "{taken}: {answer:?}");
        ensure!(unpacked(&answer)? == whole.as_bytes(), "{taken}: it is another file");
        ensure!(coding.is_empty() || answer.body.len() < whole.len() / 2, "{taken}");
        ensure!(answer.header("vary") == "accept-encoding", "{answer:?}");
        ensure!(answer.header("content-type") == "text/javascript; charset=utf-8", "{answer:?}");
        ensure!(answer.header("cache-control").ends_with("immutable"), "{answer:?}");
        ensure!(answer.header("access-control-allow-origin") == "*", "{answer:?}");
        ensure!(answer.header("accept-ranges").is_empty() != coding.is_empty(), "{answer:?}");
        let head = client.head(&path)?.expect(200)?;
        for name in ["content-encoding", "content-length", "content-type", "etag", "vary"] {
            ensure!(head.header(name) == answer.header(name), "{taken}: {name}: {head:?}");
        }
        let tag = answer.header("etag").to_owned();
        let known = client.clone().with_header("if-none-match", &tag).get(&path)?.expect(304)?;
        ensure!(known.header("etag") == tag && known.header("vary") == "accept-encoding");
        tags.push(tag);
    }
    ensure!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    ensure!(tags[1] == tags[3] && tags.iter().all(|tag| tag.starts_with('"')), "{tags:?}");
    // Who has it in one form does not have it in the other.
    let other = taking(&world.stranger(), SECURE).with_header("if-none-match", &tags[1]);
    other.get(&path)?.expect(200)?;
    for (name, vary) in [("short.txt", "accept-encoding"), ("picture.png", "")] {
        let path = format!("/content/p/{}/{name}", world.package());
        let answer = taking(&world.stranger(), SECURE).get(&path)?.expect(200)?;
        ensure!(answer.header("content-encoding").is_empty(), "{answer:?}");
        ensure!(answer.header("vary") == vary, "{answer:?}");
    }
    Ok(())
}

#[test]
fn ranges_are_of_the_file_as_it_is() -> Result<()> {
    let world = start(PUBLIC)?;
    let (path, whole) = (format!("/content/p/{}/a%20script.js", world.package()), text(400));
    let client = taking(&world.stranger(), PLAIN);
    let plain = world.stranger().get(&path)?.expect(200)?;
    let packed = client.get(&path)?.expect(200)?;
    let part = client.clone().with_header("range", "bytes=1000-1999");
    let answer = part.get(&path)?.expect(206)?;
    ensure!(answer.body == whole.as_bytes()[1_000..2_000], "{answer:?}");
    ensure!(answer.header("content-range") == format!("bytes 1000-1999/{}", whole.len()));
    ensure!(answer.header("etag") == plain.header("etag"), "{answer:?}");
    ensure!(answer.header("content-encoding").is_empty(), "{answer:?}");
    let going_on = part.clone().with_header("if-range", plain.header("etag"));
    going_on.get(&path)?.expect(206)?;
    // Who has some of the packed form has nothing of the file.
    let anew = part.with_header("if-range", packed.header("etag")).get(&path)?.expect(200)?;
    ensure!(unpacked(&anew)? == whole.as_bytes() && anew.body.len() == whole.len());
    let beyond = client.with_header("range", "bytes=999999-");
    beyond.get(&path)?.expect(416)?;
    let strict = taking(&world.stranger(), "identity;q=0, gzip");
    let answer = strict.with_header("range", "bytes=0-9").get(&path)?.expect(200)?;
    ensure!(answer.body == packed.body && answer.header("content-encoding") == "gzip");
    Ok(())
}

#[test]
fn documents_are_packed_with_our_script_in_them() -> Result<()> {
    let world = start(course::COURSES)?;
    let (granted, whole) = (world.granted("ada")?, document());
    let mut tags = Vec::new();
    for name in ["index.html", "pages/", "pages/index.html"] {
        let path = format!("{granted}{name}");
        for (taken, coding) in [("", ""), (PLAIN, "gzip"), (SECURE, "br")] {
            let client = taking(&world.stranger(), taken);
            // Each twice: the second one is remembered.
            for _ in 0..2 {
                let answer = client.get(&path)?.expect(200)?;
                ensure!(answer.header("content-encoding") == coding, "{taken}: {answer:?}");
                let page = String::from_utf8(unpacked(&answer)?)?;
                ensure!(page.contains(SCRIPT) && page.replace(SCRIPT, "") == whole, "{page}");
                let length = answer.body.len();
                ensure!(coding.is_empty() || length < whole.len() / 2, "{taken}: {length} bytes");
                ensure!(answer.header("vary") == "accept-encoding, sec-fetch-dest", "{answer:?}");
                tags.push(answer.header("etag").to_owned());
            }
            // Read by a script, it is the file.
            let read = client.with_header("sec-fetch-dest", "empty").get(&path)?.expect(200)?;
            ensure!(read.header("content-encoding") == coding, "{taken}: {read:?}");
            ensure!(unpacked(&read)? == whole.as_bytes(), "{taken}: it is not the file");
            tags.push(read.header("etag").to_owned());
        }
    }
    tags.sort();
    tags.dedup();
    ensure!(tags.len() == 6, "three forms of two things: {tags:?}");
    Ok(())
}

#[test]
fn packed_forms_have_no_address_and_no_archive_brings_any() -> Result<()> {
    let world = start(PUBLIC)?;
    let package = format!("/content/p/{}", world.package());
    for folder in [".hedgeschool/gzip", "%2Ehedgeschool/br", ".hedgeschool%2Fgzip"] {
        let path = format!("{package}/{folder}/a%20script.js");
        world.stranger().get(&path)?.expect(404)?;
        taking(&world.stranger(), SECURE).get(&path)?.expect(404)?;
    }
    let structure = course::structure("https://example.org/mine", "Mine");
    let files: [(&str, &[u8]); 3] = [
        ("cmi5.xml", structure.as_bytes()),
        ("index.html", course::PAGE.as_bytes()),
        (".hedgeschool/br/index.html", b"something else"),
    ];
    let zip = course::archive(&files)?;
    let zip = Some(("application/zip", zip.as_slice()));
    let refused = world.node.admin().send(Method::POST, course::COURSES, zip)?.expect(400)?;
    ensure!(refused.detail()?.contains(".hedgeschool/br/index.html"), "{refused:?}");
    Ok(())
}

#[test]
fn a_package_is_the_same_whenever_it_is_imported_and_packed_on_every_node() -> Result<()> {
    let (hub, edge) = pair()?;
    let (script, structure) = (text(400), course::structure("https://example.org/same", "Same"));
    let zip = course::archive(&[
        ("cmi5.xml", structure.as_bytes()),
        ("index.html", course::PAGE.as_bytes()),
        ("a.js", script.as_bytes()),
    ])?;
    let zip = Some(("application/zip", zip.as_slice()));
    let first = hub.admin().send(Method::POST, PUBLIC, zip)?.expect(201)?.json()?;
    let again = hub.admin().send(Method::POST, PUBLIC, zip)?.expect(200)?.json()?;
    ensure!(first["package"] == again["package"], "{first} {again}");
    let package = first["package"].as_str().context("no package")?;
    let path = format!("/content/p/{package}/a.js");
    soon("the course arrives", || Ok(edge.content().get(&path)?.status == 200))?;
    for taken in ["", PLAIN, SECURE] {
        let there = taking(&Client::new(&edge.content_address()), taken).get(&path)?.expect(200)?;
        let here = taking(&Client::new(&hub.content_address()), taken).get(&path)?.expect(200)?;
        ensure!(
            there.body == here.body && there.header("etag") == here.header("etag"),
            "{there:?}"
        );
        ensure!(there.header("content-encoding").is_empty() == taken.is_empty(), "{there:?}");
    }
    Ok(())
}

#[test]
fn a_package_of_an_earlier_release_is_sent_as_it_is() -> Result<()> {
    let mut world = start(course::COURSES)?;
    let granted = world.granted("ada")?;
    let path = format!("{granted}a%20script.js");
    world.node.terminate()?;
    let database = Connection::open(world.node.folder().join("content.db"))?;
    let forms = database.execute("DELETE FROM file WHERE path LIKE '.hedgeschool/%'", ())?;
    ensure!(forms > 0, "nothing was packed");
    drop(database);
    world.node.restart()?;
    let client = taking(&world.stranger(), SECURE);
    for _ in 0..2 {
        let answer = client.get(&path)?.expect(200)?;
        ensure!(answer.body == text(400).as_bytes(), "{answer:?}");
        ensure!(answer.header("vary") == "accept-encoding", "{answer:?}");
    }
    // What is packed on its way needs no release.
    let page = client.get(&format!("{granted}index.html"))?.expect(200)?;
    ensure!(page.header("content-encoding") == "br", "{page:?}");
    Ok(())
}

#[test]
fn what_pages_are_made_of_is_packed_too() -> Result<()> {
    let node = Node::start()?;
    let (portal, content) = (node.anonymous(), node.content());
    let paths = [
        (&portal, "/static/portal.css", "text/css; charset=utf-8"),
        (&portal, "/static/hedge.svg", "image/svg+xml"),
        (&content, "/content/storage.js", "text/javascript; charset=utf-8"),
        (&content, "/content/clear", "text/html; charset=utf-8"),
    ];
    for (client, path, media_type) in paths {
        let plain = client.get(path)?.expect(200)?;
        let packing = taking(client, PLAIN);
        let packed = packing.get(path)?.expect(200)?;
        ensure!(packed.header("content-encoding") == "gzip", "{packed:?}");
        ensure!(unpacked(&packed)? == plain.body && !plain.body.is_empty(), "{path}");
        for answer in [&plain, &packed] {
            ensure!(answer.header("content-type") == media_type, "{answer:?}");
            ensure!(answer.header("vary") == "accept-encoding", "{answer:?}");
            ensure!(answer.header("cache-control") == "public, max-age=300", "{answer:?}");
        }
        let tag = packed.header("etag");
        ensure!(tag != plain.header("etag"), "{tag}");
        packing.clone().with_header("if-none-match", tag).get(path)?.expect(304)?;
    }
    Ok(())
}

/// Bytes of an answer by HTTP/1.1: the head, and the body.
fn weight(answer: &Response) -> (usize, usize) {
    let lines = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    ("HTTP/1.1 200 OK\r\n\r\n".len() + lines.sum::<usize>(), answer.body.len())
}

/// What docs/courses.md says, with `-- --nocapture`.
#[test]
fn the_first_lesson_takes_less_than_half() -> Result<()> {
    let folder = repository("examples/demo-course");
    let read = |path: &str| fs::read(folder.join(path)).with_context(|| path.to_owned());
    let loaded = ["hedge-school/index.html", "shared/unit.css", "shared/cmi5.js", "shared/unit.js"];
    let mut files = Vec::new();
    for path in loaded.into_iter().chain(["cmi5.xml", "no-signal/index.html"]) {
        files.push((path, read(path)?));
    }
    let files: Vec<_> = files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
    let world = World::import(Node::start()?, course::COURSES, &course::archive(&files)?)?;
    let granted = world.granted("ada")?;
    let package = granted.strip_suffix("hedge-school/").context("it is another unit")?;
    let paths = loaded.map(|path| format!("{package}{path}"));
    let mut sums = Vec::new();
    for taken in ["", PLAIN, SECURE] {
        let client = taking(&world.stranger(), taken);
        let (mut heads, mut bodies) = (0, 0);
        for path in paths.iter().map(String::as_str).chain(["/content/storage.js"]) {
            let (head, body) = weight(&client.get(path)?.expect(200)?);
            (heads, bodies) = (heads + head, bodies + body);
        }
        println!("{taken:>24}: heads {heads}, bodies {bodies}, together {}", heads + bodies);
        sums.push((bodies, heads + bodies));
    }
    ensure!(sums[2].0 < sums[1].0 && sums[2].1 * 2 < sums[0].1, "{sums:?}");
    Ok(())
}
