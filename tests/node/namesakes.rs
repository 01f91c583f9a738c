//! Two people of one name, made at nodes that did not hear of each other.

use anyhow::{Context, Result};
use hedgeschool_tests::{Link, Node};
use http::Method;
use serde_json::{Value, json};

use crate::tree::{conflicts, learner, node, people, soon, under};

/// A hub, an edge below it, and the link between them.
fn linked() -> Result<(Node, Node, Link)> {
    let hub = node("hub", &["edge"])?.start()?;
    let link = Link::to(hub.port())?;
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    Ok((hub, edge, link))
}

fn add(node: &Node, name: &str, shown: &str) -> Result<()> {
    let mut person = learner(name);
    person["display_name"] = json!(shown);
    node.admin().post("/auth/people", &person)?.expect(201)?;
    Ok(())
}

fn rename(node: &Node, name: &str, shown: &str) -> Result<()> {
    let change = json!({ "display_name": shown }).to_string();
    let body = Some(("application/json", change.as_bytes()));
    node.admin().send(Method::PATCH, &format!("/auth/people/{name}"), body)?.expect(200)?;
    Ok(())
}

fn shown(node: &Node, name: &str) -> Result<Option<Value>> {
    Ok(people(node)?.get(name).map(|person| person["display_name"].clone()))
}

fn is_shown(node: &Node, name: &str, as_what: &str) -> Result<bool> {
    Ok(shown(node, name)? == Some(json!(as_what)))
}

#[test]
fn who_belongs_to_all_nodes_has_the_name_and_what_lost_is_seen_once() -> Result<()> {
    let (hub, edge, link) = linked()?;
    add(&hub, "ben", "Ben")?;
    soon("the edge hears of people", || Ok(people(&edge)?.contains_key("ben")))?;
    link.cut();
    add(&edge, "ana", "Ana of here")?;
    add(&hub, "ana", "Ana of all")?;
    link.restore();
    soon("the hub's stands at the edge", || is_shown(&edge, "ana", "Ana of all"))?;
    let lost = conflicts(&edge)?;
    let [conflict] = lost.as_slice() else { anyhow::bail!("one conflict, not {lost:?}") };
    assert_eq!(conflict["lost"]["display_name"], "Ana of here");
    // What the hub changes later it changes knowingly: there is nothing new to settle.
    rename(&hub, "ana", "Ana again")?;
    soon("the change arrives", || is_shown(&edge, "ana", "Ana again"))?;
    assert_eq!(conflicts(&edge)?.len(), 1);
    assert_eq!(shown(&hub, "ana")?, Some(json!("Ana again")));
    Ok(())
}

#[test]
fn a_restored_namesake_gives_way_again() -> Result<()> {
    let (hub, edge, link) = linked()?;
    add(&hub, "ben", "Ben")?;
    soon("the edge hears of people", || Ok(people(&edge)?.contains_key("ben")))?;
    link.cut();
    add(&hub, "ana", "Ana of all")?;
    add(&edge, "ana", "Ana of here")?;
    link.restore();
    soon("the hub's stands at the edge", || is_shown(&edge, "ana", "Ana of all"))?;
    let [conflict] = conflicts(&edge)?.try_into().ok().context("one conflict")?;
    let id = conflict["id"].as_str().context("conflicts have ids")?;
    link.cut();
    let restore = format!("/sync/v1/conflicts/{id}?restore=true");
    edge.admin().post(&restore, &json!({}))?.expect(204)?;
    assert_eq!(shown(&edge, "ana")?, Some(json!("Ana of here")));
    link.restore();
    soon("the hub's stands at the edge again", || is_shown(&edge, "ana", "Ana of all"))?;
    assert_eq!(shown(&hub, "ana")?, Some(json!("Ana of all")));
    Ok(())
}
