//! The statement browser, as an administrator's browser has it: without script.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, statement};
use serde_json::{Value, json};

/// Statements of a page.
const PAGE: usize = 50;

/// Names and values.
type Parameters<'a> = &'a [(&'a str, &'a str)];

/// The browser of someone who signs in.
fn sign_in(node: &Node, credentials: &str) -> Result<Client> {
    Ok(node.browser(&node.sign_in(credentials)?))
}

fn node() -> Result<(Node, Client)> {
    let node = Node::start()?;
    let admin = sign_in(&node, Node::ADMIN)?;
    Ok((node, admin))
}

/// `/statements` with these parameters.
fn address(parameters: Parameters) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/statements?{}", query.extend_pairs(parameters).finish())
}

/// Records statements; answers their ids.
fn record(node: &Node, statements: &[Value]) -> Result<Vec<String>> {
    node.xapi().post("/xapi/statements", &json!(statements))?.expect(200)?;
    let id = |statement: &Value| Some(statement.get("id")?.as_str()?.to_owned());
    statements.iter().map(id).collect::<Option<_>>().context("a statement without id")
}

fn experienced() -> Value {
    statement::experienced(&statement::new_id())
}

/// The ids of the statements that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("<tr>").skip(2);
    let id = |row: &str| Some(row.split_once("href=\"/statements/")?.1.get(..36)?.to_owned());
    rows.filter_map(id).collect()
}

