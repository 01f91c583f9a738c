//! Reading statements (2.1.3).

use hedgeschool_credentials::Scope;
use hedgeschool_web::{Problem, Reply};
use hedgeschool_xapi::format::accept_language;
use hedgeschool_xapi::{Json, Parties};

use super::parameters::{Asked, StatementId, read_parameters};
use super::reply::{Shape, of_one, of_page};
use crate::access::{self, Confinement};
use crate::call::Call;
use crate::store::statements;
use crate::store::types::Filter;

/// `GET statements`: one by its id, or a page of those that match.
///
/// # Errors
/// 400, 401, 403, or 404 for one that is not there.
pub async fn get_statements(call: &Call) -> Result<Reply, Problem> {
    let scopes = [Scope::StatementsRead, Scope::StatementsReadMine];
    let own = Confinement::of_reader(&access::require_scope(&call.headers, &scopes).await?)?;
    let Asked { one, filter, format, attachments } = read_parameters(call)?;
    let languages = call.header_text("accept-language").map(accept_language).unwrap_or_default();
    let shape = Shape { format, languages, attachments };
    match one {
        Some(id) => answer_one(id, own.as_ref(), &shape).await,
        None => answer_page(call, filter, own, &shape).await,
    }
}

async fn answer_one(
    StatementId { id, is_voided }: StatementId,
    own: Option<&Confinement>,
    shape: &Shape,
) -> Result<Reply, Problem> {
    let found = statements::get(id.clone(), is_voided).await?;
    let kind = if is_voided { "voided statement" } else { "statement" };
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no {kind} {id}")))?;
    if own.is_some_and(|own| !is_covered(own, &found.body)) {
        return Err(access::not_own());
    }
    of_one(found, shape).await
}

fn is_covered(own: &Confinement, body: &str) -> bool {
    Json::parse(body).is_ok_and(|statement| own.covers_statement(&Parties::of(&statement)))
}

async fn answer_page(
    call: &Call,
    mut filter: Filter,
    own: Option<Confinement>,
    shape: &Shape,
) -> Result<Reply, Problem> {
    if let Some(own) = own {
        own.narrow_filter(&mut filter)?;
    }
    let page = statements::query(filter).await?;
    of_page(&call.query, page, shape).await
}
