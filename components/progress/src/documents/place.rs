//! Which documents a request speaks of: its parameters (2.3, 2.6, 2.7).

use hedgeschool_web::{Method, Problem};

use crate::call::{Call, missing};
use crate::store::types::{DocumentKind, DocumentScope};

/// Longest id of a document, activity or agent, in bytes.
const PARAMETER_BYTES_MAX: usize = 4_096;

/// One document, or several.
pub struct Place {
    /// Whose.
    pub scope: DocumentScope,
    /// Which one. None: all of them.
    pub id: Option<String>,
    /// Of all, only those changed after this moment, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// The parameter that names the one.
    id_parameter: &'static str,
}

impl Place {
    /// Reads the parameters; 400 for one that is missing, malformed or not of this resource.
    pub fn of(call: &Call, kind: DocumentKind) -> Result<Self, Problem> {
        let (of_scope, id_parameter) = parameters(kind);
        let id = call.query.get(id_parameter).map(str::to_owned);
        let may_be_several = match call.method {
            Method::GET | Method::HEAD => true,
            Method::DELETE => kind == DocumentKind::State,
            _ => false,
        };
        if !may_be_several {
            call.required(id_parameter)?;
        }
        let lists = id.is_none() && call.method != Method::DELETE;
        let since: &[&str] = if lists { &["since"] } else { &[] };
        call.only(&[of_scope, &[id_parameter], since].concat())?;
        check_lengths(call)?;
        if id.as_ref().is_some_and(String::is_empty) {
            return Err(Problem::bad_request(format!("{id_parameter} must not be empty")));
        }
        let scope = scope(call, kind, of_scope)?;
        let since_ms = call.moment("since")?.map(|since_us| since_us.div_euclid(1_000));
        Ok(Self { scope, id, since_ms, id_parameter })
    }

    /// The one document.
    pub fn one(self) -> Result<(DocumentScope, String), Problem> {
        let id = self.id.ok_or_else(|| missing(self.id_parameter))?;
        Ok((self.scope, id))
    }
}

/// The parameters of a resource: whose documents, and the id of one.
fn parameters(kind: DocumentKind) -> (&'static [&'static str], &'static str) {
    match kind {
        DocumentKind::State => (&["activityId", "agent", "registration"], "stateId"),
        DocumentKind::ActivityProfile => (&["activityId"], "profileId"),
        DocumentKind::AgentProfile => (&["agent"], "profileId"),
    }
}

fn scope(call: &Call, kind: DocumentKind, parameters: &[&str]) -> Result<DocumentScope, Problem> {
    let of = |name, value: Option<String>| match value {
        None if parameters.contains(&name) => Err(missing(name)),
        value => Ok(value),
    };
    Ok(DocumentScope {
        kind,
        activity: of("activityId", call.iri("activityId")?)?,
        agent: of("agent", call.agent("agent")?)?,
        registration: call.uuid("registration")?,
    })
}

fn check_lengths(call: &Call) -> Result<(), Problem> {
    match call.query.pairs().find(|(_, value)| value.len() > PARAMETER_BYTES_MAX) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::bad_request(format!(
            "the parameter {name} may have at most {PARAMETER_BYTES_MAX} bytes"
        ))),
    }
}
