//! Packages are sent piece by piece, over whatever link there is: nothing that arrived is sent
//! again, and nothing stays of what is refused or given up.

use std::fs;
use std::io::{Cursor, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::upload::{self, UPLOADS, Upload, underway};
use hedgeschool_tests::{Link, Node, course, eventually, is_own_host, repository, statement};
use http::Method;
use rand::Rng;
use rusqlite::Connection;
use serde_json::{Value, json};
use zip::ZipArchive;

const IRI: &str = "https://example.org/course";

/// A package with a large file that zip does not make smaller.
fn package(bytes: usize) -> Result<Vec<u8>> {
    let mut film = vec![0; bytes];
    rand::rng().fill_bytes(&mut film);
    let structure = course::structure(IRI, "Hedges");
    let page = course::PAGE.as_bytes();
    course::archive(&[
        ("cmi5.xml", structure.as_bytes()),
        ("index.html", page),
        ("film.bin", &film),
    ])
}

/// How many courses, blobs and pieces of uploads a node's database has.
fn left(node: &Node) -> Result<[u64; 3]> {
    let database = Connection::open(node.folder().join("content.db"))?;
    let count = |table: &str| -> Result<u64> {
        Ok(database.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0))?)
    };
    Ok([count("course")?, count("blob")?, count("upload_piece")?])
}

/// Waits until nothing is left of uploads, and answers how many courses and blobs are there.
pub fn cleared(node: &Node) -> Result<[u64; 2]> {
    eventually("what is taken by uploads is freed", || {
        let [courses, blobs, pieces] = left(node)?;
        let database = Connection::open(node.folder().join("content.db"))?;
        let kept = "SELECT (SELECT count(*) FROM upload_blob) + (SELECT count(*) FROM orphan)";
        let kept: u64 = database.query_row(kept, (), |row| row.get(0))?;
        Ok((pieces + kept == 0).then_some([courses, blobs]))
    })
}

/// Whether a node delivers the large file that a package has.
fn check_film(node: &Node, package: &[u8]) -> Result<()> {
    let courses = node.admin().get(course::COURSES)?.expect(200)?.json()?;
    let hash = courses["courses"][0]["package"].as_str().context("no course")?.to_owned();
    let film = node.content().get(&format!("/content/p/{hash}/film.bin"))?.expect(200)?.body;
    let mut archive = ZipArchive::new(Cursor::new(package))?;
    let mut packed = Vec::new();
    archive.by_name("film.bin")?.read_to_end(&mut packed)?;
    ensure!(film == packed, "it delivers another film");
    Ok(())
}

#[test]
fn a_package_comes_in_pieces_and_is_imported_once() -> Result<()> {
    let node = Node::start()?;
    let package = package(3_000_000)?;
    let upload = Upload::begin(&node.admin(), "hedges.zip", package.len() as u64)?;
    let early = upload.import()?.expect(409)?;
    ensure!(early.detail()?.contains("send the others first"), "{}", early.text());
    upload.send_rest(&package, 700_000)?;
    let listed = underway(&node)?;
    assert_eq!(listed[0]["name"], json!("hedges.zip"));
    assert_eq!(listed[0]["offset"], json!(package.len()));
    let imported = upload.import()?.expect(201)?;
    assert_eq!(imported.json()?["title"], json!("Hedges"));
    ensure!(!imported.header("location").is_empty(), "{imported:?}");
    // Whoever has not heard asks again.
    let again = upload.import()?.expect(201)?;
    assert_eq!(again.text(), imported.text());
    upload.look()?.expect(410)?;
    assert_eq!(underway(&node)?, Vec::<Value>::new());
    check_film(&node, &package)?;
    if is_own_host() {
        let [courses, blobs] = cleared(&node)?;
        // Three files, of which one is in three pieces.
        assert_eq!((courses, blobs), (1, 6));
    }
    Ok(())
}

#[test]
fn a_connection_that_is_cut_loses_nothing_that_arrived() -> Result<()> {
    let node = Node::start()?;
    let package = package(4_000_000)?;
    let upload = Upload::begin(&node.admin(), "hedges.zip", package.len() as u64)?;
    let sent = 2_500_000;
    drop(upload.begin_piece(&node, 0, package.len(), &package[..sent])?);
    eventually("what was sent is there", || Ok((upload.offset()? == sent as u64).then_some(())))?;
    upload.send_rest(&package, 1 << 20)?;
    upload.import()?.expect(201)?;
    Ok(())
}

