use proptest::prelude::*;
use rusqlite::types::Value as Column;

use super::*;
use crate::test_database::{open_database, read_rows, run_statement};

/// What each precondition means (WIT).
fn holds(precondition: &Precondition, etag: Option<&str>) -> bool {
    let named = |etags: &[String]| etag.is_some_and(|etag| etags.iter().any(|it| it == etag));
    match precondition {
        Precondition::None => true,
        Precondition::Exists => etag.is_some(),
        Precondition::Absent => etag.is_none(),
        Precondition::Matches(etags) => named(etags),
        Precondition::Differs(etags) => !named(etags),
    }
}

fn any_precondition() -> impl Strategy<Value = Precondition> {
    let etags = || prop::collection::vec("[a-c]", 0..3);
    prop_oneof![
        Just(Precondition::None),
        Just(Precondition::Exists),
        Just(Precondition::Absent),
        etags().prop_map(Precondition::Matches),
        etags().prop_map(Precondition::Differs),
    ]
}

fn scope(registration: Option<&str>) -> DocumentScope {
    DocumentScope {
        kind: DocumentKind::State,
        activity: Some("https://example.org/a".into()),
        agent: Some("mbox:mailto:a@example.org".into()),
        registration: registration.map(str::to_owned),
    }
}

fn etag_here(database: &rusqlite::Connection) -> Option<String> {
    let sql = "SELECT etag FROM document WHERE content IS NOT NULL";
    match read_rows(database, sql, &[]).into_iter().flatten().next() {
        Some(Column::Text(etag)) => Some(etag),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_change_is_made_if_and_only_if_its_precondition_holds(
        changes in prop::collection::vec((prop::option::of("[a-c]"), any_precondition()), 1..8),
    ) {
        let database = open_database();
        let mut expected: Option<String> = None;
        for (etag, precondition) in changes {
            let values = match &etag {
                Some(etag) => ["text/plain".into(), Value::Blob(vec![1]), etag.clone().into()],
                None => ["".into(), Value::Null, "".into()],
            };
            let mut parameters = bind_key(scope(None), "id".into());
            parameters.extend(values);
            parameters.push(Value::Integer(7));
            parameters.extend(bind_precondition(precondition.clone()));
            let changed = run_statement(&database, CHANGE, &parameters);
            let is_refused = !holds(&precondition, expected.as_deref());
            prop_assert_eq!(changed.is_err(), is_refused, "{:?} {:?}", precondition, expected);
            if !is_refused {
                expected = etag;
            }
            prop_assert_eq!(&etag_here(&database), &expected);
        }
    }
}

#[test]
fn no_registration_is_one_of_its_own_for_one_document_and_any_for_several() {
    let registration = |parameters: Vec<Value>| match parameters.into_iter().nth(3) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    assert_eq!(registration(bind_key(scope(None), "id".into())).as_deref(), Some(""));
    assert_eq!(registration(bind_scope(scope(None))), None);
    assert_eq!(registration(bind_scope(scope(Some("r")))).as_deref(), Some("r"));
}
