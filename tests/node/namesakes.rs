//! Two people of one name, made at nodes that did not hear of each other.

use anyhow::{Context, Result, ensure};
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

/// A hub, two edges below it that have heard of each other's people's absence, and the link of the
/// second.
fn siblings() -> Result<(Node, Node, Node, Link)> {
    let hub = node("hub", &["edge", "away"])?.start()?;
    let link = Link::to(hub.port())?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    let away = under(node("away", &[])?, "away", &link.address()).start()?;
    Ok((hub, edge, away, link))
}

/// The only conflict at a node.
fn only(node: &Node) -> Result<Value> {
    let [conflict] = conflicts(node)?.try_into().ok().context("one conflict")?;
    Ok(conflict)
}

#[test]
fn a_node_hears_that_a_name_it_gave_is_another_ones_elsewhere() -> Result<()> {
    let (hub, edge, away, link) = siblings()?;
    link.cut();
    add(&edge, "ana", "Ana of edge")?;
    soon("the hub hears of her", || is_shown(&hub, "ana", "Ana of edge"))?;
    add(&away, "ana", "Ana of away")?;
    link.restore();
    soon("her node hears of it", || Ok(conflicts(&away)?.len() == 1))?;
    for node in [&hub, &away] {
        let conflict = only(node)?;
        assert_eq!(conflict["lost"]["display_name"], "Ana of away");
        assert_eq!(conflict["against"], "edge");
    }
    assert_eq!(only(&hub)?["is_restorable"], json!(false));
    let browser = away.browser(&away.sign_in(Node::ADMIN)?);
    let page = browser.get("/admin/conflicts")?.expect(200)?.text();
    ensure!(page.contains("Somebody at node edge has this sign-in name too"), "{page}");
    // Each has their own, and the one who has the name is in no doubt.
    assert_eq!(shown(&away, "ana")?, Some(json!("Ana of away")));
    assert_eq!(shown(&hub, "ana")?, Some(json!("Ana of edge")));
    assert_eq!(conflicts(&edge)?.len(), 0);
    // A later version of the one replaces the earlier in the list.
    rename(&away, "ana", "Ana again")?;
    for node in [&hub, &away] {
        let is_again = |conflict: &Value| conflict["lost"]["display_name"] == "Ana again";
        soon("the change is listed", || {
            Ok(matches!(conflicts(node)?.as_slice(), [conflict] if is_again(conflict)))
        })?;
    }
    // She gets another name, and that was it.
    let removed = away.admin().send(Method::DELETE, "/auth/people/ana", None)?;
    removed.expect(204)?;
    for node in [&hub, &away] {
        soon("it is settled", || Ok(conflicts(node)?.is_empty()))?;
    }
    assert_eq!(shown(&hub, "ana")?, Some(json!("Ana of edge")));
    Ok(())
}

/// The node that a person belongs to at a node; null: to all.
fn home(node: &Node, name: &str) -> Result<Option<Value>> {
    Ok(people(node)?.get(name).map(|person| person["home"].clone()))
}

