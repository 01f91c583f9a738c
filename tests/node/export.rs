//! `hedge statements export`: everything once, in order, whatever the link does.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Link, Node, repository, statement};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Three pages, the last one partly full.
const MANY: usize = 2_500;
/// Statements of a request.
const BATCH: usize = 500;

/// An export of a node by its xAPI client.
fn export(url: &str, words: &[&str]) -> Command {
    export_as(Node::CLIENT, url, words)
}

fn export_as(user: &str, url: &str, words: &[&str]) -> Command {
    let mut command = Command::new(repository("target/host/hedge"));
    command.args(["statements", "export", "--url", url, "--user", user]).args(words);
    command
}

/// What an export writes to standard output, which has to succeed.
fn exported(node: &Node, words: &[&str]) -> Result<String> {
    succeeded(export(&node.address(), words).output()?)
}

fn succeeded(output: Output) -> Result<String> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {complaint}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// What an export complains about, which has to fail with this code and write nothing.
fn complaint(mut export: Command, code: i32) -> Result<String> {
    let output = export.output()?;
    let complaint = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(code), "{}: {complaint}", output.status);
    ensure!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(complaint)
}

/// Statement number so and so, different from all others in what tables show.
fn numbered(number: usize) -> Value {
    json!({
        "id": statement::new_id(),
        "actor": {
            "name": format!("Ada, \"the {number}th\"\nof her name"),
            "mbox": "mailto:ada@example.org",
        },
        "verb": { "id": "https://example.org/verbs/met", "display": { "en": "met" } },
        "object": { "id": statement::ACTIVITY, "definition": { "name": { "en": "The hedge" } } },
        "result": {
            "success": number.is_multiple_of(2), "completion": true, "duration": "PT1M",
            "score": { "scaled": -0.25, "raw": number },
        },
        "context": { "registration": statement::new_id() },
    })
}

/// Records statements in batches; answers their ids in order.
fn record(client: &Client, statements: &[Value]) -> Result<Vec<String>> {
    for batch in statements.chunks(BATCH) {
        client.post("/xapi/statements", &json!(batch))?.expect(200)?;
    }
    statements.iter().map(id).collect()
}

/// The ids of JSON lines.
fn ids(lines: &str) -> Result<Vec<String>> {
    lines.lines().map(|line| id(&serde_json::from_str(line)?)).collect()
}

fn id(statement: &Value) -> Result<String> {
    let id = statement.get("id").and_then(Value::as_str);
    Ok(id.with_context(|| format!("no id in {statement}"))?.to_owned())
}

/// The columns that a table's header names, of each row.
fn columns<const N: usize>(table: &str, names: [&str; N]) -> Result<Vec<[String; N]>> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers()?.clone();
    let rows = reader.records().map(|row| {
        let row = row?;
        let cell = |name| {
            let column = header.iter().position(|column| column == name);
            column.and_then(|column| row.get(column)).unwrap_or("no such column").to_owned()
        };
        Ok(names.map(cell))
    });
    rows.collect()
}

fn is_empty(folder: &Path) -> Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}

#[test]
fn every_statement_comes_once_and_in_order_as_it_is_stored() -> Result<()> {
    let node = Node::start()?;
    let statements: Vec<_> = (0..MANY).map(numbered).collect();
    let recorded = record(&node.xapi(), &statements)?;
    let lines = exported(&node, &[])?;
    assert_eq!(ids(&lines)?, recorded);
    let read = node.xapi().get(&format!("/xapi/statements?statementId={}", recorded[7]))?;
    assert_eq!(lines.lines().nth(7), Some(read.expect(200)?.text().as_str()));

    let folder = TempDir::new()?;
    let file = folder.path().join("statements.jsonl");
    fs::write(&file, "an older export")?;
    let said = exported(&node, &["--output", &file.display().to_string()])?;
    ensure!(said.contains("2500"), "{said}");
    assert_eq!(fs::read_to_string(&file)?, lines);
    ensure!(fs::read_dir(folder.path())?.count() == 1, "something is left beside the file");
    Ok(())
}

