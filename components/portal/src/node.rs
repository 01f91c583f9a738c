//! How this node and those below it stand, for administrators.

mod chart;
mod fleet;
mod week;

pub use hedgeschool_doctor::status::{Below, Status, Storage};
pub use hedgeschool_doctor::words::{bytes, number};
use hedgeschool_doctor::{Finding, standing};
use hedgeschool_web::{Problem, Query, Reply, inside};
use serde_json::json;

use crate::page::{self, Frame};
use crate::visitor::Visitor;
pub use fleet::{Row, Sort, View};
pub use week::Week;

/// `/admin/node`
pub async fn show(visitor: &Visitor, query: &Query) -> Result<Reply, Problem> {
    check(visitor)?;
    let view = View::read(query);
    let status = status().await?;
    page::render(&page::Node {
        frame: Frame::new(&format!("Node {}", status.node), Some(visitor)),
        events: view.address("/admin/node/events", 1),
        node: part(&status)?,
        fleet: view.part(&status)?,
        has_fleet: !status.nodes.is_empty(),
        week: Week::load().await?,
        view,
    })
}

/// What of that page moves.
pub async fn parts(visitor: &Visitor, view: &View) -> Result<String, Problem> {
    check(visitor)?;
    let status = status().await?;
    Ok(part(&status)? + &view.part(&status)?)
}

/// Whether everything is all right, and how this node stands.
fn part(status: &Status) -> Result<String, Problem> {
    let findings = standing::findings(status);
    let is_wrong = findings.iter().any(Finding::is_wrong);
    page::part(&page::NodePart { status, findings, is_wrong })
}

fn check(visitor: &Visitor) -> Result<(), Problem> {
    let refusal = "Only administrators see how the node stands.";
    if visitor.is_administrator { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

async fn status() -> Result<Status, Problem> {
    inside::ask("sync", "/status", &json!({})).await
}
