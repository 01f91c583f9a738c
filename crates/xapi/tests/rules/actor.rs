//! Agents, groups, and what identifies them (2.4.2).

use serde_json::{Value, json};

use crate::{accepted, accepts, not_a, refused, refuses, set, with};

fn account() -> Value {
    json!({"homePage": "https://example.org", "name": "ada"})
}

/// One of each identifier.
fn identifiers() -> [(&'static str, Value); 4] {
    [
        ("mbox", json!("mailto:ada@example.org")),
        ("mbox_sha1sum", json!("ebd31e95054c018b10727ccffd2ef2ec3a016ee9")),
        ("openid", json!("https://ada.example.org/")),
        ("account", account()),
    ]
}

fn agent(name: &str, identifier: &Value) -> Value {
    json!({"objectType": "Agent", name: identifier})
}

#[test]
fn an_agent_has_exactly_one_identifier() {
    for (name, value) in identifiers() {
        accepted(&with("/actor", agent(name, &value)));
        for (second, other) in identifiers().iter().filter(|(second, _)| *second != name) {
            let two = set(agent(name, &value), &format!("/{second}"), other.clone());
            refuses("/actor", "2.4.2.1", [two.clone()]);
            refuses("/actor", "2.4.2.2", [set(two, "/objectType", json!("Group"))]);
        }
    }
    refuses(
        "/actor",
        "2.4.2.1",
        [json!({}), json!({"name": "Ada"}), json!({"objectType": "Agent"})],
    );
}

#[test]
fn a_group_has_an_identifier_or_members() {
    let ada = agent("mbox", &json!("mailto:ada@example.org"));
    let anonymous = json!({"objectType": "Group", "member": [ada]});
    accepted(&with("/actor", anonymous.clone()));
    for (name, value) in identifiers() {
        let group = json!({"objectType": "Group", name: value});
        accepts("/actor", [group.clone(), set(group.clone(), "/member", json!([ada]))]);
        // An identified group may say nothing of its members.
        accepted(&with("/actor", set(group, "/member", json!([]))));
    }
    let nobody = [json!({"objectType": "Group"}), json!({"objectType": "Group", "member": []})];
    refuses("/actor", "2.4.2.2", nobody);
    let nested = json!({"objectType": "Group", "member": [anonymous]});
    refused(&with("/actor", nested), "actor.member[0].objectType", "2.4.2.1");
    let no_agent = json!({"objectType": "Group", "member": [{"name": "Ada"}]});
    refused(&with("/actor", no_agent), "actor.member[0]", "2.4.2.1");
    refuses("/actor/member", "2.2", [json!([ada])]);
}

#[test]
fn object_types_are_exact() {
    let others = ["agent", "Person", "Activity", ""].map(Value::from);
    refuses("/actor/objectType", "2.4.2.1", others.into_iter().chain(not_a("string")));
    let group = json!({"objectType": "group", "member": [{"mbox": "mailto:a@example.org"}]});
    refused(&with("/actor", group), "actor.objectType", "2.4.2.1");
}

#[test]
fn an_mbox_is_mailto_and_an_address() {
    let addresses = [
        "mailto:ada@example.org",
        "mailto:ada.o'neill+xapi@mail.example.org",
        "mailto:\"ada l\"@example.org",
        "mailto:ada@localhost",
        "mailto:ada@[192.0.2.1]",
        "mailto:áine@scoil.éire",
        "mailto:a%20b@example.org",
    ];
    accepts("/actor/mbox", addresses.map(Value::from));
    let others = [
        "",
        "ada@example.org",
        "mailto:",
        "mailto:ada",
        "mailto:@example.org",
        "mailto:ada@",
        "mailto:a b@example.org",
        "mailto:ada@exam ple.org",
        "mailto:ada@example..org",
        "mailto:ada@example.org?subject=x",
        "mailto:ada@example.org,bob@example.org",
        "mailto:ada@bob@example.org",
        "https://example.org",
    ];
    refuses("/actor/mbox", "2.4.2.3", others.map(Value::from).into_iter().chain(not_a("string")));
}

#[test]
fn other_identifiers_have_their_form() {
    let sha1 = "ebd31e95054c018b10727ccffd2ef2ec3a016ee9";
    accepts("/actor", [sha1, &sha1.to_uppercase()].map(|sum| json!({"mbox_sha1sum": sum})));
    for sum in ["", "ada", &sha1[1..], "gbd31e95054c018b10727ccffd2ef2ec3a016ee9"] {
        refused(&with("/actor", json!({"mbox_sha1sum": sum})), "actor.mbox_sha1sum", "2.4.2.3");
    }
    for openid in ["", "ada", "example.org/ada"] {
        refused(&with("/actor", json!({"openid": openid})), "actor.openid", "4.3");
    }
}

#[test]
fn accounts_have_a_home_page_and_a_name() {
    for name in ["homePage", "name"] {
        let mut half = account();
        half.as_object_mut().unwrap().remove(name);
        let path = format!("actor.account.{name}");
        refused(&with("/actor", json!({"account": half})), &path, "2.4.2.4");
    }
    let at = |pointer: &str, value: Value| json!({"account": set(account(), pointer, value)});
    let home_page = with("/actor", at("/homePage", json!("example.org")));
    refused(&home_page, "actor.account.homePage", "4.3");
    refused(&with("/actor", at("/name", json!(7))), "actor.account.name", "2.2");
    refused(&with("/actor", at("/mbox", json!("x"))), "actor.account.mbox", "2.2");
}
