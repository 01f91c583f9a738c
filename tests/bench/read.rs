//! Reading from a full store, and recording into it.

use anyhow::{Context, Result};
use form_urlencoded::Serializer;
use hedgeschool_tests::{Client, Node};
use rand::RngExt;
use serde_json::{Value, json};

use crate::meter::Meter;
use crate::target::Target;
use crate::traffic::{HOME_PAGE, Traffic};

/// Statements of a page.
const PAGE: u32 = 50;
/// How many learners, activities and so on are asked for in turn.
const SAMPLES: usize = 100;
/// Connections that read; and that record, besides one.
const CONNECTIONS: u32 = 8;

/// A way to narrow a query down to the likes of a statement.
type Filter = fn(Traffic, u64) -> Vec<(&'static str, String)>;

const FILTERS: [(&str, Filter); 6] = [
    ("any", |_, _| vec![]),
    ("an agent's", |traffic, number| vec![agent(traffic, number)]),
    ("an activity's", |traffic, number| vec![activity(traffic, number)]),
    ("a verb's", |traffic, number| vec![verb(traffic, number)]),
    ("a registration's", |traffic, number| vec![("registration", traffic.registration(number))]),
    ("of an activity and a verb", |traffic, number| {
        vec![activity(traffic, number), verb(traffic, number)]
    }),
];

fn agent(traffic: Traffic, number: u64) -> (&'static str, String) {
    let account = json!({ "homePage": HOME_PAGE, "name": traffic.learner(number) });
    ("agent", json!({ "account": account }).to_string())
}

fn activity(traffic: Traffic, number: u64) -> (&'static str, String) {
    ("activity", traffic.activity(number))
}

fn verb(traffic: Traffic, number: u64) -> (&'static str, String) {
    ("verb", traffic.verb(number))
}

/// Measures reads of a store that has the statements from 0 up to `stored`.
pub fn measure(node: &Node, stored: u64, meter: &Meter) -> Result<()> {
    let (client, target, traffic) = (node.xapi(), Target::of(node), Traffic { size: stored });
    let numbers: Vec<u64> = (0..SAMPLES).map(|_| rand::rng().random_range(0..stored)).collect();
    let ids = numbers.iter().map(|number| by_id(traffic, *number)).collect::<Vec<_>>();
    meter.measure("one statement, by id", CONNECTIONS, 1, &target.get(&ids)?)?;
    for (name, filter) in FILTERS {
        let first: Vec<_> = numbers.iter().map(|number| page(&filter(traffic, *number))).collect();
        let more =
            first.iter().map(|address| more(&client, address)).collect::<Result<Vec<_>>>()?;
        let name = format!("the latest {PAGE} statements, {name}");
        meter.measure(&name, CONNECTIONS, 1, &target.get(&first)?)?;
        meter.measure("… the next page", CONNECTIONS, 1, &target.get(&more)?)?;
    }
    let since = page(&[("since", stored_at(&client, &by_id(traffic, stored / 2))?)]);
    let name = format!("the latest {PAGE} statements, of those since the middle one");
    meter.measure(&name, CONNECTIONS, 1, &target.get(&[since])?)?;
    for connections in [1, 32] {
        meter.measure("one statement recorded", connections, 1, &target.post(traffic, 1)?)?;
    }
    meter.measure("statements recorded in batches of 100", 8, 100, &target.post(traffic, 100)?)
}

fn by_id(traffic: Traffic, number: u64) -> String {
    format!("/xapi/statements?statementId={}", traffic.id(number))
}

fn page(filter: &[(&str, String)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(filter).append_pair("limit", &PAGE.to_string());
    format!("/xapi/statements?{}", query.finish())
}

/// The address of the page after this one, which has to be full.
fn more(client: &Client, address: &str) -> Result<String> {
    let page = client.get(address)?.expect(200)?.json()?;
    let more = page.get("more").and_then(Value::as_str).filter(|more| !more.is_empty());
    Ok(more.with_context(|| format!("{address} has no next page"))?.to_owned())
}

/// When the statement at this address was stored.
fn stored_at(client: &Client, address: &str) -> Result<String> {
    let statement = client.get(address)?.expect(200)?.json()?;
    let stored = statement.get("stored").and_then(Value::as_str);
    Ok(stored.context("a statement without stored")?.to_owned())
}
