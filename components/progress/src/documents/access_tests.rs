use hedgeschool_credentials::Role;

use super::*;

const ADA: &str = r#"{"mbox":"mailto:ada@example.org"}"#;
const ADA_ID: &str = "mbox:mailto:ada@example.org";
const BOB_ID: &str = "mbox:mailto:bob@example.org";
const KINDS: [DocumentKind; 3] =
    [DocumentKind::State, DocumentKind::ActivityProfile, DocumentKind::AgentProfile];

fn verdict(subject: Subject, scopes: &[Scope]) -> Verdict {
    Verdict { subject, scopes: scopes.iter().copied().collect(), agent: ADA.into() }
}

fn launch() -> Verdict {
    let subject = Subject::Launch {
        registration: "r".into(),
        session: "s".into(),
        activity: "urn:a".into(),
        learner: "ada".into(),
    };
    verdict(subject, &[Scope::StatementsWrite, Scope::State])
}

fn person() -> Verdict {
    let subject = Subject::Person {
        name: "ada".into(),
        display_name: "Ada".into(),
        role: Role::Learner,
        browser: String::new(),
    };
    verdict(subject, &[Scope::StatementsReadMine])
}

fn client(scopes: &[Scope]) -> Verdict {
    verdict(Subject::Client { key: "k".into() }, scopes)
}

fn target(kind: DocumentKind, agent: &str, registration: Option<&str>, id: &str) -> DocumentTarget {
    let is_activity = kind == DocumentKind::ActivityProfile;
    let scope = DocumentScope {
        kind,
        activity: Some("urn:a".into()),
        agent: (!is_activity).then(|| agent.to_owned()),
        registration: registration.map(str::to_owned),
    };
    DocumentTarget::for_test(scope, Some(id))
}

/// Which of the kinds may be read, and which changed.
fn rights(verdict: &Verdict, agent: &str, registration: Option<&str>) -> [[bool; 3]; 2] {
    let all = KINDS.map(|kind| target(kind, agent, registration, "id"));
    let reads = all.each_ref().map(|target| may_read(verdict, target).is_ok());
    [reads, all.each_ref().map(|target| may_change(verdict, target).is_ok())]
}

#[test]
fn a_client_goes_by_its_scopes() {
    let of = |scopes: &[Scope]| rights(&client(scopes), BOB_ID, None);
    assert_eq!(of(&[Scope::State]), [[true, false, false]; 2]);
    assert_eq!(of(&[Scope::Profile]), [[false, true, true]; 2]);
    assert_eq!(of(&[Scope::AllRead]), [[true; 3], [false; 3]]);
    assert_eq!(of(&[Scope::All]), [[true; 3]; 2]);
    assert_eq!(of(&[Scope::StatementsWrite, Scope::StatementsRead]), [[false; 3]; 2]);
}

#[test]
fn a_unit_has_those_of_its_learner_and_registration() {
    let of = |agent, registration| rights(&launch(), agent, registration);
    assert_eq!(of(ADA_ID, Some("r")), [[true, true, true], [true, false, true]]);
    assert_eq!(of(ADA_ID, Some("q")), [[false, true, true], [false, false, true]]);
    assert_eq!(of(ADA_ID, None), [[false, true, true], [false, false, true]]);
    assert_eq!(of(BOB_ID, Some("r")), [[false, true, false], [false, false, false]]);
}

#[test]
fn a_person_reads_what_is_kept_of_that_person() {
    assert_eq!(rights(&person(), ADA_ID, None), [[true, false, true], [false; 3]]);
    assert_eq!(rights(&person(), BOB_ID, None), [[false; 3]; 2]);
}

#[test]
fn a_unit_does_not_change_how_it_was_launched() {
    let data = target(DocumentKind::State, ADA_ID, Some("r"), LAUNCH_DATA);
    assert!(may_read(&launch(), &data).is_ok() && may_change(&launch(), &data).is_err());
    assert!(may_change(&client(&[Scope::State]), &data).is_ok());
    let profile = target(DocumentKind::AgentProfile, ADA_ID, None, LAUNCH_DATA);
    assert!(may_change(&launch(), &profile).is_ok(), "it is a state only");
}
