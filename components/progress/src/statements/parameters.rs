//! The parameters of `GET statements` (2.1.3): a row each. A parameter that has its row is known,
//! is read, and stays in the address of the next page.
//!
//! A condition that the store does not know yet is a field of `filter` in its WIT, too, and a term
//! of `hedgeschool-xapi` to look statements up by: a `Facet`, which `mentions.rs` there finds in a
//! statement. Statements that were stored before have no such term.

use hedgeschool_web::{Problem, Query};
use hedgeschool_xapi::format::Format;
use hedgeschool_xapi::format_timestamp;

use crate::call::Call;
use crate::store::match_all;
use crate::store::types::Filter;

/// Statements of a page when the caller does not say, or says 0.
const PAGE_DEFAULT: u32 = 100;
/// Statements of a page at most.
const PAGE_MAX: u32 = 1_000;
/// Where the address of a next page goes on. It is ours.
const FROM: &str = "from";

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The one statement. None: those that match the filter.
    pub one: Option<StatementId>,
    /// Which statements.
    pub filter: Filter,
    /// How much of agents, verbs and activities.
    pub format: Format,
    /// With the data of attachments.
    pub attachments: bool,
}

/// A statement by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementId {
    /// UUID, lower case.
    pub id: String,
    /// Whether it is one that was voided.
    pub is_voided: bool,
}

/// What a parameter goes with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// One statement.
    One,
    /// A page of them.
    Page,
    /// Either.
    Both,
}

struct Parameter {
    name: &'static str,
    of: Of,
    /// Reads it, if it is there.
    read: fn(&Call, &str, &mut Asked) -> Result<(), Problem>,
}

/// All there are, in the order in which refusals list them and addresses of next pages have them.
#[rustfmt::skip]
const PARAMETERS: [Parameter; 15] = [
    Parameter { name: "statementId", of: Of::One, read: |call, name, asked| {
        asked.one = call.read_uuid(name)?.map(|id| StatementId { id, is_voided: false });
        Ok(())
    } },
    Parameter { name: "voidedStatementId", of: Of::One, read: |call, name, asked| {
        asked.one = call.read_uuid(name)?.map(|id| StatementId { id, is_voided: true });
        Ok(())
    } },
    Parameter { name: "agent", of: Of::Page, read: |call, name, asked| {
        asked.filter.agent = call.read_agent(name)?;
        Ok(())
    } },
    Parameter { name: "verb", of: Of::Page, read: |call, name, asked| {
        asked.filter.verb = call.read_iri(name)?;
        Ok(())
    } },
    Parameter { name: "activity", of: Of::Page, read: |call, name, asked| {
        asked.filter.activity = call.read_iri(name)?;
        Ok(())
    } },
    Parameter { name: "registration", of: Of::Page, read: |call, name, asked| {
        asked.filter.registration = call.read_uuid(name)?;
        Ok(())
    } },
    Parameter { name: "related_activities", of: Of::Page, read: |call, name, asked| {
        asked.filter.related_activities = call.read_flag(name)?;
        Ok(())
    } },
    Parameter { name: "related_agents", of: Of::Page, read: |call, name, asked| {
        asked.filter.related_agents = call.read_flag(name)?;
        Ok(())
    } },
    Parameter { name: "since", of: Of::Page, read: |call, name, asked| {
        asked.filter.since = call.read_moment(name)?.map(format_timestamp);
        Ok(())
    } },
    Parameter { name: "until", of: Of::Page, read: |call, name, asked| {
        asked.filter.until = call.read_moment(name)?.map(format_timestamp);
        Ok(())
    } },
    Parameter { name: "limit", of: Of::Page, read: |call, name, asked| {
        asked.filter.limit = clamp_limit(call.read_number(name)?);
        Ok(())
    } },
    Parameter { name: "format", of: Of::Both, read: |call, name, asked| {
        asked.format = read_format(call, name)?;
        Ok(())
    } },
    Parameter { name: "attachments", of: Of::Both, read: |call, name, asked| {
        asked.attachments = call.read_flag(name)?;
        Ok(())
    } },
    Parameter { name: "ascending", of: Of::Page, read: |call, name, asked| {
        asked.filter.ascending = call.read_flag(name)?;
        Ok(())
    } },
    Parameter { name: FROM, of: Of::Page, read: |call, name, asked| {
        asked.filter.after = call.read_number(name)?;
        Ok(())
    } },
];

fn clamp_limit(asked: Option<u64>) -> u32 {
    match asked {
        None | Some(0) => PAGE_DEFAULT,
        Some(limit) => PAGE_MAX.min(limit.try_into().unwrap_or(PAGE_MAX)),
    }
}

fn read_format(call: &Call, name: &str) -> Result<Format, Problem> {
    let rule = || Problem::bad_request("format must be exact, ids or canonical");
    let format = call.query.get(name).map(|text| Format::parse(text).ok_or_else(rule));
    Ok(format.transpose()?.unwrap_or_default())
}

/// The parameters that may go with one statement, or with a page.
fn known_with(of: Of) -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(move |parameter| parameter.of == of || parameter.of == Of::Both)
}

/// Reads the parameters of a request.
///
/// # Errors
/// 400 for one that is malformed, unknown, or goes with something else.
pub fn read_parameters(call: &Call) -> Result<Asked, Problem> {
    let mut asked = Asked {
        one: None,
        filter: match_all(PAGE_DEFAULT),
        format: Format::default(),
        attachments: false,
    };
    read_those_of(call, Of::Both, &mut asked)?;
    let is_given = |parameter: &&Parameter| call.query.get(parameter.name).is_some();
    let of = match PARAMETERS.iter().filter(|it| it.of == Of::One).filter(is_given).count() {
        0 => Of::Page,
        1 => Of::One,
        _ => {
            let rule = "ask for statementId or voidedStatementId, not for both";
            return Err(Problem::bad_request(rule));
        }
    };
    let known: Vec<_> = known_with(of).map(|parameter| parameter.name).collect();
    call.check_known(&known)?;
    read_those_of(call, of, &mut asked)?;
    Ok(asked)
}

fn read_those_of(call: &Call, of: Of, asked: &mut Asked) -> Result<(), Problem> {
    let mut those = PARAMETERS.iter().filter(|parameter| parameter.of == of);
    those.try_for_each(|parameter| match call.query.get(parameter.name) {
        Some(_) => (parameter.read)(call, parameter.name, asked),
        None => Ok(()),
    })
}

/// The address of the next page: the same query from the last statement on, which stays valid for
/// ever.
pub fn next_address(query: &Query, from: u64) -> String {
    let mut address = form_urlencoded::Serializer::new(String::new());
    for name in known_with(Of::Page).map(|parameter| parameter.name).filter(|name| *name != FROM) {
        if let Some(value) = query.get(name) {
            address.append_pair(name, value);
        }
    }
    address.append_pair(FROM, &from.to_string());
    format!("/xapi/statements?{}", address.finish())
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
