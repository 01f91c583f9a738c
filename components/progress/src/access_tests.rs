use hedgeschool_credentials::{Role, Subject};
use proptest::prelude::*;

use super::*;
use crate::store::match_all;

const ADA: &str = r#"{"mbox":"mailto:ada@example.org"}"#;
const ADA_ID: &str = "mbox:mailto:ada@example.org";

fn launch() -> Subject {
    Subject::Launch {
        registration: "r".into(),
        session: "s".into(),
        activity: "urn:a".into(),
        learner: "ada".into(),
    }
}

fn person() -> Subject {
    Subject::Person {
        name: "ada".into(),
        display_name: "Ada".into(),
        role: Role::Learner,
        browser: String::new(),
    }
}

fn client() -> Subject {
    Subject::Client { key: "k".into() }
}

fn verdict(subject: Subject, scope: Scope) -> Verdict {
    Verdict { subject, scopes: [scope].into(), agent: ADA.into() }
}

fn parties(agent: &str, registration: &str, authority: &str) -> Parties {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Parties { agent: some(agent), registration: some(registration), authority: some(authority) }
}

fn confined(subject: Subject) -> Confinement {
    let verdict = verdict(subject, Scope::StatementsReadMine);
    Confinement::of_reader(&verdict).unwrap().unwrap()
}

#[test]
fn who_may_read_all_is_not_confined() {
    for scope in [Scope::StatementsRead, Scope::AllRead, Scope::All] {
        let reader = verdict(client(), scope);
        assert_eq!(Confinement::of_reader(&reader).unwrap(), None, "{scope}");
    }
}

#[test]
fn a_client_has_what_it_recorded_and_others_have_what_is_about_them() {
    let covers = |subject, it: &Parties| confined(subject).covers_statement(it);
    let recorded = parties("mbox:mailto:b@example.org", "q", ADA_ID);
    let about = parties(ADA_ID, "r", "account:https://example.org|node");
    let elsewhere = parties(ADA_ID, "q", "account:https://example.org|node");
    assert!(covers(client(), &recorded) && !covers(client(), &about));
    assert!(covers(person(), &about) && covers(person(), &elsewhere));
    assert!(covers(launch(), &about) && !covers(launch(), &elsewhere));
    assert!(!covers(person(), &recorded) && !covers(launch(), &recorded));
    assert!(!covers(launch(), &parties(ADA_ID, "", "")), "without a registration");
    assert!(!covers(person(), &parties("", "r", "")), "an anonymous group");
}

#[test]
fn only_a_unit_is_confined_in_recording() {
    let (own, other) = (parties(ADA_ID, "r", ""), parties("mbox:mailto:b@example.org", "r", ""));
    let both = || [("1", &own), ("2", &other)];
    let write = |subject| verdict(subject, Scope::StatementsWrite);
    assert!(may_record(&write(client()), both()).is_ok());
    assert!(may_record(&write(person()), both()).is_ok());
    assert!(may_record(&write(launch()), [("1", &own)]).is_ok());
    let refusal = may_record(&write(launch()), both()).unwrap_err().detail;
    assert!(refusal.starts_with("statement 2: "), "{refusal}");
}

fn any_condition(values: [&'static str; 3]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(values.to_vec()).prop_map(str::to_owned))
}

proptest! {
    #[test]
    fn a_narrowed_query_selects_what_the_caller_is_confined_to(
        agent in any_condition([ADA_ID, "mbox:mailto:b@example.org", "openid:x"]),
        registration in any_condition(["r", "q", "p"]),
        subject in prop::sample::select(vec![client(), person(), launch()]),
        its_agent in any_condition([ADA_ID, "mbox:mailto:b@example.org", "openid:x"]),
        its_registration in any_condition(["r", "q", "p"]),
        its_authority in any_condition([ADA_ID, "openid:x", "openid:y"]),
    ) {
        let own = confined(subject);
        let asked = Filter { agent, registration, ..match_all(1) };
        let mut narrowed = asked.clone();
        let it = Parties {
            agent: its_agent,
            registration: its_registration,
            authority: its_authority,
        };
        let is = |wanted: &Option<String>, found: &Option<String>| {
            wanted.is_none() || wanted == found
        };
        let matches = |filter: &Filter| {
            is(&filter.agent, &it.agent)
                && is(&filter.registration, &it.registration)
                && is(&filter.authority, &it.authority)
        };
        let allowed = own.clone().narrow_filter(&mut narrowed);
        let expected = own.covers_statement(&it) && matches(&asked);
        match allowed {
            Ok(()) => prop_assert_eq!(matches(&narrowed), expected),
            // It asked for nothing that it may see.
            Err(_) => prop_assert!(!expected),
        }
    }
}
