//! Where a statement goes.
//!
//! SQLite's grammar fixes the kind of a statement by its first word, with two exceptions: WITH
//! opens queries and writes alike, and what a PRAGMA does depends on its name and value. So the
//! first word is enough to route without a prepared statement, a schema or a lock. It is not
//! trusted: connections that read are `query_only` and run nothing that SQLite does not call
//! readonly, and every connection's authorizer refuses what this module should have caught.

use crate::error::{Error, ONE_STATEMENT};
use crate::pragma::{self, Decision};
use crate::tokens::{Token, Tokens};
use crate::value::{Rows, Value};

/// What to do with a statement outside of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Route {
    /// Any reader can run it.
    Read,
    /// Reads or writes: a reader finds out by preparing it.
    ReadOrWrite,
    /// The writer runs it, together with others.
    Write,
    /// The writer runs it outside of any transaction.
    Alone,
    /// It begins a transaction.
    Begin,
    /// It has an effect inside a transaction only.
    InTransaction,
    /// The host knows the answer.
    Answer(Rows),
    /// It would end a transaction, and there is none; or it is not run here at all.
    Fail(Error),
}

/// Decides by the statement's text.
pub(crate) fn route_statement(sql: &str) -> Route {
    let mut tokens = Tokens::new(sql).skip_while(|token| *token == Token::Sign(';'));
    let Some(first) = tokens.next() else { return Route::Answer(Rows::default()) };
    match first.as_word().unwrap_or_default().as_str() {
        "insert" | "replace" | "update" | "delete" | "create" | "drop" | "alter" | "reindex"
        | "analyze" => Route::Write,
        "with" => Route::ReadOrWrite,
        "begin" => Route::Begin,
        "savepoint" => Route::Begin,
        "commit" | "end" => no_transaction("cannot commit - no transaction is active"),
        "rollback" => match tokens.any(|token| token.as_word().as_deref() == Some("to")) {
            true => no_savepoint(tokens),
            false => no_transaction("cannot rollback - no transaction is active"),
        },
        "release" => no_savepoint(tokens),
        "vacuum" => route_vacuum(tokens),
        "attach" | "detach" => Route::Fail(Error::Refused(NO_ATTACH.into())),
        "pragma" => route_pragma(tokens),
        // SELECT, VALUES, EXPLAIN, and what SQLite will call a syntax error.
        _ => Route::Read,
    }
}

/// Decides for a statement inside a transaction, where everything runs on the transaction's own
/// connection: only PRAGMAs need an answer of the host's, the authorizer sees to the rest.
pub(crate) fn answer_in_transaction(sql: &str) -> Option<Result<Rows, Error>> {
    match route_statement(sql) {
        Route::Answer(rows) => Some(Ok(rows)),
        Route::Fail(error @ Error::Refused(_)) => Some(Err(error)),
        _ => None,
    }
}

/// Why ATTACH, DETACH and VACUUM INTO are refused.
pub(crate) const NO_ATTACH: &str = "a statement reaches only the database it was sent to; open \
     another database by its label instead of attaching a file";

fn no_transaction(message: &str) -> Route {
    Route::Fail(Error::sqlite_error(message))
}

fn no_savepoint(tokens: impl Iterator<Item = Token>) -> Route {
    let mut words = tokens.filter_map(|token| match token {
        Token::Word(word) => Some(word),
        Token::Sign(_) => None,
    });
    let name = words.find(|word| !word.eq_ignore_ascii_case("savepoint")).unwrap_or_default();
    no_transaction(&format!("no such savepoint: {name}"))
}

fn route_vacuum(mut tokens: impl Iterator<Item = Token>) -> Route {
    match tokens.any(|token| token.as_word().as_deref() == Some("into")) {
        true => Route::Fail(Error::Refused(NO_ATTACH.into())),
        false => Route::Alone,
    }
}

fn route_pragma(mut tokens: impl Iterator<Item = Token>) -> Route {
    let Some(statement) = pragma::parse_pragma(&mut tokens) else {
        return Route::Fail(Error::Refused("this PRAGMA cannot be read".into()));
    };
    if tokens.any(|token| token != Token::Sign(';')) {
        return Route::Fail(Error::Refused(ONE_STATEMENT.into()));
    }
    match pragma::decide_pragma(&statement.name, statement.value.as_deref()) {
        Decision::Read => Route::Read,
        Decision::Write => Route::Write,
        Decision::Alone => Route::Alone,
        Decision::Answer(value) => Route::Answer(
            value.map_or_else(Rows::default, |value| pragma_answer(&statement.name, value)),
        ),
        Decision::InTransaction => Route::InTransaction,
        Decision::Refuse(why) => {
            Route::Fail(Error::Refused(format!("PRAGMA {}: {why}", statement.name)))
        }
    }
}

fn pragma_answer(pragma: &str, value: Value) -> Rows {
    // SQLite names the column after the PRAGMA, with this one exception.
    Rows::single_value(if pragma == "busy_timeout" { "timeout" } else { pragma }, value)
}

#[cfg(test)]
mod tests {
    use super::{Route, route_statement};
    use crate::error::Error;

    fn refused(sql: &str) -> bool {
        matches!(route_statement(sql), Route::Fail(Error::Refused(_)))
    }

    #[test]
    fn goes_by_the_first_word() {
        assert_eq!(route_statement(";; /* a */ inSERT INTO t VALUES (1)"), Route::Write);
        assert_eq!(route_statement("-- x\nSELECT 1"), Route::Read);
        assert_eq!(route_statement("WITH x AS (SELECT 1) DELETE FROM t"), Route::ReadOrWrite);
        assert_eq!(route_statement("EXPLAIN INSERT INTO t VALUES (1)"), Route::Read);
        assert_eq!(route_statement("Savepoint a"), Route::Begin);
        assert_eq!(route_statement("VACUUM"), Route::Alone);
        assert_eq!(route_statement("nonsense"), Route::Read);
        assert!(matches!(route_statement("  ; -- nothing"), Route::Answer(_)));
    }

    #[test]
    fn refuses_other_files() {
        assert!(refused("ATTACH 'x' AS y"));
        assert!(refused("DETACH y"));
        assert!(refused("VACUUM INTO 'x'"));
        assert!(refused("VACUUM main INTO 'x'"));
    }

    #[test]
    fn refuses_a_second_statement_behind_a_pragma() {
        assert!(refused("PRAGMA journal_mode=WAL; DROP TABLE t"));
        assert!(!refused("PRAGMA journal_mode=WAL ; "));
    }
}