/// Where the link with this text leads.
pub fn link(page: &str, text: &str) -> Result<String> {
    let before = page.split(&format!(">{text}</")).next().filter(|before| *before != page);
    let before = before.with_context(|| format!("nothing says {text:?} in {page}"))?;
    let (_, href) = before.rsplit_once("href=\"").context("no link before")?;
    Ok(href.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&"))
}

#[test]
fn statements_are_listed_newest_first_and_a_cell_leads_to_those_that_share_it() -> Result<()> {
    let (node, admin) = node()?;
    let mut statements = [experienced(), experienced(), experienced()];
    statements[1]["actor"] = json!({ "name": "Eve", "mbox": "mailto:eve@example.org" });
    // Its name is known from the others.
    statements[2]["object"] = json!({ "id": statement::ACTIVITY });
    statements[2]["result"] = json!({ "success": true, "score": { "scaled": 0.8 } });
    let ids = record(&node, &statements)?;
    let page = admin.get("/statements")?.expect(200)?.text();
    assert_eq!(listed(&page), [&ids[2], &ids[1], &ids[0]].map(String::clone));
    ensure!(page.matches("The hedge").count() == 3, "{page}");
    ensure!(page.contains("Success") && page.contains("80 %"), "{page}");
    let eve = admin.get(&link(&page, "<bdi>Eve")?)?;
    assert_eq!(listed(&eve.expect(200)?.text()), ids[1..2]);
    ensure!(link(&admin.get("/")?.expect(200)?.text(), "Statements")? == "/statements");
    Ok(())
}

#[test]
fn every_filter_leaves_out_what_does_not_match() -> Result<()> {
    let (node, admin) = node()?;
    let mut statements: Vec<_> = (0..5).map(|_| experienced()).collect();
    let registration = statement::new_id();
    statements[0]["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    statements[1]["verb"]["id"] = json!("https://example.org/verbs/saw");
    statements[2]["object"]["id"] = json!("https://example.org/activities/gate");
    statements[3]["context"] = json!({
        "registration": registration, "instructor": { "mbox": "mailto:eve@example.org" },
        "contextActivities": { "parent": [{ "id": "https://example.org/activities/gate" }] },
    });
    // As `account_home_page` of spin.toml has it.
    let home = "https://hedgeschool.example/people";
    statements[4]["actor"] = json!({ "account": { "homePage": home, "name": "ada" } });
    let ids = record(&node, &statements)?;
    let eve = r#"{"mbox":"mailto:eve@example.org"}"#;
    let gate = ("activity", "https://example.org/activities/gate");
    let upper = registration.to_uppercase();
    let cases: [(Parameters, &[usize]); 12] = [
        (&[("agent", "eve@example.org")], &[0]),
        (&[("agent", eve)], &[0]),
        (&[("agent", "ada")], &[4]),
        (&[("agent", "eve@example.org"), ("related_agents", "true")], &[3, 0]),
        (&[("verb", " https://example.org/verbs/saw ")], &[1]),
        (&[gate], &[2]),
        (&[gate, ("related_activities", "true")], &[3, 2]),
        (&[("registration", &upper)], &[3]),
        (&[("agent", "eve@example.org"), gate], &[]),
        (&[("until", "2020-01-01")], &[]),
        (&[("since", "2020-01-01 08:00"), ("verb", "")], &[4, 3, 2, 1, 0]),
        (&[("since", "2200-01-01T08:00:00+01:00")], &[]),
    ];
    for (parameters, expected) in cases {
        let page = admin.get(&address(parameters))?.expect(200)?.text();
        let expected: Vec<_> = expected.iter().map(|index| ids[*index].clone()).collect();
        assert_eq!(listed(&page), expected, "{parameters:?}");
    }
    Ok(())
}

#[test]
fn pages_follow_each_other_under_the_same_filter() -> Result<()> {
    let (node, admin) = node()?;
    let mut statements: Vec<_> = (0..2 * PAGE + 10).map(|_| experienced()).collect();
    statements[60]["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    let mut ids = record(&node, &statements)?;
    ids.remove(60);
    ids.reverse();
    let mut next = address(&[("agent", "ada@example.org"), ("related_agents", "true")]);
    for (number, expected) in ids.chunks(PAGE).enumerate() {
        let page = admin.get(&next)?.expect(200)?.text();
        assert_eq!(listed(&page), expected);
        let newest = link(&page, "Newest");
        if number == 0 {
            ensure!(newest.is_err(), "the first page leads to itself");
        } else {
            assert_eq!(listed(&admin.get(&newest?)?.expect(200)?.text()), ids[..PAGE]);
        }
        match link(&page, "Older") {
            Ok(older) => next = older,
            Err(_) => {
                ensure!(number == 2, "page {number} is the last");
                return Ok(());
            }
        }
    }
    anyhow::bail!("the last page leads to another")
}

#[test]
fn a_mistake_is_named_and_the_form_comes_back_as_it_was() -> Result<()> {
    let (node, admin) = node()?;
    record(&node, &[experienced()])?;
    let cases = [
        ("agent", "{}", "exactly one of"),
        ("agent", "ada@", "no e-mail address"),
        ("verb", "passed", "no IRI"),
        ("activity", "hedge", "no IRI"),
        ("registration", "12", "no UUID"),
        ("since", "yesterday", "no time"),
        ("until", "2026-02-30", "no time"),
        ("after", "last", "must be a number"),
    ];
    for (name, value, named) in cases {
        let other = ("activity", "https://example.org/kept");
        let parameters = if name == "activity" { vec![] } else { vec![other] };
        let parameters = [vec![(name, value)], parameters].concat();
        let page = admin.get(&address(&parameters))?.expect(400)?.text();
        ensure!(page.contains(named) && page.contains("role=\"alert\""), "{name}: {page}");
        ensure!(listed(&page).is_empty(), "{name}");
        for (_, kept) in parameters.iter().filter(|(name, _)| *name != "after") {
            ensure!(page.contains(&format!("value=\"{kept}\"")), "{name}: {page}");
        }
    }
    // More than the store can count to is only far away.
    admin.get(&address(&[("after", &u64::MAX.to_string())]))?.expect(200)?;
    Ok(())
}

#[test]
fn a_statement_is_shown_as_it_is_stored_and_says_when_it_is_voided() -> Result<()> {
    let (node, admin) = node()?;
    let mut kept = experienced();
    kept["result"] = json!({ "extensions": { "https://example.org/x": [1.50, {}] } });
    let voided = experienced();
    let mut voiding = experienced();
    voiding["verb"] = json!({ "id": "http://adlnet.gov/expapi/verbs/voided" });
    voiding["object"] = json!({ "objectType": "StatementRef", "id": voided["id"] });
    let ids = record(&node, &[kept, voided])?;
    let page = admin.get(&format!("/statements/{}", ids[1]))?.expect(200)?.text();
    ensure!(!page.contains("Voided"), "{page}");
    let voiding = record(&node, &[voiding])?;
    let list = admin.get("/statements")?.expect(200)?.text();
    assert_eq!(listed(&list), [&voiding[0], &ids[0]].map(String::clone));
    let page = admin.get(&format!("/statements/{}", ids[1].to_uppercase()))?.expect(200)?.text();
    ensure!(page.contains("Voided") && page.contains("mailto:ada@example.org"), "{page}");
    let page = admin.get(&format!("/statements/{}", ids[0]))?.expect(200)?.text();
    ensure!(!page.contains("Voided") && page.contains("\n    "), "{page}");
    ensure!(page.contains("1.5,\n"), "{page}");
    for missing in [statement::new_id(), "1".to_owned()] {
        admin.get(&format!("/statements/{missing}"))?.expect(404)?;
    }
    Ok(())
}

#[test]
fn only_administrators_see_statements() -> Result<()> {
    let (node, _) = node()?;
    let ada = json!({
        "name": "ada", "display_name": "Ada", "role": "learner", "password": "a-long-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let id = statement::new_id();
    statement::post(&node.xapi(), &id)?;
    let ada = sign_in(&node, "ada:a-long-password")?;
    let one = format!("/statements/{id}");
    for path in ["/statements", "/statements?verb=x", &one] {
        let refused = ada.get(path)?.expect(403)?.text();
        ensure!(refused.contains("Only administrators"), "{refused}");
        ensure!(!refused.contains("example.org"), "{refused}");
    }
    ensure!(!ada.get("/")?.expect(200)?.text().contains("/statements"));
    let to = node.anonymous().get("/statements?verb=x%3Ay")?.expect(303)?;
    assert_eq!(to.header("location"), "/sign-in?next=%2Fstatements%3Fverb%3Dx%253Ay");
    Ok(())
}

#[test]
fn after_a_wrong_password_people_still_get_where_they_wanted_to_go() -> Result<()> {
    let (node, _) = node()?;
    let form = b"name=ada&password=wrong&next=%2Fstatements%3Fverb%3Dx";
    let form = Some(("application/x-www-form-urlencoded", form.as_slice()));
    let again = node.anonymous().send(http::Method::POST, "/auth/sign-in", form)?.expect(303)?;
    assert_eq!(again.header("location"), "/sign-in?failed=1&next=%2Fstatements%3Fverb%3Dx");
    Ok(())
}

#[test]
fn markup_in_a_statement_is_text() -> Result<()> {
    let (node, admin) = node()?;
    let script = "\"><script>alert('x')</script>";
    let mut hostile = experienced();
    hostile["actor"]["name"] = json!(script);
    hostile["verb"]["display"] = json!({ "en": script });
    hostile["object"]["definition"]["name"] = json!({ "en": script });
    hostile["result"] = json!({ "response": script, "duration": "PT1S" });
    let ids = record(&node, &[hostile])?;
    let form = [("agent", script), ("since", script), ("after", script)];
    let pages = [
        admin.get("/statements")?.expect(200)?,
        admin.get(&format!("/statements/{}", ids[0]))?.expect(200)?,
        admin.get(&address(&form))?.expect(400)?,
    ];
    for page in pages {
        let policy = page.header("content-security-policy").to_owned();
        let text = page.text();
        ensure!(!text.contains("<script>") && text.contains("script&#62;"), "{text}");
        ensure!(policy.contains("script-src 'self'"), "{policy}");
    }
    Ok(())
}
