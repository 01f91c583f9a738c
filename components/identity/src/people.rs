//! The people of the node, for its administrators.

use hedgeschool_credentials::{Role, hash_password};
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, random_bytes, settings};
use serde::{Deserialize, Serialize};

use crate::store::people;
use crate::store::types::{Person, Role as StoredRole};
use crate::{BODY_BYTES_MAX, verify};

/// A person to add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    name: String,
    display_name: String,
    role: Role,
    password: String,
    /// The node that the person belongs to; `*`: to all. This one, if not given, or all if this is
    /// a hub.
    home: Option<String>,
}

/// What of a person to change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    display_name: Option<String>,
    role: Option<Role>,
    password: Option<String>,
    home: Option<String>,
}

/// A person as administrators see one.
#[derive(Serialize)]
struct Listed {
    name: String,
    display_name: String,
    role: Role,
    /// The node that the person belongs to. Null: to all.
    home: Option<String>,
}

/// Whose agent a component asks for.
#[derive(Deserialize)]
struct Named {
    name: String,
}

/// `POST /agent`, private: the xAPI agent of the person of a name, as a text of JSON, or null.
pub async fn agent(request: Request) -> Result<Reply, Problem> {
    let Named { name } = body::json(request, BODY_BYTES_MAX).await?;
    Reply::json(&verify::person(&name).await?.map(|person| person.agent))
}

/// `POST /auth/people`.
pub async fn add(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    verify::administrator(request.headers()).await?;
    let new: NewPerson = body::json(request, BODY_BYTES_MAX).await?;
    let person = Person {
        name: new.name,
        display_name: new.display_name,
        role: stored_role(new.role),
        password_hash: hash(&new.password)?,
        home: home(new.home).await?,
    };
    people::add(person.clone()).await?;
    let reply = Reply::json(&Listed::from(person))?;
    Ok(reply.with_status(StatusCode::CREATED))
}

fn hash(password: &str) -> Result<String, Problem> {
    hash_password(password, &random_bytes())
        .map_err(|error| Problem::bad_request(error.to_string()))
}

/// Where somebody belongs of whom that is said, or not said.
async fn home(said: Option<String>) -> Result<Option<String>, Problem> {
    match said {
        Some(all) if all == "*" => Ok(None),
        Some(node) => Ok(Some(node)),
        None if settings::text("upstream_url").await?.is_empty() => Ok(None),
        None => settings::text("node_id").await.map(Some),
    }
}

/// `GET /auth/people?after=NAME`.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    verify::administrator(request.headers()).await?;
    let after = Query::of(request).get("after").map(str::to_owned);
    let listed = people::list(after).await?.into_iter().map(Listed::from);
    Reply::json(&listed.collect::<Vec<_>>())
}

/// `PATCH /auth/people/{name}`: changes what is given, here and wherever else the person is known.
pub async fn change(request: Request, name: &str) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    verify::administrator(request.headers()).await?;
    let changed: Changed = body::json(request, BODY_BYTES_MAX).await?;
    let mut person = people::find(name.to_owned()).await?.ok_or_else(|| nobody(name))?;
    may_change(&person).await?;
    if let Some(display_name) = changed.display_name {
        person.display_name = display_name;
    }
    if let Some(role) = changed.role {
        person.role = stored_role(role);
    }
    if let Some(password) = changed.password {
        person.password_hash = hash(&password)?;
    }
    if changed.home.is_some() {
        person.home = home(changed.home).await?;
    }
    if people::change(person.clone()).await? {
        Reply::json(&Listed::from(person))
    } else {
        Err(nobody(name))
    }
}

/// `DELETE /auth/people/{name}`.
pub async fn remove(request: &Request, name: &str) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    verify::administrator(request.headers()).await?;
    let person = people::find(name.to_owned()).await?.ok_or_else(|| nobody(name))?;
    may_change(&person).await?;
    if people::remove(name.to_owned()).await? {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(nobody(name))
    }
}

fn nobody(name: &str) -> Problem {
    Problem::not_found(format!("there is no {name:?} here"))
}

/// A change that no other node would take is refused where it is made.
async fn may_change(person: &Person) -> Result<(), Problem> {
    if settings::text("upstream_url").await?.is_empty() {
        return Ok(());
    }
    let me = settings::text("node_id").await?;
    if person.home.as_ref() == Some(&me) {
        return Ok(());
    }
    let home = person.home.as_deref().unwrap_or("all nodes");
    let detail = format!("{} belongs to {home}: make the change there, or above", person.name);
    Err(Problem::new(StatusCode::CONFLICT, detail))
}

impl From<Person> for Listed {
    fn from(person: Person) -> Self {
        let Person { name, display_name, home, .. } = person;
        Self { name, display_name, role: role(person.role), home }
    }
}

/// A stored role as the rest of the app names it.
pub fn role(stored: StoredRole) -> Role {
    match stored {
        StoredRole::Learner => Role::Learner,
        StoredRole::Administrator => Role::Administrator,
    }
}

fn stored_role(role: Role) -> StoredRole {
    match role {
        Role::Learner => StoredRole::Learner,
        Role::Administrator => StoredRole::Administrator,
    }
}
