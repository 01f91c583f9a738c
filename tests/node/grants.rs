//! Deny by default: what the manifest does not grant fails with the documented error, and what it
//! does grant works.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Node, is_own_host};
use serde_json::json;

use crate::probe::{Probe, ask};

fn start(grants: &str, inherit: &str) -> Result<Node> {
    Probe::new(grants, inherit)?.builder()?.start()
}

#[test]
fn without_grants_everything_is_refused() -> Result<()> {
    let node = start("", "")?;
    let here = node.address();
    let refusals = [
        ("/sqlite?progress".to_owned(), "AccessDenied"),
        ("/sqlite?nowhere".to_owned(), "AccessDenied"),
        ("/key-value?shelf".to_owned(), "AccessDenied"),
        ("/key-value?default".to_owned(), "AccessDenied"),
        ("/variable?secret".to_owned(), "Undefined"),
        (format!("/http?{here}/variable?secret"), "HttpRequestDenied"),
        ("/http?http://neighbour.spin.internal/".to_owned(), "HttpRequestDenied"),
        ("/redis?redis://127.0.0.1:1".to_owned(), "InvalidAddress"),
    ];
    for (what, error) in refusals {
        let said = ask(&node, &what)?;
        ensure!(said.contains(error), "{what} says {said:?} instead of {error}");
    }
    Ok(())
}

#[test]
fn what_is_granted_works_and_only_that() -> Result<()> {
    let node = start(
        "sqlite_databases = ['progress']\n\
         key_value_stores = ['shelf']\n\
         variables = { secret = 'the app has {{ secret }}' }\n\
         allowed_outbound_hosts = ['http://neighbour.spin.internal']",
        "",
    )?;
    let answers = [
        ("/sqlite?progress", "ok"),
        ("/sqlite?identity", "AccessDenied"),
        ("/key-value?shelf", "ok here"),
        ("/key-value?default", "AccessDenied"),
        ("/variable?secret", "ok the app has a secret"),
        ("/variable?other", "Undefined"),
        ("/http?http://neighbour.spin.internal/", "ok 200"),
        ("/http?http://probe.spin.internal/", "HttpRequestDenied"),
        ("/http?http://127.0.0.1:1/", "HttpRequestDenied"),
    ];
    for (what, answer) in answers {
        let said = ask(&node, what)?;
        ensure!(said.contains(answer), "{what} says {said:?} instead of {answer}");
    }
    Ok(())
}

#[test]
fn a_dependency_has_what_it_inherits() -> Result<()> {
    let grants = "sqlite_databases = ['progress']";
    let without = start(grants, "")?;
    let said = ask(&without, "/store")?;
    ensure!(said.contains("not granted"), "without inheritance the store says {said:?}");
    let with = start(grants, "'sqlite_databases'")?;
    assert_eq!(ask(&with, "/store")?, "ok 0");
    Ok(())
}

#[test]
fn a_dependency_inherits_no_more_than_its_parent_has() -> Result<()> {
    let node = start("", "'sqlite_databases'")?;
    let said = ask(&node, "/store")?;
    ensure!(said.contains("not granted"), "the store says {said:?}");
    Ok(())
}

#[test]
fn a_component_that_panics_harms_only_its_own_requests() -> Result<()> {
    let node = start("variables = { a = 'b' }", "")?;
    for _ in 0..5 {
        node.anonymous().get("/panic")?.expect(500)?;
        assert_eq!(ask(&node, "/variable?a")?, "ok b");
    }
    Ok(())
}

#[test]
fn private_routes_cannot_be_reached_from_outside() -> Result<()> {
    let node = Node::start()?;
    let question = json!({ "authorization": "Basic dGVzdDphLXRlc3Qtc2VjcmV0", "cookie": null });
    for host in ["identity.spin.internal", "127.0.0.1"] {
        let outsider = node.anonymous().with_header("host", host);
        // Spin hangs up on a request from outside that names an inner host.
        let Ok(refused) = outsider.post("/verify", &question) else {
            ensure!(host.ends_with(".internal") && !is_own_host(), "as {host}: no answer");
            continue;
        };
        ensure!(
            refused.status.is_client_error(),
            "as {host}: {}: {}",
            refused.status,
            refused.text()
        );
    }
    Ok(())
}
