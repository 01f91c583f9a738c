//! The formats of an answer, from the standard's text (part three, 2.1.3).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hedgeschool_xapi::format::{
    DEFINITION_ENTRIES_MAX, Format, LANGUAGES_MAX, accept_language, merge_definition, reduce,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn in_format(format: Format, mut statement: Value) -> Value {
    reduce(&mut statement, format, &[], &|_| None);
    statement
}

fn ids(statement: Value) -> Value {
    in_format(Format::Ids, statement)
}

/// The display that is left of a verb for someone who accepts these languages.
fn displayed(header: &str, tags: &[&str]) -> String {
    let display: Map<_, _> = tags.iter().map(|tag| ((*tag).to_owned(), json!(tag))).collect();
    let mut statement = json!({"verb": {"id": "https://example.org/did", "display": display}});
    reduce(&mut statement, Format::Canonical, &accept_language(header), &|_| None);
    let display = statement["verb"]["display"].as_object().unwrap();
    assert_eq!(display.len(), 1, "{header} {tags:?}");
    display.keys().next().unwrap().clone()
}

#[test]
fn there_are_three_formats() {
    assert_eq!(Format::parse("exact"), Some(Format::Exact));
    assert_eq!(Format::parse("ids"), Some(Format::Ids));
    assert_eq!(Format::parse("canonical"), Some(Format::Canonical));
    assert_eq!(Format::parse("Exact"), None);
    assert_eq!(Format::parse(""), None);
}

#[test]
fn exact_is_as_it_was_received() {
    assert_eq!(in_format(Format::Exact, everything()), everything());
}

fn everything() -> Value {
    let ada = json!({"objectType": "Agent", "name": "Ada", "mbox": "mailto:ada@example.org"});
    let class = json!({"objectType": "Group", "name": "3a", "openid": "https://example.org/3a",
        "member": [ada]});
    let pair = json!({"objectType": "Group", "name": "Two", "member": [
        ada, {"name": "Bo", "account": {"homePage": "https://example.org", "name": "bo"}}]});
    let verb = json!({"id": "https://example.org/did", "display": {"en": "did", "ga": "rinne"}});
    let course = json!({"objectType": "Activity", "id": "https://example.org/course",
        "definition": {"name": {"en": "A course", "ga": "Cúrsa"},
            "type": "https://example.org/type"}});
    let context = json!({
        "registration": "9d3a2f0e-1111-4222-8333-444455556666",
        "instructor": ada, "team": class, "platform": "tablet",
        "contextActivities": {"parent": [course], "category": course},
        "contextAgents": [{"objectType": "contextAgent", "agent": ada,
            "relevantTypes": ["https://x.org/t"]}],
        "contextGroups": [{"objectType": "contextGroup", "group": pair}],
        "statement": {"objectType": "StatementRef", "id": "9d3a2f0e-1111-4222-8333-444455556666"},
        "extensions": {"https://example.org/e": {"actor": ada}},
    });
    json!({
        "id": "9d3a2f0e-1111-4222-8333-444455556666",
        "actor": pair, "verb": verb,
        "object": {"objectType": "SubStatement", "actor": class, "verb": verb, "object": course,
            "context": context},
        "context": context,
        "result": {"success": true},
        "attachments": [{"usageType": "https://example.org/u", "display": {"en": "x", "ga": "y"}}],
        "authority": ada,
    })
}

#[test]
fn ids_leave_what_identifies_everywhere() {
    let ada = json!({"mbox": "mailto:ada@example.org"});
    let class = json!({"objectType": "Group", "openid": "https://example.org/3a"});
    let bo = json!({"account": {"homePage": "https://example.org", "name": "bo"}});
    let pair = json!({"objectType": "Group", "member": [ada, bo]});
    let course = json!({"id": "https://example.org/course"});
    let reduced = ids(everything());
    assert_eq!(reduced["actor"], pair);
    assert_eq!(reduced["verb"], json!({"id": "https://example.org/did"}));
    assert_eq!(reduced["authority"], ada);
    let inner = &reduced["object"];
    assert_eq!(inner["objectType"], "SubStatement");
    assert_eq!(inner["actor"], class);
    assert_eq!(inner["verb"], json!({"id": "https://example.org/did"}));
    assert_eq!(inner["object"], course);
    for context in [&reduced["context"], &inner["context"]] {
        assert_eq!(context["instructor"], ada);
        assert_eq!(context["team"], class);
        assert_eq!(context["contextActivities"]["parent"], json!([course]));
        assert_eq!(context["contextActivities"]["category"], course);
        assert_eq!(context["contextAgents"][0]["agent"], ada);
        assert_eq!(context["contextAgents"][0]["relevantTypes"], json!(["https://x.org/t"]));
        assert_eq!(context["contextGroups"][0]["group"], pair);
    }
}

