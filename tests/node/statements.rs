//! The record store, as any xAPI client sees it.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Node, statement};
use http::Method;
use serde_json::{Value, json};

#[test]
fn what_is_posted_is_there_after_a_restart() -> Result<()> {
    let mut node = Node::start()?;
    let id = statement::new_id();
    statement::post(&node.xapi(), &id)?;
    node.terminate()?;
    node.restart()?;
    let read =
        node.xapi().get(&format!("/xapi/statements?statementId={id}"))?.expect(200)?.json()?;
    assert_eq!(read.pointer("/actor/name"), Some(&json!("Ada")));
    assert!(read.get("stored").is_some() && read.get("authority").is_some(), "{read}");
    Ok(())
}

#[test]
fn the_same_statement_again_is_fine_and_another_under_its_id_is_not() -> Result<()> {
    let node = Node::start()?;
    let id = statement::new_id();
    let xapi = node.xapi();
    statement::post(&xapi, &id)?;
    statement::post(&xapi, &id)?;
    let put = format!("/xapi/statements?statementId={id}");
    xapi.put(&put, &statement::experienced(&id))?.expect(204)?;
    let mut other = statement::experienced(&id);
    other["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/failed");
    xapi.post("/xapi/statements", &other)?.expect(409)?;
    xapi.put(&put, &other)?.expect(409)?;
    assert_eq!(statement::all_ids(&xapi)?, [id]);
    Ok(())
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() -> Result<()> {
    let node = Node::start()?;
    let xapi = node.xapi();
    let ids: Vec<_> = (0..40).map(|_| statement::new_id()).collect();
    let mut batch: Vec<Value> = ids.iter().map(|id| statement::experienced(id)).collect();
    let answered = xapi.post("/xapi/statements", &json!(batch))?.expect(200)?.json()?;
    assert_eq!(answered, json!(ids));

    batch.iter_mut().for_each(|statement| statement["id"] = json!(statement::new_id()));
    if let Some(last) = batch.last_mut() {
        last["verb"] = json!({ "id": "no iri" });
    }
    xapi.post("/xapi/statements", &json!(batch))?.expect(400)?;
    assert_eq!(statement::all_ids(&xapi)?, ids);
    Ok(())
}

#[test]
fn queries_filter_and_page() -> Result<()> {
    let node = Node::start()?;
    let xapi = node.xapi();
    let ids: Vec<_> = (0..25).map(|_| statement::new_id()).collect();
    for id in &ids {
        statement::post(&xapi, id)?;
    }
    let page = xapi.get("/xapi/statements?limit=10")?.expect(200)?.json()?;
    assert_eq!(page.pointer("/statements/0/id"), ids.last().map(|id| json!(id)).as_ref());
    ensure!(page["more"].as_str().is_some_and(|more| !more.is_empty()), "no more in {page}");
    let none = xapi.get("/xapi/statements?verb=http://adlnet.gov/expapi/verbs/passed")?;
    assert_eq!(none.expect(200)?.json()?["statements"], json!([]));
    assert_eq!(statement::all_ids(&xapi)?, ids);
    Ok(())
}

#[test]
fn nobody_records_without_credentials() -> Result<()> {
    let node = Node::start()?;
    let anonymous = node.anonymous().with_header("x-experience-api-version", "1.0.3");
    let statement = statement::experienced(&statement::new_id());
    for client in [anonymous.clone(), anonymous.with_basic("test:wrong")] {
        let refused = client.post("/xapi/statements", &statement)?.expect(401)?;
        assert!(refused.header("www-authenticate").starts_with("Basic"), "{refused:?}");
        client.get("/xapi/statements")?.expect(401)?;
    }
    assert_eq!(statement::count(&node.xapi())?, 0);
    Ok(())
}

#[test]
fn malformed_statements_are_refused_by_name_and_nothing_is_kept() -> Result<()> {
    let node = Node::start()?;
    let xapi = node.xapi();
    statement::post(&xapi, &statement::new_id())?;
    let valid = || statement::experienced(&statement::new_id());
    let mut without_verb = valid();
    without_verb["verb"] = Value::Null;
    let mut bad_id = valid();
    bad_id["id"] = json!("not-a-uuid");
    let mut bad_actor = valid();
    bad_actor["actor"] = json!({ "mbox": "ada@example.org" });
    let bodies = [
        (r#"{"actor": "#.to_owned(), ""),
        ("no JSON at all".to_owned(), ""),
        ("42".to_owned(), ""),
        (without_verb.to_string(), "verb"),
        (bad_id.to_string(), "id"),
        (bad_actor.to_string(), "mbox"),
    ];
    for (body, named) in bodies {
        let json = Some(("application/json", body.as_bytes()));
        let refused = xapi.send(Method::POST, "/xapi/statements", json)?.expect(400)?;
        let detail = refused.detail()?;
        assert!(!detail.is_empty() && detail.contains(named), "{body} is refused with {detail:?}");
    }
    assert_eq!(statement::count(&xapi)?, 1);
    Ok(())
}
