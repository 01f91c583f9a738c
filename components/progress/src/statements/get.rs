//! Reading statements (2.1.3).

use hedgeschool_credentials::Scope;
use hedgeschool_web::{Problem, Reply};
use hedgeschool_xapi::format::{Format, accept_language};
use hedgeschool_xapi::format_timestamp;

use super::reply::{Shape, of_one, of_page};
use crate::access::{self, Own};
use crate::call::{Call, missing};
use crate::store::statements;
use crate::store::types::Filter;

/// Statements of a page when the caller does not say, or says 0.
const PAGE_DEFAULT: u32 = 100;
/// Statements of a page at most.
const PAGE_MAX: u32 = 1_000;
/// The parameters that go with the id of one statement.
const OF_ONE: [&str; 4] = ["statementId", "voidedStatementId", "format", "attachments"];
/// The parameters of a query. `from` is ours: where a `more` address goes on.
pub const OF_PAGE: [&str; 13] = [
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "format",
    "attachments",
    "ascending",
    "from",
];

/// `GET statements`: one by its id, or a page of those that match.
pub async fn statements(call: &Call) -> Result<Reply, Problem> {
    let scopes = [Scope::StatementsRead, Scope::StatementsReadMine];
    let own = access::own(&access::require(&call.headers, &scopes).await?)?;
    let shape = shape(call)?;
    let ids = ["statementId", "voidedStatementId"].map(|name| (name, call.query.get(name)));
    match ids {
        [(_, None), (_, None)] => page(call, own, shape).await,
        [(_, Some(_)), (_, Some(_))] => {
            Err(Problem::bad_request("ask for statementId or voidedStatementId, not for both"))
        }
        [(name, Some(_)), _] | [_, (name, Some(_))] => {
            call.only(&OF_ONE)?;
            let id = call.uuid(name)?.ok_or_else(|| missing(name))?;
            one(name, id, own.as_ref(), shape).await
        }
    }
}

/// How the caller wants statements.
fn shape(call: &Call) -> Result<Shape, Problem> {
    let rule = || Problem::bad_request("format must be exact, ids or canonical");
    let format = call.query.get("format").map(|text| Format::parse(text).ok_or_else(rule));
    Ok(Shape {
        format: format.transpose()?.unwrap_or_default(),
        languages: call.header("accept-language").map(accept_language).unwrap_or_default(),
        attachments: call.flag("attachments")?,
    })
}

async fn one(name: &str, id: String, own: Option<&Own>, shape: Shape) -> Result<Reply, Problem> {
    let voided = name == "voidedStatementId";
    let found = statements::get(id.clone(), voided).await?;
    let kind = if voided { "voided statement" } else { "statement" };
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no {kind} {id}")))?;
    if own.is_some_and(|own| !own.covers(&found.body)) {
        return Err(access::not_own());
    }
    of_one(found, &shape).await
}

async fn page(call: &Call, own: Option<Own>, shape: Shape) -> Result<Reply, Problem> {
    call.only(&OF_PAGE)?;
    let mut filter = filter(call)?;
    if let Some(own) = own {
        own.narrow(&mut filter)?;
    }
    let page = statements::query(filter).await?;
    of_page(&call.query, page, &shape).await
}

fn filter(call: &Call) -> Result<Filter, Problem> {
    let moment = |name| Ok::<_, Problem>(call.moment(name)?.map(format_timestamp));
    Ok(Filter {
        agent: call.agent("agent")?,
        related_agents: call.flag("related_agents")?,
        verb: call.iri("verb")?,
        activity: call.iri("activity")?,
        related_activities: call.flag("related_activities")?,
        registration: call.uuid("registration")?,
        authority: None,
        since: moment("since")?,
        until: moment("until")?,
        ascending: call.flag("ascending")?,
        limit: match call.number("limit")? {
            None | Some(0) => PAGE_DEFAULT,
            Some(limit) => PAGE_MAX.min(limit.try_into().unwrap_or(PAGE_MAX)),
        },
        after: call.number("from")?,
    })
}
