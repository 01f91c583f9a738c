//! The people of the node, for its administrators.

use hedgeschool_credentials::hash_password;
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, random_bytes, settings};
use serde::Deserialize;

use crate::access::require_administrator;
use crate::form::read_json;
use crate::person::{ListedPerson, NewPerson, PersonChange};
use crate::place::Place;
use crate::store::people;
use crate::store::types::Person;
use crate::verify;

/// Whose agent a component asks for.
#[derive(Deserialize)]
struct Named {
    name: String,
}

/// `POST /agent`, private: the xAPI agent of the person of a name, as a text of JSON, or null.
pub async fn answer_agent(request: Request) -> Result<Reply, Problem> {
    let Named { name } = read_json(request).await?;
    Reply::json(&verify::find_person(&name).await?.map(|person| person.agent))
}

/// `POST /auth/people`.
pub async fn add_person(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    require_administrator(request.headers()).await?;
    let new: NewPerson = read_json(request).await?;
    let person = new.into_stored(&this_place().await?, new_hash)?;
    people::add(person.clone()).await?;
    let reply = Reply::json(&ListedPerson::from(person))?;
    Ok(reply.with_status(StatusCode::CREATED))
}

fn new_hash(password: &str) -> Result<String, Problem> {
    hash_password(password, &random_bytes())
        .map_err(|error| Problem::bad_request(error.to_string()))
}

async fn this_place() -> Result<Place, Problem> {
    let has_upstream = !settings::text("upstream_url").await?.is_empty();
    Ok(Place { node: settings::text("node_id").await?, has_upstream })
}

/// `GET /auth/people?after=NAME`.
pub async fn list_people(request: &Request) -> Result<Reply, Problem> {
    require_administrator(request.headers()).await?;
    let after = Query::of(request).get("after").map(str::to_owned);
    let listed = people::list(after).await?.into_iter().map(ListedPerson::from);
    Reply::json(&listed.collect::<Vec<_>>())
}

/// `PATCH /auth/people/{name}`: changes what is given, here and wherever else the person is known.
pub async fn change_person(request: Request, name: &str) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    require_administrator(request.headers()).await?;
    let change: PersonChange = read_json(request).await?;
    let place = this_place().await?;
    let person = change.apply_to(find_own(name, &place).await?, &place, new_hash)?;
    if people::change(person.clone()).await? {
        Reply::json(&ListedPerson::from(person))
    } else {
        Err(no_such_person(name))
    }
}

/// `DELETE /auth/people/{name}`.
pub async fn remove_person(request: &Request, name: &str) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    require_administrator(request.headers()).await?;
    find_own(name, &this_place().await?).await?;
    if people::remove(name.to_owned()).await? {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(no_such_person(name))
    }
}

/// The person of this name, whom this node may change.
async fn find_own(name: &str, place: &Place) -> Result<Person, Problem> {
    let person = people::find(name.to_owned()).await?.ok_or_else(|| no_such_person(name))?;
    place
        .check_change(&person.name, person.home.as_deref())
        .map_err(|elsewhere| Problem::new(StatusCode::CONFLICT, elsewhere.to_string()))?;
    Ok(person)
}

fn no_such_person(name: &str) -> Problem {
    Problem::not_found(format!("there is no {name:?} here"))
}
