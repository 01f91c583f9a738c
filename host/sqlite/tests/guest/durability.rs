//! A process that is killed while it writes has lost nothing that it acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hedge_sqlite::{Database, Value};

use crate::{read_number, run};

const FILE: &str = "HEDGE_SQLITE_TEST_FILE";
const FIRST: &str = "HEDGE_SQLITE_TEST_FIRST";
const CALLERS: i64 = 16;

/// Run by the test below in a process of its own; writes until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that nothing_acknowledged_is_lost kills"]
async fn the_victim_writes_until_it_is_killed() {
    let path = std::env::var(FILE).unwrap();
    let first: i64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let database = Database::open(Path::new(&path)).unwrap();
    run(&database.connect(), "CREATE TABLE IF NOT EXISTS t (v INTEGER PRIMARY KEY, body)")
        .await
        .unwrap();
    let callers = (0..CALLERS).map(|caller| {
        let guest = database.connect();
        tokio::spawn(async move {
            for v in (first + caller..).step_by(CALLERS as usize) {
                let sql = "INSERT INTO t VALUES (?, randomblob(500))";
                guest.execute(sql.into(), vec![Value::Integer(v)]).await.unwrap();
                // One write of a short line: whole or not at all.
                std::io::stdout().write_all(format!("acknowledged {v}\n").as_bytes()).unwrap();
                std::io::stdout().flush().unwrap();
            }
        })
    });
    futures::future::join_all(callers).await;
}

fn start_victim(path: &Path, first: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::the_victim_writes_until_it_is_killed"])
        .args(["--ignored", "--nocapture"])
        .env(FILE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the victim after so many acknowledgements; returns all that it has given.
fn kill_after(mut victim: Child, acknowledgements: usize) -> Vec<i64> {
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = Vec::new();
    let parse = |line: String| line.strip_prefix("acknowledged ")?.parse::<i64>().ok();
    while acknowledged.len() < acknowledgements {
        acknowledged
            .extend(parse(lines.next().unwrap_or_else(|| panic!("the victim died by itself"))));
    }
    victim.kill().unwrap();
    acknowledged.extend(lines.filter_map(parse));
    victim.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let mut acknowledged = Vec::new();
    for round in 0..20 {
        let count = rand::random_range(1..400);
        let victim = start_victim(&path, round * 1_000_000);
        acknowledged.extend(kill_after(victim, count));

        let database = Database::open(&path).unwrap();
        let guest = database.connect();
        let check = run(&guest, "PRAGMA integrity_check").await.unwrap();
        assert_eq!(check.rows, [[Value::Text("ok".into())]], "round {round}");
        let ids =
            format!("[{}]", acknowledged.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
        let missing = "SELECT count(*) FROM json_each(?) WHERE value NOT IN (SELECT v FROM t)";
        let missing = guest.execute(missing.into(), vec![Value::Text(ids)]).await.unwrap();
        assert_eq!(missing.rows, [[Value::Integer(0)]], "round {round}");
        assert!(read_number(&guest, "SELECT count(*) FROM t").await >= acknowledged.len() as i64);
        database.close().await;
    }
}
