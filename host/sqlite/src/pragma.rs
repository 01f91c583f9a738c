//! Which PRAGMAs a guest may use.
//!
//! A guest's connection is only a name: its statements run on connections it shares with others.
//! So a PRAGMA that changes a connection is answered by the host when it asks for what the host
//! guarantees anyway, and refused when it asks for something else. Only names listed here pass.

use crate::tokens::Token;
use crate::value::Value;

/// A parsed `PRAGMA [schema.]name [= value | (value)]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pragma {
    /// In lower case.
    pub(crate) name: String,
    /// In lower case, with its sign.
    pub(crate) value: Option<String>,
}

/// What happens with a PRAGMA.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// It only looks.
    Read,
    /// It changes the database, inside a transaction.
    Write,
    /// It changes the database and must not run inside a transaction.
    Alone,
    /// The host answers: a row with this value, or no row.
    Answer(Option<Value>),
    /// Allowed inside a transaction, and pointless outside of one.
    InTransaction,
    /// Refused, for this reason.
    Refuse(&'static str),
}

/// Parses what follows the word PRAGMA; `None` if it does not look like one.
pub(crate) fn parse_pragma(tokens: &mut impl Iterator<Item = Token>) -> Option<Pragma> {
    let mut name = tokens.next()?.as_word()?;
    let mut next = tokens.next();
    if next == Some(Token::Sign('.')) {
        name = tokens.next()?.as_word()?;
        next = tokens.next();
    }
    let value = match next {
        None | Some(Token::Sign(';')) => None,
        Some(Token::Sign('=')) => Some(parse_value(tokens)?),
        Some(Token::Sign('(')) => {
            let value = parse_value(tokens)?;
            (tokens.next()? == Token::Sign(')')).then_some(())?;
            Some(value)
        }
        Some(_) => return None,
    };
    Some(Pragma { name, value })
}

fn parse_value(tokens: &mut impl Iterator<Item = Token>) -> Option<String> {
    match tokens.next()? {
        Token::Sign('-') => Some(format!("-{}", tokens.next()?.as_word()?)),
        Token::Sign('+') => tokens.next()?.as_word(),
        token => token.as_word(),
    }
}

/// Decides by name and value, both in lower case.
pub(crate) fn decide_pragma(name: &str, value: Option<&str>) -> Decision {
    match (name, value) {
        // They look, whatever their argument.
        (
            "table_info" | "table_xinfo" | "table_list" | "index_list" | "index_info"
            | "index_xinfo" | "foreign_key_list" | "foreign_key_check" | "integrity_check"
            | "quick_check",
            _,
        ) => Decision::Read,
        (
            "database_list" | "collation_list" | "function_list" | "module_list" | "pragma_list"
            | "compile_options" | "page_count" | "page_size" | "freelist_count" | "encoding"
            | "schema_version" | "user_version" | "application_id" | "auto_vacuum"
            | "max_page_count" | "cache_size" | "temp_store" | "mmap_size" | "cache_spill"
            | "analysis_limit" | "threads" | "recursive_triggers" | "trusted_schema"
            // FTS5 asks for it in the guest's name.
            | "data_version",
            None,
        ) => Decision::Read,
        ("user_version" | "application_id", Some(_)) => Decision::Write,
        ("wal_checkpoint" | "optimize" | "incremental_vacuum", _) => Decision::Alone,
        // How the file is kept from the next VACUUM on, if it is not already: so that it can
        // shrink.
        ("auto_vacuum", Some("incremental" | "2")) => Decision::Alone,
        ("defer_foreign_keys", _) => Decision::InTransaction,
        // Sizes and hints change no result. The host has its own.
        (
            "cache_size" | "temp_store" | "mmap_size" | "cache_spill" | "analysis_limit"
            | "threads",
            Some(_),
        ) => Decision::Answer(None),
        _ => decide_guarantee(name, value),
    }
}