#[test]
fn a_node_that_is_killed_goes_on_where_it_was() -> Result<()> {
    let mut node = Node::start()?;
    let package = package(5_000_000)?;
    let upload = Upload::begin(&node.admin(), "hedges.zip", package.len() as u64)?;
    upload.send(0, &package[..1_200_000])?.expect(204)?;
    let rest = &package[1_200_000..];
    let connection = upload.begin_piece(&node, 1_200_000, rest.len(), &rest[..3_000_000])?;
    eventually("more arrives", || Ok((upload.offset()? > 2_200_000).then_some(())))?;
    node.kill()?;
    drop(connection);
    node.restart()?;
    ensure!(upload.offset()? > 2_200_000, "what had arrived is gone");
    upload.send_rest(&package, 1 << 20)?;
    let mut events = upload.import_telling(&node)?;
    node.kill()?;
    while matches!(events.read(), Ok(Some(_))) {}
    node.restart()?;
    upload.import()?.expect(201)?;
    check_film(&node, &package)?;
    Ok(())
}

#[test]
fn what_does_not_follow_is_refused() -> Result<()> {
    let node = Node::start()?;
    let upload = Upload::begin(&node.admin(), "a.zip", 10)?;
    let abilities = node.anonymous().send(Method::OPTIONS, UPLOADS, None)?.expect(204)?;
    assert_eq!(abilities.header("tus-version"), "1.0.0");
    assert_eq!(abilities.header("tus-extension"), "creation,termination");
    let ahead = upload.send(3, b"abc")?.expect(409)?;
    assert_eq!(ahead.header("upload-offset"), "0");
    upload.send(0, b"abc")?.expect(204)?;
    upload.send(0, b"abc")?.expect(409)?;
    let long = upload.send(3, b"12345678")?.expect(413)?;
    ensure!(long.detail()?.contains("10 bytes that were announced"), "{}", long.text());
    assert_eq!(upload.offset()?, 3);
    node.admin().head(&upload.path)?.expect(412)?;
    let plain = upload::speaking(node.admin()).with_header("upload-offset", "3");
    plain.send(Method::PATCH, &upload.path, Some(("text/plain", b"d")))?.expect(415)?;
    let none = upload::speaking(node.admin());
    none.send(Method::POST, UPLOADS, None)?.expect(400)?;
    Upload::ask(&node.admin(), "a.zip", (16 << 30) + 1)?.expect(413)?;
    none.head(&format!("{UPLOADS}/elsewhere"))?.expect(404)?;
    none.delete(&upload.path)?.expect(204)?;
    upload.look()?.expect(404)?;
    upload.send(3, b"d")?.expect(404)?;
    Ok(())
}

#[test]
fn only_so_many_are_underway() -> Result<()> {
    let node = Node::start()?;
    let uploads: Vec<_> =
        (0..16).map(|_| Upload::begin(&node.admin(), "", 10)).collect::<Result<_>>()?;
    let refused = Upload::ask(&node.admin(), "", 10)?.expect(429)?;
    ensure!(refused.detail()?.contains("cancel one"), "{}", refused.text());
    upload::speaking(node.admin()).delete(&uploads[3].path)?.expect(204)?;
    Upload::begin(&node.admin(), "", 10)?;
    Ok(())
}