#[test]
fn a_table_parses_back_and_holds_no_formula() -> Result<()> {
    let node = Node::start()?;
    let mut statements: Vec<_> = (0..MANY).map(numbered).collect();
    statements[1]["actor"]["name"] = json!("=HYPERLINK(\"http://x\")");
    let recorded = record(&node.xapi(), &statements)?;
    let table = exported(&node, &["--format", "csv"])?;
    let names = ["id", "actor_name", "actor", "verb_display", "object_name", "registration"];
    let rows = columns(&table, names)?;
    assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), recorded);
    let registration = statements[2]["context"]["registration"].as_str().context("none")?;
    let name = "Ada, \"the 2th\"\nof her name";
    let mail = "mailto:ada@example.org";
    let expected = [&recorded[2], name, mail, "met", "The hedge", registration];
    assert_eq!(rows[2], expected.map(str::to_owned));
    assert_eq!(rows[1][1], "'=HYPERLINK(\"http://x\")");
    let results = ["success", "completion", "score_scaled", "score_raw", "duration"];
    assert_eq!(columns(&table, results)?[3], ["false", "true", "-0.25", "3", "PT1M"]);
    let stored = columns(&table, ["stored"])?;
    // A moment is written as finely as it needs, so only without the Z texts sort like moments.
    let moment = |row: &[String]| row[0].trim_end_matches('Z').to_owned();
    ensure!(stored.is_sorted_by_key(|row| moment(row)) && stored[0][0].ends_with('Z'));
    Ok(())
}

