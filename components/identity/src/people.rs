//! The people of the node, for its administrators.

use hedgeschool_credentials::{Role, hash_password};
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, random_bytes};
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
}

/// A person as administrators see one.
#[derive(Serialize)]
struct Listed {
    name: String,
    display_name: String,
    role: Role,
}

/// `POST /auth/people`.
pub async fn add(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    verify::administrator(request.headers()).await?;
    let new: NewPerson = body::json(request, BODY_BYTES_MAX).await?;
    let password_hash = hash_password(&new.password, &random_bytes())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let role = stored_role(new.role);
    let person = Person {
        name: new.name.clone(),
        display_name: new.display_name.clone(),
        role,
        password_hash,
    };
    people::add(person).await?;
    let added = Listed { name: new.name, display_name: new.display_name, role: new.role };
    let reply = Reply::json(&added)?;
    Ok(reply.with_status(StatusCode::CREATED))
}

/// `GET /auth/people?after=NAME`.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    verify::administrator(request.headers()).await?;
    let after = Query::of(request).get("after").map(str::to_owned);
    let listed = people::list(after).await?.into_iter().map(|person| Listed {
        role: role(person.role),
        name: person.name,
        display_name: person.display_name,
    });
    Reply::json(&listed.collect::<Vec<_>>())
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