#[test]
fn only_who_may_import_sends_anything() -> Result<()> {
    let node = Node::start()?;
    let upload = Upload::begin(&node.admin(), "", 10)?;
    let ada = json!({
        "name": "ada", "display_name": "Ada", "role": "learner", "password": "a-test-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let learner = node.anonymous().with_basic("ada:a-test-password");
    let elsewhere = node.admin().with_header("sec-fetch-site", "cross-site");
    for (client, status) in [(node.anonymous(), 401), (learner, 403), (elsewhere, 403)] {
        Upload::ask(&client, "", 10)?.expect(status)?;
        let client = upload::speaking(client);
        client.head(&upload.path)?.expect(status)?;
        client.delete(&upload.path)?.expect(status)?;
        client.get(UPLOADS)?.expect(status)?;
        let import = format!("{}?upload={}", course::COURSES, upload.id());
        client.send(Method::POST, &import, None)?.expect(status)?;
    }
    if node.content_address() != node.address() {
        Upload::ask(&node.content(), "", 10)?.expect(404)?;
    }
    assert_eq!(upload.offset()?, 0);
    Ok(())
}

/// Most clients read when they have sent all. A node that closes before that tells them nothing.
#[test]
fn who_reads_when_all_is_sent_hears_of_an_early_refusal() -> Result<()> {
    // Another host may close then.
    if !is_own_host() {
        return Ok(());
    }
    let node = Node::start()?;
    let package = package(8_000_000)?;
    let body = Some(("application/zip", package.as_slice()));
    let paths = [course::COURSES, UPLOADS, statement::PATH, "/auth/people", "/nowhere"];
    for path in paths.iter().cycle().take(20) {
        let answer = node.anonymous().send(Method::POST, path, body)?;
        ensure!(answer.status.is_client_error(), "{path}: {answer:?}");
    }
    Ok(())
}

#[test]
fn nothing_stays_of_what_is_refused() -> Result<()> {
    let node = Node::start()?;
    let mut package = package(3_000_000)?;
    // In the last file, after others have been stored.
    let middle = package.len() - 100_000;
    package[middle] ^= 1;
    let upload = Upload::begin(&node.admin(), "hedges.zip", package.len() as u64)?;
    upload.send_rest(&package, 1 << 20)?;
    let mut events = upload.import_telling(&node)?;
    let refusal = events.until("film.bin")?;
    ensure!(refusal.contains("is damaged") && refusal.contains("\"status\":400"), "{refusal}");
    let again = upload.import()?.expect(400)?;
    assert_eq!(again.json()?, serde_json::from_str::<Value>(&refusal)?);
    let body = Some(("application/zip", package.as_slice()));
    let plain = node.admin().send(Method::POST, course::COURSES, body)?.expect(400)?;
    assert_eq!(plain.json()?, again.json()?);
    assert_eq!(underway(&node)?, Vec::<Value>::new());
    if is_own_host() {
        assert_eq!(cleared(&node)?, [0, 0]);
    }
    Ok(())
}

#[test]
fn an_import_goes_on_when_nobody_listens_and_is_heard_of_by_all() -> Result<()> {
    let node = Node::start()?;
    let package = package(20_000_000)?;
    let upload = Upload::begin(&node.admin(), "hedges.zip", package.len() as u64)?;
    upload.send_rest(&package, 4 << 20)?;
    drop(upload.import_telling(&node)?);
    let (mut first, mut second) = (upload.import_telling(&node)?, upload.import_telling(&node)?);
    let (first, second) = (first.until(IRI)?, second.until(IRI)?);
    assert_eq!(first, second);
    assert_eq!(serde_json::from_str::<Value>(&first)?["is_new"], json!(true));
    Ok(())
}

#[test]
fn the_command_goes_on_when_the_link_is_back() -> Result<()> {
    let node = Node::start()?;
    let link = Link::to(node.port())?;
    let package = package(3_000_000)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hedges.zip");
    fs::write(&file, &package)?;
    link.cut_after(1_000_000);
    let mut command = Command::new(repository("target/host/hedge"));
    command.args(["course", "import"]).arg(&file);
    command.args(["--url", &link.address(), "--user", Node::ADMIN]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    eventually("the link is cut", || Ok(link.is_cut().then_some(())))?;
    let begun = underway(&node)?;
    link.restore();
    let output = command.wait_with_output()?;
    let (said, wrong) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    ensure!(output.status.success() && said.contains("Hedges\t"), "{said}{wrong}");
    ensure!(wrong.contains("Trying again"), "{wrong}");
    let id = begun[0]["id"].as_str().context("an upload has an id")?;
    let again = format!("{}?upload={id}", course::COURSES);
    node.admin().send(Method::POST, &again, None)?.expect(201)?;
    check_film(&node, &package)
}

#[test]
fn names_of_files_are_in_what_the_operator_says() -> Result<()> {
    let node = Node::builder()?.variable("archive_names", "gbk").start()?;
    let structure = course::structure(IRI, "Hedges");
    let page = course::PAGE.as_bytes();
    let files = [("cmi5.xml", structure.as_bytes()), ("index.html", page), ("~~~~.txt", b"x")];
    let mut package = course::archive(&files)?;
    for at in 0..package.len() - 4 {
        if package[at..].starts_with(b"~~~~") {
            package[at..at + 4].copy_from_slice(&[0xbf, 0xce, 0xb3, 0xcc]);
        }
    }
    let body = Some(("application/zip", package.as_slice()));
    let client = node.admin().with_timeout(Duration::from_secs(60));
    let course = client.send(Method::POST, course::COURSES, body)?.expect(201)?.json()?;
    let hash = course["package"].as_str().context("a package")?.to_owned();
    node.content().get(&format!("/content/p/{hash}/%E8%AF%BE%E7%A8%8B.txt"))?.expect(200)?;
    Ok(())
}