#[test]
fn filters_leave_out_what_does_not_match() -> Result<()> {
    let node = Node::start()?;
    let mut statements: Vec<_> = (0..4).map(numbered).collect();
    statements[1]["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    statements[2]["verb"]["id"] = json!("https://example.org/verbs/saw");
    statements[3]["object"]["id"] = json!("https://example.org/activities/gate");
    let all = record(&node.xapi(), &statements)?;
    let registration = statements[0]["context"]["registration"].as_str().context("none")?;
    let read = node.xapi().get(&format!("/xapi/statements?statementId={}", all[1]))?.json()?;
    let stored = read["stored"].as_str().context("not stored")?;
    let cases: [(&[&str], &[String]); 7] = [
        (&["--agent", r#"{"mbox":"mailto:eve@example.org"}"#], &all[1..2]),
        (&["--verb", "https://example.org/verbs/saw"], &all[2..3]),
        (&["--activity", "https://example.org/activities/gate"], &all[3..]),
        (&["--registration", registration], &all[..1]),
        (&["--until", "2020-01-01T00:00:00Z"], &[]),
        // From the last statement of an earlier export on.
        (&["--since", stored], &all[2..]),
        (&["--until", stored, "--agent", statement::LEARNER], &all[..1]),
    ];
    for (words, expected) in cases {
        assert_eq!(ids(&exported(&node, words)?)?, expected, "{words:?}");
    }
    Ok(())
}

#[test]
fn credentials_export_what_they_may_read() -> Result<()> {
    let node = Node::start()?;
    let all = record(&node.xapi(), &[numbered(0), numbered(1)])?;
    let asking = |user: &str| export_as(user, &node.address(), &[]);
    assert_eq!(ids(&succeeded(asking(Node::ADMIN).output()?)?)?, all);
    let add = |scope: &str| {
        let added = node.admin().post("/auth/clients", &json!({ "scopes": [scope] }))?;
        let added = added.expect(201)?.json()?;
        let part = |name: &str| added[name].as_str().unwrap_or_default().to_owned();
        anyhow::Ok(format!("{}:{}", part("key"), part("secret")))
    };
    assert_eq!(succeeded(asking(&add("statements/read/mine")?).output()?)?, "");
    let refused = complaint(asking(&add("statements/write")?), 1)?;
    ensure!(refused.contains("scope"), "{refused}");
    let wrong = complaint(asking("test:wrong"), 1)?;
    ensure!(wrong.contains("--user"), "{wrong}");
    Ok(())
}

/// The lines that a process writes to standard error, as they come.
fn follow(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let errors = BufReader::new(child.stderr.take().context("no standard error")?);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        errors.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    Ok(receiver)
}

/// Waits for a line with this text.
fn await_line(lines: &mpsc::Receiver<String>, wanted: &str) -> Result<()> {
    while !lines.recv().with_context(|| format!("no line has {wanted:?}"))?.contains(wanted) {}
    Ok(())
}

#[test]
fn an_export_goes_on_where_it_was_after_the_node_was_gone() -> Result<()> {
    let mut node = Node::start()?;
    let statements: Vec<_> = (0..MANY).map(numbered).collect();
    let recorded = record(&node.xapi(), &statements)?;
    let mut command = export(&node.address(), &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let errors = follow(&mut child)?;
    let mut lines = child.stdout.take().context("no standard output")?;
    // The first page has come, and is more than a pipe holds: the second waits until it is read.
    let mut first = [0; 1];
    lines.read_exact(&mut first)?;
    node.kill()?;
    let reader = thread::spawn(move || {
        let mut rest = String::new();
        lines.read_to_string(&mut rest).map(|_| rest)
    });
    await_line(&errors, "Trying again")?;
    node.restart()?;
    let rest = reader.join().map_err(|_| anyhow::anyhow!("the reader failed"))??;
    ensure!(child.wait()?.success());
    let all = format!("{}{rest}", char::from(first[0]));
    assert_eq!(ids(&all)?, recorded);
    Ok(())
}

#[test]
fn an_export_that_fails_leaves_the_file_as_it_was() -> Result<()> {
    let node = Node::start()?;
    let statements: Vec<_> = (0..MANY).map(numbered).collect();
    record(&node.xapi(), &statements)?;
    let link = Link::to(node.port())?;
    let folder = TempDir::new()?;
    let file = folder.path().join("statements.csv");
    fs::write(&file, "an older export")?;
    // Enough for the first request and not for the second: the link counts what goes to the node.
    link.cut_after(250);
    let output = file.display().to_string();
    let words = ["--format", "csv", "--output", &output, "--retry-for", "1s"];
    let said = complaint(export(&link.address(), &words), 1)?;
    ensure!(said.contains("stopped after 1000 statements"), "{said}");
    ensure!(said.contains("Trying again") && said.contains("gave up"), "{said}");
    assert_eq!(fs::read_to_string(&file)?, "an older export");
    ensure!(fs::read_dir(folder.path())?.count() == 1, "something is left beside the file");
    Ok(())
}

#[test]
fn the_command_line_says_what_is_wrong_and_leaves_no_file() -> Result<()> {
    let node = Node::start()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("statements").display().to_string();
    let missing = folder.path().join("no/folder").display().to_string();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--verb", "passed"], 1, "verb must be an IRI"),
        (&["--since", "yesterday"], 1, "since"),
        (&["--agent", "ada"], 2, "JSON"),
        (&["--format", "xlsx"], 2, "csv"),
        (&["--output", "/dev/null"], 1, "no regular file"),
        (&["--output", &missing], 1, "--output"),
    ];
    for (words, code, named) in cases {
        let said = complaint(export(&node.address(), words), code)?;
        ensure!(said.contains(named), "{words:?}: {said}");
    }
    let unused = format!("http://{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let said = complaint(export(&unused, &["--output", &file]), 1)?;
    ensure!(said.contains(&unused) && said.contains("is the node running"), "{said}");
    ensure!(is_empty(folder.path())?, "a file is left");
    Ok(())
}

#[test]
fn who_has_read_enough_ends_an_export_quietly() -> Result<()> {
    let node = Node::start()?;
    let statements: Vec<_> = (0..MANY).map(numbered).collect();
    record(&node.xapi(), &statements)?;
    let mut command = export(&node.address(), &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = child.stdout.take().context("no standard output")?;
    lines.read_exact(&mut [0; 1])?;
    drop(lines);
    let ended = child.wait_with_output()?;
    ensure!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    Ok(())
}
