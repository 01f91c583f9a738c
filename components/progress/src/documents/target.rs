//! Which documents a request speaks of: its parameters (2.3, 2.6, 2.7).

use hedgeschool_web::{Method, Problem};

use crate::call::{Call, missing_parameter};
use crate::store::types::{DocumentKind, DocumentScope};

/// Longest id of a document, activity or agent, in bytes.
const PARAMETER_BYTES_MAX: usize = 4_096;

/// One document, or several.
pub struct DocumentTarget {
    /// Whose.
    pub scope: DocumentScope,
    /// Which one. None: all of them.
    pub id: Option<String>,
    /// Of all, only those changed after this moment, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// The parameter that names the one.
    id_parameter: &'static str,
}

impl DocumentTarget {
    /// Reads the parameters.
    ///
    /// # Errors
    /// 400 for one that is missing, malformed or not of this resource.
    pub fn from_call(call: &Call, kind: DocumentKind) -> Result<Self, Problem> {
        let (of_scope, id_parameter) = parameters_of(kind);
        let id = call.query.get(id_parameter).map(str::to_owned);
        let may_be_several = match call.method {
            Method::GET | Method::HEAD => true,
            Method::DELETE => kind == DocumentKind::State,
            _ => false,
        };
        if !may_be_several {
            call.require_parameter(id_parameter)?;
        }
        let lists = id.is_none() && call.method != Method::DELETE;
        let since: &[&str] = if lists { &["since"] } else { &[] };
        call.check_known(&[of_scope, &[id_parameter], since].concat())?;
        check_lengths(call)?;
        if id.as_ref().is_some_and(String::is_empty) {
            return Err(Problem::bad_request(format!("{id_parameter} must not be empty")));
        }
        let scope = read_scope(call, kind, of_scope)?;
        let since_ms = call.read_moment("since")?.map(|since_us| since_us.div_euclid(1_000));
        Ok(Self { scope, id, since_ms, id_parameter })
    }

    /// Documents of a scope, for tests.
    #[cfg(test)]
    pub fn for_test(scope: DocumentScope, id: Option<&str>) -> Self {
        Self { scope, id: id.map(str::to_owned), since_ms: None, id_parameter: "stateId" }
    }

    /// The one document.
    ///
    /// # Errors
    /// 400 if they are several.
    pub fn into_one(self) -> Result<(DocumentScope, String), Problem> {
        let id = self.id.ok_or_else(|| missing_parameter(self.id_parameter))?;
        Ok((self.scope, id))
    }
}

/// The parameters of a resource: whose documents, and the id of one.
fn parameters_of(kind: DocumentKind) -> (&'static [&'static str], &'static str) {
    match kind {
        DocumentKind::State => (&["activityId", "agent", "registration"], "stateId"),
        DocumentKind::ActivityProfile => (&["activityId"], "profileId"),
        DocumentKind::AgentProfile => (&["agent"], "profileId"),
    }
}

fn read_scope(
    call: &Call,
    kind: DocumentKind,
    parameters: &[&str],
) -> Result<DocumentScope, Problem> {
    let of = |name, value: Option<String>| match value {
        None if parameters.contains(&name) => Err(missing_parameter(name)),
        value => Ok(value),
    };
    Ok(DocumentScope {
        kind,
        activity: of("activityId", call.read_iri("activityId")?)?,
        agent: of("agent", call.read_agent("agent")?)?,
        registration: call.read_uuid("registration")?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::test_call;

    const AGENT: &str = r#"agent={"mbox":"mailto:a@example.org"}"#;

    fn target(method: Method, kind: DocumentKind, query: &str) -> Result<DocumentTarget, String> {
        let call = test_call(method, query, &[]);
        DocumentTarget::from_call(&call, kind).map_err(|problem| problem.detail)
    }

    #[test]
    fn a_resource_has_its_parameters() {
        let state = format!("activityId=urn:a&{AGENT}&stateId=s");
        let read = target(Method::GET, DocumentKind::State, &state).unwrap();
        assert_eq!(read.id.as_deref(), Some("s"));
        assert_eq!(read.scope.activity.as_deref(), Some("urn:a"));
        assert_eq!(read.scope.agent.as_deref(), Some("mbox:mailto:a@example.org"));
        let profile = target(Method::GET, DocumentKind::ActivityProfile, &state).err().unwrap();
        assert!(profile.starts_with("there is no parameter \"agent\" here"), "{profile}");
        let missing = target(Method::GET, DocumentKind::AgentProfile, "profileId=p").err();
        assert_eq!(missing.as_deref(), Some("the parameter agent is missing"));
    }

    #[test]
    fn several_are_read_or_cleared_and_never_written() {
        let (state, profile) = (DocumentKind::State, DocumentKind::ActivityProfile);
        let of_state = format!("activityId=urn:a&{AGENT}");
        let several = |method, kind, query: &str| {
            target(method, kind, query).is_ok_and(|target| target.id.is_none())
        };
        assert!(several(Method::GET, state, &of_state));
        assert!(several(Method::DELETE, state, &of_state));
        assert!(several(Method::HEAD, profile, "activityId=urn:a"));
        assert!(!several(Method::DELETE, profile, "activityId=urn:a"));
        assert!(
            !several(Method::PUT, state, &of_state) && !several(Method::POST, state, &of_state)
        );
    }

    #[test]
    fn since_goes_with_a_list() {
        let since = |method, query: &str| {
            let query = format!("activityId=urn:a&since=1970-01-01T00:00:01.0019Z&{query}");
            target(method, DocumentKind::ActivityProfile, &query).map(|target| target.since_ms)
        };
        assert_eq!(since(Method::GET, ""), Ok(Some(1_001)));
        assert!(since(Method::GET, "profileId=p").is_err());
    }

    #[test]
    fn ids_are_bounded() {
        let state = |id: &str| {
            let query = format!("activityId=urn:a&{AGENT}&stateId={id}");
            target(Method::PUT, DocumentKind::State, &query).is_ok()
        };
        assert!(state(&"s".repeat(PARAMETER_BYTES_MAX)));
        assert!(!state(&"s".repeat(PARAMETER_BYTES_MAX + 1)) && !state(""));
    }
}
