//! Measures durable single INSERTs a second, and point reads, from concurrent callers.
//!
//! `cargo run --profile host -p hedge-sqlite --example commit_rate -- [callers] [seconds]
//! [milliseconds added to each fsync] [folder]`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring tool, not the product"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hedge_sqlite::{Database, Options, Value};

const INSERT: &str = "INSERT INTO seen (id, body) VALUES (?, ?)";
const SELECT: &str = "SELECT body FROM seen WHERE number = ?";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument =
        |default: f64| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let callers = argument(32.0) as i64;
    let time = Duration::from_secs_f64(argument(5.0));
    let sync_delay = Duration::from_secs_f64(argument(0.0) / 1000.0);
    let base = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let options = Options { sync_delay, ..Options::default() };
    let path = folder.path().join("rate.db");
    let database = Database::open_with(&path, options).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let create = "CREATE TABLE seen (number INTEGER PRIMARY KEY, id TEXT, body TEXT)";
        database.connect().execute(create.into(), vec![]).await.unwrap();
        measure_rate("insert", &database, callers, time, |caller, number| {
            (INSERT, vec![record_key(caller, number), Value::Text("x".repeat(300))])
        })
        .await;
        measure_rate("select", &database, callers, time, |caller, number| {
            (SELECT, vec![Value::Integer(caller * 100 + number % 100)])
        })
        .await;
        println!("{:?}", database.stats());
        database.close().await;
        measure_first_use(&path).await;
    });
}

/// How long a process that has just started waits for an existing database.
async fn measure_first_use(path: &Path) {
    let started = Instant::now();
    let database = Database::open(path).unwrap();
    let opened = started.elapsed();
    let guest = database.connect();
    guest.execute(SELECT.into(), vec![Value::Integer(1)]).await.unwrap();
    let read = started.elapsed();
    guest.execute(INSERT.into(), vec![record_key(-1, 0), Value::Null]).await.unwrap();
    let written = started.elapsed();
    println!(
        "open {opened:.0?}, first read done after {read:.0?}, first write after {written:.0?}"
    );
    database.close().await;
}

fn record_key(caller: i64, number: i64) -> Value {
    Value::Text(format!("{caller:04}-{number:012}"))
}

async fn measure_rate(
    what: &str,
    database: &Database,
    callers: i64,
    time: Duration,
    statement: fn(i64, i64) -> (&'static str, Vec<Value>),
) {
    let before = database.stats();
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let guest = database.connect();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while started.elapsed() < time {
                    let (sql, params) = statement(caller, times.len() as i64);
                    let sent = Instant::now();
                    guest.execute(sql.into(), params).await.unwrap();
                    times.push(sent.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let seconds = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).unwrap().as_secs_f64();
    println!(
        "{what}: {:.0}/s  P50 {:.2} ms  P99 {:.2} ms  P999 {:.2} ms  ({} commits)",
        times.len() as f64 / seconds,
        at(0.5) * 1e3,
        at(0.99) * 1e3,
        at(0.999) * 1e3,
        database.stats().commits - before.commits
    );
}
