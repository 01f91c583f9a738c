//! How SQLite runs the queries: always by an index, always in the order of the page.

use rusqlite::Connection;

use crate::select::Select;
use crate::types::Filter;

fn filter() -> Filter {
    Filter {
        agent: None,
        related_agents: false,
        verb: None,
        activity: None,
        related_activities: false,
        registration: None,
        authority: None,
        since: None,
        until: None,
        ascending: false,
        limit: 100,
        after: None,
    }
}

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    for script in [hedgeschool_journal::SCHEMA, include_str!("../migrations/1.sql")] {
        database.execute_batch(script).unwrap();
    }
    database
}

/// What SQLite would do for a filter, one step a line.
fn plan(database: &Connection, filter: Filter) -> Vec<String> {
    let select = Select::of(filter).unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {}", select.sql);
    let mut statement = database.prepare(&explain).unwrap();
    let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
    assert_eq!(nulls.len(), select.parameters.len(), "{}", select.sql);
    let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// Every filter that a request can make of these conditions, in both orders.
fn filters() -> Vec<Filter> {
    let some = |bits: u32, bit: u32, text: &str| (bits & (1 << bit) != 0).then(|| text.to_owned());
    let of = |bits: u32| Filter {
        agent: some(bits, 0, "mbox:mailto:a@example.org"),
        verb: some(bits, 1, "https://example.org/did"),
        activity: some(bits, 2, "https://example.org/a"),
        registration: some(bits, 3, "9d3a2f0e-1111-4222-8333-444455556666"),
        authority: some(bits, 4, "account:https://example.org|client:k"),
        since: some(bits, 5, "2026-01-01T00:00:00Z"),
        until: some(bits, 6, "2026-02-01T00:00:00Z"),
        after: (bits & (1 << 7) != 0).then_some(7),
        ascending: bits & (1 << 8) != 0,
        related_agents: bits & (1 << 9) != 0,
        related_activities: bits & (1 << 9) != 0,
        ..filter()
    };
    (0..1 << 10).map(of).collect()
}

#[test]
fn every_combination_of_conditions_is_answered_by_indexes_alone() {
    let database = database();
    for filter in filters() {
        let what = format!("{filter:?}");
        let is_filtered =
            [&filter.agent, &filter.verb, &filter.activity].iter().any(|c| c.is_some())
                || filter.registration.is_some()
                || filter.authority.is_some();
        let steps = plan(&database, filter);
        // The page's own rows, at most one more than its limit, may be walked through; the tables
        // may not.
        let scans: Vec<_> = steps.iter().filter(|step| step.starts_with("SCAN")).collect();
        let whole_table =
            scans.iter().any(|step| step.contains("statement") || step.contains("t0"));
        // Without a condition, all statements match: the newest are read off the end.
        assert!(!whole_table || !is_filtered, "{what}: {steps:#?}");
        assert!(scans.iter().all(|step| *step != "SCAN term"), "{what}: {steps:#?}");
        if is_filtered {
            let driven = steps
                .iter()
                .any(|step| step.starts_with("SEARCH t0 USING PRIMARY KEY (segment=? AND hash=?"));
            assert!(driven, "{what}: {steps:#?}");
        }
        // What is found comes in order; only the page itself, a thousand rows at most, is put in
        // order again.
        let search = steps.iter().skip_while(|step| *step != "MATERIALIZE page");
        let mut search = search.take_while(|step| *step != "SCAN page");
        assert!(!search.any(|step| step.contains("TEMP B-TREE")), "{what}: {steps:#?}");
    }
}

#[test]
fn moments_are_found_by_their_index() {
    let database = database();
    let since = Some("2026-01-01T00:00:00Z".to_owned());
    let steps = plan(&database, Filter { since, ..filter() });
    let by_index =
        "SEARCH statement USING COVERING INDEX sqlite_autoindex_statement_2 (stored_us<?)";
    assert!(steps.iter().any(|step| step == by_index), "{steps:#?}");
}