#[test]
fn ids_touch_nothing_else() {
    let (reduced, whole) = (ids(everything()), everything());
    for path in [
        "/id",
        "/result",
        "/attachments",
        "/context/registration",
        "/context/platform",
        "/context/statement",
        "/context/extensions",
    ] {
        assert_eq!(reduced.pointer(path), whole.pointer(path), "{path}");
    }
}

#[test]
fn an_actor_as_object_says_what_it_is() {
    let agent = json!({"objectType": "Agent", "name": "Ada", "mbox": "mailto:ada@example.org"});
    let reduced = ids(json!({"object": agent}));
    assert_eq!(reduced["object"], json!({"objectType": "Agent", "mbox": "mailto:ada@example.org"}));
    let reference = json!({"objectType": "StatementRef", "id": "x"});
    assert_eq!(ids(json!({"object": reference}))["object"], reference);
}

#[test]
fn canonical_takes_the_definition_of_the_store_in_one_language() {
    let held = json!({"name": {"en": "Held", "ga": "Coimeádta"}, "description": {"ga": "Cur síos"},
        "interactionType": "choice", "correctResponsesPattern": ["a"],
        "choices": [{"id": "a", "description": {"en": "A", "ga": "Á"}}]});
    let mut statement = everything();
    let languages = accept_language("ga");
    reduce(&mut statement, Format::Canonical, &languages, &|id| {
        (id == "https://example.org/course").then(|| held.clone())
    });
    let shown = json!({"name": {"ga": "Coimeádta"}, "description": {"ga": "Cur síos"},
        "interactionType": "choice", "correctResponsesPattern": ["a"],
        "choices": [{"id": "a", "description": {"ga": "Á"}}]});
    for path in [
        "/object/object",
        "/context/contextActivities/parent/0",
        "/context/contextActivities/category",
    ] {
        assert_eq!(statement.pointer(path).unwrap()["definition"], shown, "{path}");
    }
    for path in ["/verb/display", "/object/verb/display"] {
        assert_eq!(statement.pointer(path), Some(&json!({"ga": "rinne"})), "{path}");
    }
    for path in ["/actor", "/authority", "/context/team", "/attachments"] {
        assert_eq!(statement.pointer(path), everything().pointer(path), "{path}");
    }
}

#[test]
fn canonical_without_a_held_definition_filters_the_statements_own() {
    let mut statement = everything();
    reduce(&mut statement, Format::Canonical, &accept_language("en"), &|_| None);
    let definition = json!({"name": {"en": "A course"}, "type": "https://example.org/type"});
    assert_eq!(statement["object"]["object"]["definition"], definition);
    let mut bare = json!({"object": {"id": "https://example.org/a"}});
    reduce(&mut bare, Format::Canonical, &[], &|_| Some(json!({"name": {"en": "A", "fr": "B"}})));
    assert_eq!(bare["object"]["definition"], json!({"name": {"en": "A"}}));
}

#[test]
fn the_best_language_remains() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("en-GB", &["en-GB", "en-US"], "en-GB"),
        ("en-gb", &["en-GB", "en-US"], "en-GB"),
        ("fr;q=0.5, ga", &["fr", "ga"], "ga"),
        ("ga, fr", &["fr", "ga"], "ga"),
        // A range takes in its varieties, and prefers itself.
        ("en", &["de", "en-US"], "en-US"),
        ("en", &["en", "en-GB"], "en"),
        ("en", &["enm", "fr"], "enm"),
        // The longest range that matches tells the quality.
        ("en, en-US;q=0.1, fr;q=0.5", &["en-US", "fr"], "fr"),
        ("*;q=0.5, fr;q=0.1", &["de", "fr"], "de"),
        ("fr;q=0, *", &["fr", "ga"], "ga"),
        // None is acceptable: the nearest.
        ("en-GB", &["de", "en-US"], "en-US"),
        ("en-GB, *;q=0", &["de", "en-US"], "en-US"),
        ("de;q=0", &["de", "en"], "en"),
        ("de;q=0", &["de"], "de"),
        ("pl", &["de", "en"], "de"),
        ("", &["de", "en"], "de"),
    ];
    for (header, tags, best) in cases {
        assert_eq!(displayed(header, tags), *best, "{header} {tags:?}");
    }
}