fn decide_guarantee(name: &str, value: Option<&str>) -> Decision {
    let on = matches!(value, Some("on" | "yes" | "true" | "1"));
    match (name, value) {
        ("journal_mode", None | Some("wal")) => answer_text("wal"),
        ("journal_mode", _) => Decision::Refuse(
            "the journal mode is WAL: the host commits the writes of all instances together, \
             and readers must not wait for them",
        ),
        ("synchronous", None) => Decision::Answer(Some(Value::Integer(2))),
        ("synchronous", Some("full" | "extra" | "2" | "3")) => Decision::Answer(None),
        ("synchronous", _) => Decision::Refuse(
            "it is FULL: an acknowledged write must survive a power cut, and the host makes that \
             fast by committing the writes of all instances together",
        ),
        ("foreign_keys", None) => Decision::Answer(Some(Value::Integer(1))),
        ("foreign_keys", _) if on => Decision::Answer(None),
        ("foreign_keys", _) => Decision::Refuse(
            "they are always checked; inside a transaction, PRAGMA defer_foreign_keys=ON moves \
             the check to COMMIT",
        ),
        ("busy_timeout", None) => Decision::Answer(Some(Value::Integer(5000))),
        ("busy_timeout", Some(value)) => value
            .parse()
            .map_or(Decision::Refuse("the time in milliseconds must be a number"), |ms| {
                Decision::Answer(Some(Value::Integer(ms)))
            }),
        ("locking_mode", None | Some("normal")) => answer_text("normal"),
        ("wal_autocheckpoint", None | Some("1000")) => Decision::Answer(Some(Value::Integer(1000))),
        _ => Decision::Refuse(
            "not offered: it would change a connection that all guests share, or the file itself",
        ),
    }
}

fn answer_text(text: &str) -> Decision {
    Decision::Answer(Some(Value::Text(text.into())))
}

#[cfg(test)]
mod tests {
    use super::{Decision, Pragma, decide_pragma, parse_pragma};
    use crate::tokens::Tokens;

    fn parsed(sql: &str) -> Option<(String, Option<String>)> {
        parse_pragma(&mut Tokens::new(sql)).map(|Pragma { name, value }| (name, value))
    }

    #[test]
    fn parses_every_form() {
        let some = |name: &str, value: &str| Some((name.into(), Some(value.into())));
        assert_eq!(parsed("User_Version"), Some(("user_version".into(), None)));
        assert_eq!(parsed("main.journal_mode = 'WAL';"), some("journal_mode", "wal"));
        assert_eq!(parsed("table_info([My Table])"), some("table_info", "my table"));
        assert_eq!(parsed("cache_size=-2000"), some("cache_size", "-2000"));
        assert_eq!(parsed("cache_size(1"), None);
        assert_eq!(parsed(""), None);
    }

    #[test]
    fn never_weakens_durability() {
        for (name, value) in [
            ("synchronous", "off"),
            ("synchronous", "normal"),
            ("synchronous", "1"),
            ("synchronous", "0"),
            ("journal_mode", "delete"),
            ("journal_mode", "off"),
            ("journal_mode", "memory"),
            ("foreign_keys", "off"),
            ("writable_schema", "on"),
            ("schema_version", "7"),
            ("locking_mode", "exclusive"),
            ("wal_autocheckpoint", "0"),
            ("fullfsync", "0"),
            ("temp_store_directory", "/"),
        ] {
            assert!(
                matches!(decide_pragma(name, Some(value)), Decision::Refuse(_)),
                "{name}={value}"
            );
        }
    }

    #[test]
    fn answers_what_is_guaranteed_anyway() {
        for (name, value) in
            [("synchronous", "full"), ("journal_mode", "wal"), ("foreign_keys", "on")]
        {
            assert!(
                matches!(decide_pragma(name, Some(value)), Decision::Answer(_)),
                "{name}={value}"
            );
        }
    }
}
