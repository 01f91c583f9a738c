//! Reading statements (2.1.3).

use hedgeschool_credentials::Scope;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, now_ms};
use hedgeschool_xapi::{agent_id, format_timestamp};

use crate::access::{self, Own};
use crate::store::statements;
use crate::store::types::{Filter, Page};

/// Statements of a page when the caller does not say, or says 0.
const PAGE_DEFAULT: u32 = 100;
/// Statements of a page at most.
const PAGE_MAX: u32 = 1_000;
/// The parameters of a query. `from` is ours: where a `more` address goes on.
const PARAMETERS: [&str; 9] =
    ["agent", "verb", "activity", "registration", "since", "until", "limit", "ascending", "from"];

/// `GET statements`: one by its id, or a page of those that match.
pub async fn statements(request: &Request) -> Result<Reply, Problem> {
    let scopes = [Scope::StatementsRead, Scope::StatementsReadMine];
    let own = access::own(&access::require(request.headers(), &scopes).await?)?;
    // Everything stored before this moment is visible: a write is answered when it can be read.
    let consistent_through = format_timestamp(now_ms() * 1_000);
    let query = Query::of(request);
    let reply = match query.get("statementId") {
        Some(id) => one(id, own.as_ref()).await?,
        None => page(&query, own).await?,
    };
    Ok(reply.with_header("x-experience-api-consistent-through", &consistent_through))
}

async fn one(id: &str, own: Option<&Own>) -> Result<Reply, Problem> {
    let found = statements::get(id.to_owned()).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no statement {id}")))?;
    if own.is_some_and(|own| !own.covers(&found.body)) {
        return Err(access::not_own());
    }
    Ok(Reply::new(StatusCode::OK, "application/json", found.body))
}

async fn page(query: &Query, own: Option<Own>) -> Result<Reply, Problem> {
    if let Some(unknown) = query.names().find(|name| !PARAMETERS.contains(name)) {
        return Err(Problem::bad_request(format!("there is no parameter {unknown:?}")));
    }
    let mut filter = filter(query)?;
    if let Some(own) = own {
        own.narrow(&mut filter)?;
    }
    let page = statements::query(filter).await?;
    Ok(Reply::new(StatusCode::OK, "application/json", json(query, &page)))
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let text = |name| query.get(name).map(str::to_owned);
    let agent = query.get("agent").map(agent_id).transpose();
    Ok(Filter {
        agent: agent.map_err(|violation| Problem::bad_request(violation.to_string()))?,
        verb: text("verb"),
        activity: text("activity"),
        registration: text("registration").map(|id| id.to_ascii_lowercase()),
        since: text("since"),
        until: text("until"),
        ascending: flag(query, "ascending")?,
        limit: match number(query, "limit")? {
            None | Some(0) => PAGE_DEFAULT,
            Some(limit) => PAGE_MAX.min(limit.try_into().unwrap_or(PAGE_MAX)),
        },
        after: number(query, "from")?,
    })
}

fn flag(query: &Query, name: &str) -> Result<bool, Problem> {
    match query.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
    }
}

fn number(query: &Query, name: &str) -> Result<Option<u64>, Problem> {
    let rule = || Problem::bad_request(format!("{name} must be a whole number"));
    query.get(name).map(|text| text.parse().map_err(|_| rule())).transpose()
}

/// A statement result (data, 2.5): the statements as they are stored, and where to go on.
fn json(query: &Query, page: &Page) -> String {
    let statements: Vec<_> = page.statements.iter().map(|s| s.body.as_str()).collect();
    let last = page.statements.last().filter(|_| page.more);
    let more = last.map_or(String::new(), |last| more(query, last.sequence));
    format!(
        "{{\"statements\":[{}],\"more\":{}}}",
        statements.join(","),
        serde_json::Value::from(more)
    )
}

/// The address of the next page: the same query from the last statement on, which stays valid for ever.
fn more(query: &Query, from: u64) -> String {
    let mut address = form_urlencoded::Serializer::new(String::new());
    for name in PARAMETERS.into_iter().filter(|name| *name != "from") {
        if let Some(value) = query.get(name) {
            address.append_pair(name, value);
        }
    }
    address.append_pair("from", &from.to_string());
    format!("/xapi/statements?{}", address.finish())
}
