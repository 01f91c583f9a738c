//! `/admin/node`: how this node and those below it stand, for administrators.

mod chart;
mod fleet;
mod week;

use askama::Template;
use hedgeschool_doctor::status::Status;
use hedgeschool_doctor::{Finding, standing, words};
use hedgeschool_web::{Problem, Query, Reply, inside};
use serde_json::json;

use crate::layout::{Layout, render_page, render_part};
use crate::visitor::Visitor;
pub use fleet::FleetFilter;
use fleet::{FleetOrder, FleetPart};
use week::Week;

/// Said to who is no administrator.
const REFUSAL: &str = "Only administrators see how the node stands.";

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    layout: Layout,
    /// Where its events come from.
    events: String,
    /// How the node stands, which moves.
    node: String,
    /// How those below it stand, likewise.
    fleet: String,
    /// Whether there are any.
    has_fleet: bool,
    /// The node's last week.
    week: Week,
    /// Which nodes below are asked for, and in which order.
    filter: FleetFilter,
}

/// How the node stands.
#[derive(Template)]
#[template(path = "node-part.html")]
struct NodePart<'a> {
    /// What it tells.
    status: &'a Status,
    /// What is not as it should be.
    findings: Vec<Finding>,
    /// What to make of these.
    health: Health,
}

/// Whether everything is all right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// It is.
    Fine,
    /// Something is worth knowing.
    Notable,
    /// Something is to be done.
    Wrong,
}

impl Health {
    fn of(findings: &[Finding]) -> Self {
        match findings {
            [] => Self::Fine,
            some if some.iter().any(Finding::is_wrong) => Self::Wrong,
            _ => Self::Notable,
        }
    }
}

/// `GET /admin/node`
///
/// # Errors
/// 403 for who is no administrator; what `sync` answers if it fails.
pub async fn show_node(visitor: &Visitor, query: &Query) -> Result<Reply, Problem> {
    visitor.require_administrator(REFUSAL)?;
    let filter = FleetFilter::read(query);
    let status = load_status().await?;
    render_page(&NodePage {
        layout: Layout::new(&format!("Node {}", status.node), Some(visitor)),
        events: filter.address("/admin/node/events", 1),
        node: render_node_part(&status)?,
        fleet: render_part(&FleetPart::of(&status, &filter))?,
        has_fleet: !status.nodes.is_empty(),
        week: Week::load().await?,
        filter,
    })
}

/// What of that page moves.
///
/// # Errors
/// 403 for who is no administrator any more; what `sync` answers if it fails.
pub async fn render_moving_parts(
    visitor: &Visitor,
    filter: &FleetFilter,
) -> Result<String, Problem> {
    visitor.require_administrator(REFUSAL)?;
    let status = load_status().await?;
    Ok(render_node_part(&status)? + &render_part(&FleetPart::of(&status, filter))?)
}

fn render_node_part(status: &Status) -> Result<String, Problem> {
    let findings = standing::findings(status);
    render_part(&NodePart { status, health: Health::of(&findings), findings })
}

async fn load_status() -> Result<Status, Problem> {
    inside::ask("sync", "/status", &json!({})).await
}

#[cfg(test)]
mod tests {
    use hedgeschool_doctor::Check;

    use super::*;

    #[test]
    fn what_is_to_be_done_weighs_more_than_what_is_worth_knowing() {
        let warning = || Finding::warning(Check::Redis, "slow", "wait");
        let wrong = || Finding::wrong(Check::Redis, "gone", "call");
        assert_eq!(Health::of(&[]), Health::Fine);
        assert_eq!(Health::of(&[warning()]), Health::Notable);
        assert_eq!(Health::of(&[warning(), wrong()]), Health::Wrong);
    }
}