#[test]
fn an_accept_language_header_is_read_best_first() {
    let read = |header: &str| -> Vec<_> {
        let preferences = accept_language(header).into_iter();
        preferences.map(|p| (p.range, p.quality)).collect()
    };
    let one = |range: &str, quality| (range.to_owned(), quality);
    assert_eq!(
        read("da, en-GB;q=0.8 , en ; q=0.75,*;q=0.001"),
        [one("da", 1_000), one("en-gb", 800), one("en", 750), one("*", 1)]
    );
    assert_eq!(read("fr;q=0.2, de;Q=1.000"), [one("de", 1_000), one("fr", 200)]);
    for malformed in
        ["", ",,", "e n", "en;q=1.1", "en;q=0.1234", "en;q=-1", "en;q", "tolongasubtag", "-"]
    {
        assert_eq!(read(malformed), [], "{malformed}");
    }
    assert_eq!(read(&"en,".repeat(10 * LANGUAGES_MAX)).len(), LANGUAGES_MAX);
}

#[test]
fn definitions_merge_by_language_and_the_newest_property_wins() {
    let first = json!({"name": {"en": "Old", "ga": "Sean"}, "type": "https://example.org/1",
        "extensions": {"https://example.org/a": 1}});
    let second = json!({"name": {"en": "New", "fr": "Neuf"}, "type": "https://example.org/2",
        "extensions": {"https://example.org/b": 2}, "moreInfo": "https://example.org/more"});
    let merged = json!({"name": {"en": "New", "ga": "Sean", "fr": "Neuf"},
        "type": "https://example.org/2",
        "extensions": {"https://example.org/a": 1, "https://example.org/b": 2},
        "moreInfo": "https://example.org/more"});
    assert_eq!(merge_definition(Some(first), &second), merged);
    assert_eq!(merge_definition(Some(merged.clone()), &json!({})), merged);
    assert_eq!(merge_definition(None, &merged), merged);
    assert_eq!(merge_definition(Some(merged.clone()), &merged), merged);
}

#[test]
fn another_interaction_takes_the_parts_of_the_former_along() {
    let choice = json!({"name": {"en": "Q"}, "interactionType": "choice",
        "choices": [{"id": "a"}], "correctResponsesPattern": ["a"]});
    let numeric = json!({"interactionType": "numeric"});
    let merged = merge_definition(Some(choice.clone()), &numeric);
    assert_eq!(merged, json!({"name": {"en": "Q"}, "interactionType": "numeric"}));
    let kept = merge_definition(Some(choice.clone()), &json!({"interactionType": "choice"}));
    assert_eq!(kept, choice);
}

#[test]
fn a_definition_does_not_grow_without_end() {
    let names = |from: usize| -> Map<_, _> {
        let some = from..from + DEFINITION_ENTRIES_MAX;
        some.map(|n| (format!("x-{n:05}"), json!("n"))).collect()
    };
    let first = merge_definition(None, &json!({"name": names(0)}));
    let more =
        merge_definition(Some(first.clone()), &json!({"name": names(DEFINITION_ENTRIES_MAX)}));
    assert_eq!(first, more);
    let updated = merge_definition(Some(more), &json!({"name": {"x-00000": "new"}}));
    assert_eq!(updated["name"]["x-00000"], "new");
}

/// Any JSON, with the names of statements.
fn any_json() -> impl Strategy<Value = Value> {
    let names = [
        "objectType",
        "actor",
        "verb",
        "object",
        "context",
        "member",
        "mbox",
        "display",
        "definition",
        "name",
        "id",
        "contextActivities",
        "parent",
        "contextAgents",
        "agent",
        "team",
        "choices",
        "description",
        "en",
        "ga-IE",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec!["Group", "Agent", "SubStatement", "Activity", "x"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let name = prop::sample::select(names.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn reducing_never_panics_and_twice_is_once(statement in any_json(), held in any_json()) {
        for format in [Format::Exact, Format::Ids, Format::Canonical] {
            let once = |mut statement: Value| {
                let languages = accept_language("ga, en;q=0.1");
                reduce(&mut statement, format, &languages, &|_| Some(held.clone()));
                statement
            };
            let reduced = once(statement.clone());
            prop_assert_eq!(once(reduced.clone()), reduced);
        }
    }

    #[test]
    fn merging_never_panics_and_twice_is_once(stored in any_json(), new in any_json()) {
        let merged = merge_definition(Some(stored), &new);
        prop_assert_eq!(merge_definition(Some(merged.clone()), &new), merged);
    }

    #[test]
    fn no_header_is_trouble(
        header in "\\PC{0,100}",
        other in "([a-zA-Z*-]{0,9}(;q=[0-9.]{0,6})?,){0,40}",
    ) {
        for header in [header, other] {
            let read = accept_language(&header);
            prop_assert!(read.is_sorted_by(|a, b| a.quality >= b.quality));
            prop_assert!(read.iter().all(|p| p.quality <= 1_000));
        }
    }
}
