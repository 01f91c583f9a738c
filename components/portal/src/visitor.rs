//! Who looks at a page.

use hedgeschool_credentials::{Subject, Verdict};
use hedgeschool_web::{HeaderMap, Problem, identity};

/// Someone who signed in.
pub struct Visitor {
    /// Sign-in name.
    pub name: String,
    /// How pages show the person.
    pub display_name: String,
    /// Whether the person may import courses, and see what is not their own.
    pub is_administrator: bool,
    /// The person's xAPI agent, as JSON.
    pub agent: String,
    /// The agent's identifier in one line, as the progress store knows it.
    pub agent_id: String,
    /// By what the person's browser knows the session for its own.
    pub browser: String,
    /// The home page of the person's account, which is that of all accounts here.
    home_page: Option<String>,
}

impl Visitor {
    /// The home page of the accounts of people here, if the visitor has such an account.
    pub fn home_page(&self) -> Option<&str> {
        self.home_page.as_deref()
    }

    /// Lets administrators through.
    ///
    /// # Errors
    /// 403 with this sentence for everybody else.
    pub fn require_administrator(&self, refusal: &str) -> Result<(), Problem> {
        if self.is_administrator { Ok(()) } else { Err(Problem::forbidden(refusal)) }
    }
}

/// The person a request is from. None: no one, or nobody who uses pages, such as an xAPI client.
///
/// # Errors
/// What identity answers if it cannot say.
pub async fn recognise_visitor(headers: &HeaderMap) -> Result<Option<Visitor>, Problem> {
    match identity::recognise(headers).await? {
        Some(verdict) => visitor_of(verdict),
        None => Ok(None),
    }
}

fn visitor_of(verdict: Verdict) -> Result<Option<Visitor>, Problem> {
    let is_administrator = verdict.is_administrator();
    let Verdict { subject, agent, .. } = verdict;
    let Subject::Person { name, display_name, browser, .. } = subject else { return Ok(None) };
    let agent_id = hedgeschool_xapi::agent_id(&agent).map_err(Problem::internal)?;
    let home_page = home_page_of(&agent);
    Ok(Some(Visitor { name, display_name, is_administrator, agent, agent_id, browser, home_page }))
}

fn home_page_of(agent: &str) -> Option<String> {
    let agent: serde_json::Value = serde_json::from_str(agent).ok()?;
    agent.pointer("/account/homePage")?.as_str().map(str::to_owned)
}
