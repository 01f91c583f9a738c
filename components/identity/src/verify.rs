//! Recognising credentials: for this component's own requests, and for the others that ask.

use std::collections::BTreeSet;

use hedgeschool_credentials::{
    Credentials, Role, SESSION_COOKIE, Scope, Session, Subject, TokenHash, Verdict, cookie, equal,
    pair, pairs, verify_password,
};
use hedgeschool_web::identity::Presented;
use hedgeschool_web::{HeaderMap, Problem, Reply, Request, body, now_ms, settings};

use crate::store::types::Launch;
use crate::store::{launches, people as stored_people};
use crate::{BODY_BYTES_MAX, EVENT, agent, clients, people, secret};

/// What the host is told to count of a wrong password or token in a header.
const CREDENTIALS_REFUSED: &str = "credentials-refused";

/// `POST /verify`, private: a [`Presented`] in, a [`Verdict`] or null out.
pub async fn answer(request: Request) -> Result<Reply, Problem> {
    let presented: Presented = body::json(request, BODY_BYTES_MAX).await?;
    let verdict = verdict(&presented).await?;
    // A session that has ended is nobody's attack.
    let is_refused = verdict.is_none() && presented.authorization.is_some();
    let reply = Reply::json(&verdict)?;
    Ok(if is_refused { reply.with_header(EVENT, CREDENTIALS_REFUSED) } else { reply })
}

/// The caller, who must be an administrator; 401 or 403 otherwise.
pub async fn administrator(headers: &HeaderMap) -> Result<Verdict, Problem> {
    let known = verdict(&Presented::from_headers(headers)).await?;
    let known =
        known.ok_or_else(|| Problem::unauthorized("Basic", "sign in as an administrator"))?;
    let refusal = || Problem::forbidden("only administrators may do this");
    known.is_administrator().then_some(known).ok_or_else(refusal)
}

/// Who presents this. A header that is there and wrong is not made good by a cookie.
async fn verdict(presented: &Presented) -> Result<Option<Verdict>, Problem> {
    match (&presented.authorization, &presented.cookie) {
        (Some(value), _) => match Credentials::parse(value) {
            Some(Credentials::Basic { name, secret }) => by_basic(&name, &secret).await,
            Some(Credentials::Bearer(token)) => by_token(&token).await,
            None => Ok(None),
        },
        (None, Some(cookies)) => match cookie(cookies, SESSION_COOKIE) {
            Some(session) => by_session(session).await,
            None => Ok(None),
        },
        (None, None) => Ok(None),
    }
}

/// A client's key and secret, or a person's name and password.
async fn by_basic(name: &str, secret: &str) -> Result<Option<Verdict>, Problem> {
    match clients::by_secret(name, secret).await? {
        None => person_by_password(name, secret).await,
        known => Ok(known),
    }
}

/// A launched unit's bearer, or a node's token.
async fn by_token(token: &str) -> Result<Option<Verdict>, Problem> {
    let nodes = settings::text("bootstrap_nodes").await?;
    if let Some(node) = pairs(&nodes).find(|node| equal(&node.secret, token)) {
        let agent = agent::of_account(&node.name, &node.name).await?;
        let subject = Subject::Node { id: node.name };
        return Ok(Some(Verdict { subject, scopes: BTreeSet::new(), agent }));
    }
    let found = launches::find(TokenHash::of(token).into_text(), now_ms()).await?;
    match found {
        Some(launch) => of_launch(launch).await,
        None => Ok(None),
    }
}

async fn of_launch(launch: Launch) -> Result<Option<Verdict>, Problem> {
    let learner = launch.learner.clone();
    let Some(person) = person(&learner).await? else { return Ok(None) };
    let scopes = BTreeSet::from([Scope::StatementsWrite, Scope::StatementsReadMine, Scope::State]);
    let Launch { registration, session, activity, .. } = launch;
    let subject = Subject::Launch { registration, session, activity, learner };
    Ok(Some(Verdict { subject, scopes, agent: person.agent }))
}

async fn by_session(text: &str) -> Result<Option<Verdict>, Problem> {
    match secret::signing_key().await?.verify(text, now_ms()) {
        Some(session) => Ok(person(&session.name).await?.map(|known| in_browser(known, session))),
        None => Ok(None),
    }
}

fn in_browser(mut known: Verdict, session: Session) -> Verdict {
    if let Subject::Person { browser, .. } = &mut known.subject {
        *browser = session.browser;
    }
    known
}

/// The person of this name, if the password is right.
pub async fn person_by_password(name: &str, password: &str) -> Result<Option<Verdict>, Problem> {
    if let Some(admin) = bootstrap_admin().await?.filter(|admin| admin.name == name) {
        let right = equal(&admin.secret, password);
        return if right { person(name).await } else { Ok(None) };
    }
    let hash = stored_people::find(name.to_owned()).await?.map(|person| person.password_hash);
    let right = hash.is_some_and(|hash| verify_password(password, &hash));
    if right { person(name).await } else { Ok(None) }
}

/// Whether somebody of this name is known here, whatever the password; a name that nobody can have
/// counts as known.
pub async fn knows(name: &str) -> Result<bool, Problem> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        return Ok(true);
    }
    let is_admin = bootstrap_admin().await?.is_some_and(|admin| admin.name == name);
    Ok(is_admin || stored_people::find(name.to_owned()).await?.is_some())
}

/// The person of this name, who has proved to be that person, or is spoken of.
pub async fn person(name: &str) -> Result<Option<Verdict>, Problem> {
    let (display_name, role) = match stored_people::find(name.to_owned()).await? {
        Some(stored) => (stored.display_name, people::role(stored.role)),
        None if bootstrap_admin().await?.is_some_and(|admin| admin.name == name) => {
            (name.to_owned(), Role::Administrator)
        }
        None => return Ok(None),
    };
    let agent = agent::of_account(name, &display_name).await?;
    let scopes = match role {
        Role::Administrator => BTreeSet::from([Scope::All]),
        Role::Learner => BTreeSet::from([Scope::StatementsReadMine]),
    };
    let subject =
        Subject::Person { name: name.to_owned(), display_name, role, browser: String::new() };
    Ok(Some(Verdict { subject, scopes, agent }))
}

async fn bootstrap_admin() -> Result<Option<hedgeschool_credentials::Pair>, Problem> {
    Ok(pair(&settings::text("bootstrap_admin").await?))
}
