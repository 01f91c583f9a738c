//! The statements resource (2.1).

mod attachments;
mod get;
mod parameters;
mod record;
mod reply;

use std::cell::RefCell;

use hedgeschool_web::{Method, Problem, Reply, answer as reply_of};

use crate::call::Call;
use crate::store::statements;

thread_local! {
    /// The last answer of the store to how far statements are complete. It stays true, and only
    /// grows old.
    static THROUGH: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Answers a request to `statements`. All answers, errors included, say through which moment what
/// they rest on is complete (2.1.3). A reader gets the present one, even where it made a mistake:
/// it may be waiting for it.
///
/// # Errors
/// Only if the store does not say how far statements are complete.
pub async fn answer_statements(call: Result<Call, Problem>) -> Result<Reply, Problem> {
    let reads = call.as_ref().map_or(true, Call::is_read);
    let through = match THROUGH.with_borrow(Clone::clone).filter(|_| !reads) {
        Some(through) => through,
        None => consistent_through().await?,
    };
    let reply = reply_of(match call {
        Ok(call) => route_call(call).await,
        Err(problem) => Err(problem),
    });
    Ok(reply.with_header("x-experience-api-consistent-through", &through))
}

async fn route_call(call: Call) -> Result<Reply, Problem> {
    match call.method {
        Method::POST => record::post_statements(call).await,
        Method::PUT => record::put_statement(call).await,
        Method::GET | Method::HEAD => get::get_statements(&call).await,
        _ => Err(Problem::method_not_allowed("GET, HEAD, POST, PUT, OPTIONS")),
    }
}

/// Asks the store anew. What is read after this holds all that was stored before the answer.
async fn consistent_through() -> Result<String, Problem> {
    let through = statements::consistent_through().await?;
    THROUGH.set(Some(through.clone()));
    Ok(through)
}
