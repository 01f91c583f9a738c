use hedgeschool_web::Method;
use proptest::prelude::*;

use super::*;
use crate::call::test_call;

const UUID: &str = "00000000-0000-4000-8000-000000000001";

fn read(query: &str) -> Result<Asked, String> {
    read_parameters(&test_call(Method::GET, query, &[])).map_err(|problem| problem.detail)
}

/// A parameter and a value that it may have.
const VALUES: [(&str, &str); 13] = [
    ("agent", r#"{"mbox":"mailto:a@example.org"}"#),
    ("verb", "https://example.org/did"),
    ("activity", "https://example.org/a?b=c&d"),
    ("registration", UUID),
    ("related_activities", "true"),
    ("related_agents", "true"),
    ("since", "2026-01-01T00:00:00Z"),
    ("until", "2026-02-01T00:00:00Z"),
    ("limit", "7"),
    ("format", "ids"),
    ("attachments", "true"),
    ("ascending", "true"),
    ("from", "40"),
];

#[test]
fn every_parameter_of_a_page_is_read() {
    let asked = read(&Query::encode(&VALUES)).unwrap();
    let filter = Filter {
        agent: Some("mbox:mailto:a@example.org".into()),
        related_agents: true,
        verb: Some("https://example.org/did".into()),
        activity: Some("https://example.org/a?b=c&d".into()),
        related_activities: true,
        registration: Some(UUID.into()),
        authority: None,
        since: Some("2026-01-01T00:00:00.000Z".into()),
        until: Some("2026-02-01T00:00:00.000Z".into()),
        ascending: true,
        limit: 7,
        after: Some(40),
    };
    assert_eq!(format!("{:?}", asked.filter), format!("{filter:?}"));
    assert_eq!((asked.one, asked.format, asked.attachments), (None, Format::Ids, true));
    let names: Vec<_> = known_with(Of::Page).map(|parameter| parameter.name).collect();
    assert_eq!(names, VALUES.map(|(name, _)| name), "each has its row and its test");
}

#[test]
fn one_statement_is_asked_for_by_one_id() {
    let one = |query: &str| read(query).map(|asked| asked.one);
    let id = |is_voided| Ok(Some(StatementId { id: UUID.into(), is_voided }));
    assert_eq!(one(&format!("statementId={UUID}&format=ids&attachments=true")), id(false));
    assert_eq!(one(&format!("voidedStatementId={UUID}")), id(true));
    let both = one(&format!("voidedStatementId={UUID}&statementId={UUID}")).unwrap_err();
    assert_eq!(both, "ask for statementId or voidedStatementId, not for both");
    let beside = one(&format!("statementId={UUID}&verb=urn:a")).unwrap_err();
    let rule = "there is no parameter \"verb\" here, only statementId, voidedStatementId, format, \
        attachments";
    assert_eq!(beside, rule);
    assert_eq!(one("statementId=7").unwrap_err(), "statementId must be a UUID");
}

#[test]
fn what_is_wrong_is_refused() {
    for (name, _) in VALUES.iter().filter(|(name, _)| *name != "attachments") {
        assert!(read(&Query::encode(&[(name, "no value")])).is_err(), "{name}");
    }
    let unknown = read("verbs=urn:a").unwrap_err();
    let rule = "there is no parameter \"verbs\" here, only agent, verb, activity, registration, \
        related_activities, related_agents, since, until, limit, format, attachments, ascending, \
        from";
    assert_eq!(unknown, rule);
}

#[test]
fn a_page_has_a_limit() {
    let limit = |query: &str| read(query).unwrap().filter.limit;
    assert_eq!([limit(""), limit("limit=0")], [PAGE_DEFAULT; 2]);
    assert_eq!(limit("limit=1"), 1);
    assert_eq!([limit("limit=1001"), limit("limit=99999999999")], [PAGE_MAX; 2]);
}

proptest! {
    #[test]
    fn the_next_page_is_of_the_same_query(
        given in prop::sample::subsequence(VALUES.to_vec(), 0..=VALUES.len()),
        from: u64,
    ) {
        let query = Query::parse(&Query::encode(&given));
        let address = next_address(&query, from);
        let next = read(address.strip_prefix("/xapi/statements?").unwrap()).unwrap();
        let first = read(&Query::encode(&given)).unwrap();
        let expected = Asked { filter: Filter { after: Some(from), ..first.filter }, ..first };
        prop_assert_eq!(format!("{next:?}"), format!("{expected:?}"));
    }
}