#[test]
fn all_nodes_hear_that_somebody_belongs_to_one_from_now_on() -> Result<()> {
    let (hub, edge, away, _link) = siblings()?;
    add(&hub, "ben", "Ben")?;
    for node in [&edge, &away] {
        soon("they hear of him", || Ok(home(node, "ben")? == Some(json!(null))))?;
    }
    let change = (r#"{"home":"edge"}"#, "/auth/people/ben");
    let body = Some(("application/json", change.0.as_bytes()));
    hub.admin().send(Method::PATCH, change.1, body)?.expect(200)?;
    for node in [&edge, &away] {
        soon("they hear of the change", || Ok(home(node, "ben")? == Some(json!("edge"))))?;
    }
    rename(&edge, "ben", "Benjamin")?;
    for node in [&hub, &away] {
        soon("they hear of what his node says", || is_shown(node, "ben", "Benjamin"))?;
    }
    Ok(())
}

#[test]
fn a_name_that_was_given_up_can_be_given_again_below() -> Result<()> {
    let (hub, edge, away, _link) = siblings()?;
    give_up(&hub, [&edge, &away])?;
    add(&edge, "ana", "Ana of edge")?;
    for node in [&hub, &away] {
        soon("they hear of the other one", || is_shown(node, "ana", "Ana of edge"))?;
    }
    for node in [&hub, &edge, &away] {
        assert_eq!(conflicts(node)?.len(), 0);
        assert_eq!(home(node, "ana")?, Some(json!("edge")));
    }
    Ok(())
}

/// A name that the hub gave to somebody of all nodes, who then left.
fn give_up(hub: &Node, below: [&Node; 2]) -> Result<()> {
    add(hub, "ana", "Ana of all")?;
    for node in below {
        soon("they hear of her", || is_shown(node, "ana", "Ana of all"))?;
    }
    hub.admin().send(Method::DELETE, "/auth/people/ana", None)?.expect(204)?;
    for node in below {
        soon("they hear that she left", || Ok(shown(node, "ana")?.is_none()))?;
    }
    Ok(())
}

/// Two nodes give a name apart: both have it, each their own, and the second one's node hears of
/// it.
fn both_go_on(hub: &Node, edge: &Node, away: &Node, link: &Link) -> Result<()> {
    link.cut();
    add(edge, "ana", "Ana of edge")?;
    soon("the hub hears of the first", || is_shown(hub, "ana", "Ana of edge"))?;
    add(away, "ana", "Ana of away")?;
    link.restore();
    soon("the second one's node hears of it", || Ok(conflicts(away)?.len() == 1))?;
    soon("and the hub", || Ok(conflicts(hub)?.len() == 1))?;
    assert_eq!(only(away)?["lost"]["display_name"], "Ana of away");
    // Whatever is told again changes nothing.
    rename(edge, "ana", "Ana again")?;
    soon("the first one's change goes up", || is_shown(hub, "ana", "Ana again"))?;
    add(hub, "zoe", "Zoe")?;
    soon("all before that has arrived", || is_shown(away, "zoe", "Zoe"))?;
    assert_eq!(shown(away, "ana")?, Some(json!("Ana of away")));
    assert_eq!(conflicts(away)?.len(), 1);
    Ok(())
}

#[test]
fn a_namesake_is_replaced_by_nobody_of_whom_their_node_is_told() -> Result<()> {
    let (hub, edge, away, link) = siblings()?;
    // Somebody tried the name at the second node, which asked for it and is told of it from then
    // on.
    let form =
        ("application/x-www-form-urlencoded", b"name=ana&password=a-long-password&next=/" as &[u8]);
    away.anonymous().send(Method::POST, "/auth/sign-in", Some(form))?.expect(303)?;
    both_go_on(&hub, &edge, &away, &link)
}

#[test]
fn a_name_that_was_given_up_can_be_given_twice() -> Result<()> {
    let (hub, edge, away, link) = siblings()?;
    give_up(&hub, [&edge, &away])?;
    both_go_on(&hub, &edge, &away, &link)
}

#[test]
fn somebody_who_is_gone_takes_nobodys_name() -> Result<()> {
    let (hub, _edge, away, link) = siblings()?;
    add(&hub, "ben", "Ben")?;
    soon("the node hears of people", || is_shown(&away, "ben", "Ben"))?;
    link.cut();
    add(&hub, "ana", "Ana of all")?;
    hub.admin().send(Method::DELETE, "/auth/people/ana", None)?.expect(204)?;
    add(&away, "ana", "Ana of away")?;
    link.restore();
    soon("the hub hears of her", || is_shown(&hub, "ana", "Ana of away"))?;
    add(&hub, "zoe", "Zoe")?;
    soon("all before that has arrived", || is_shown(&away, "zoe", "Zoe"))?;
    assert_eq!(shown(&away, "ana")?, Some(json!("Ana of away")));
    for node in [&hub, &away] {
        assert_eq!(conflicts(node)?.len(), 0);
    }
    Ok(())
}
