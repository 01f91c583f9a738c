//! Recognising credentials: for this component's own requests, and for the others that ask.

use hedgeschool_credentials::{Pair, Subject, TokenHash, Verdict, are_equal};
use hedgeschool_web::identity::Presented;
use hedgeschool_web::{Problem, Reply, Request, now_ms};

use crate::account::{Account, may_be_elsewhere};
use crate::claim::{Claim, read_claim};
use crate::client::has_secret;
use crate::event::{Event, with_event};
use crate::form::read_json;
use crate::store::types::Launch;
use crate::store::{clients, launches, people};
use crate::{agent, bootstrap, secret};

/// `POST /verify`, private: a [`Presented`] in, a [`Verdict`] or null out.
pub async fn answer_verdict(request: Request) -> Result<Reply, Problem> {
    let presented: Presented = read_json(request).await?;
    let verdict = recognise(&presented).await?;
    // A session that has ended is nobody's attack.
    let is_refused = verdict.is_none() && presented.authorization.is_some();
    let reply = Reply::json(&verdict)?;
    Ok(if is_refused { with_event(reply, Event::CredentialsRefused) } else { reply })
}

/// Who presents this. None: nobody who is known.
pub async fn recognise(presented: &Presented) -> Result<Option<Verdict>, Problem> {
    match read_claim(presented) {
        Some(Claim::Basic { name, secret }) => match client_by_secret(&name, &secret).await? {
            None => person_by_password(&name, &secret).await,
            client => Ok(client),
        },
        Some(Claim::Token(token)) => by_token(&token).await,
        Some(Claim::Session(session)) => by_session(&session).await,
        None => Ok(None),
    }
}

/// The client that presents this key and secret, if they are right and it has not been revoked.
async fn client_by_secret(key: &str, secret: &str) -> Result<Option<Verdict>, Problem> {
    let is_right = |client: &Pair| client.name == key && are_equal(&client.secret, secret);
    if bootstrap::client().await?.is_some_and(|client| is_right(&client)) {
        let agent = agent::of_client(key, key).await?;
        return Ok(Some(Verdict::of_client(key.to_owned(), ["all"], agent)));
    }
    let found = clients::find(key.to_owned()).await?;
    let Some(client) = found.filter(|client| has_secret(client, secret)) else { return Ok(None) };
    let agent = agent::of_client(&client.key, &client.name).await?;
    Ok(Some(Verdict::of_client(client.key, client.scopes.iter().map(String::as_str), agent)))
}

/// The person of this name, if the password is right.
pub async fn person_by_password(name: &str, password: &str) -> Result<Option<Verdict>, Problem> {
    let account = find_account(name).await?;
    if account.has_password(password) { judge_account(name, account).await } else { Ok(None) }
}

/// Whether a node above may know somebody of this name who is not known here.
pub async fn is_worth_asking(name: &str) -> Result<bool, Problem> {
    Ok(may_be_elsewhere(name, &find_account(name).await?))
}

/// The person of this name, who has proved to be that person, or is spoken of.
pub async fn find_person(name: &str) -> Result<Option<Verdict>, Problem> {
    judge_account(name, find_account(name).await?).await
}

async fn find_account(name: &str) -> Result<Account, Problem> {
    let stored = people::find(name.to_owned()).await?;
    Ok(Account::new(name, bootstrap::administrator().await?, stored))
}

async fn judge_account(name: &str, account: Account) -> Result<Option<Verdict>, Problem> {
    let Some((display_name, role)) = account.into_profile() else { return Ok(None) };
    let agent = agent::of_account(name, &display_name).await?;
    Ok(Some(Verdict::of_person(name.to_owned(), display_name, role, agent)))
}

/// A launched unit's bearer, or a node's token.
async fn by_token(token: &str) -> Result<Option<Verdict>, Problem> {
    if let Some(node) = bootstrap::node_of_token(token).await? {
        let agent = agent::of_account(&node, &node).await?;
        return Ok(Some(Verdict::of_node(node, agent)));
    }
    match launches::find(TokenHash::of(token).into_text(), now_ms()).await? {
        Some(launch) => judge_launch(launch).await,
        None => Ok(None),
    }
}

/// A launch is its learner's: it ends with that one.
async fn judge_launch(launch: Launch) -> Result<Option<Verdict>, Problem> {
    let Some(person) = find_person(&launch.learner).await? else { return Ok(None) };
    let Launch { registration, session, activity, learner, .. } = launch;
    let subject = Subject::Launch { registration, session, activity, learner };
    Ok(Some(Verdict::of_launch(subject, person.agent)))
}

async fn by_session(text: &str) -> Result<Option<Verdict>, Problem> {
    let Some(session) = secret::signing_key().await?.verify_session(text, now_ms()) else {
        return Ok(None);
    };
    let person = find_person(&session.name).await?;
    Ok(person.map(|person| person.in_browser(session.browser)))
}
