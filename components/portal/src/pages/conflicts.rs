//! `/admin/conflicts`: what lost against something else, for administrators to look at and to
//! settle.

mod card;
mod comparison;
mod side;

use askama::Template;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, inside, origin};
use serde::Deserialize;
use serde_json::json;

use crate::layout::{Layout, render_page};
use crate::visitor::Visitor;
use card::{Conflict, ConflictCard};

/// Conflicts of a page.
const CONFLICTS_PER_PAGE: usize = 20;
/// Largest body of the form, in bytes.
const FORM_BYTES_MAX: usize = 4_096;
/// The page's address.
const ADDRESS: &str = "/admin/conflicts";
/// Said to who is no administrator.
const REFUSAL: &str = "Only administrators settle conflicts.";

#[derive(Template)]
#[template(path = "conflicts.html")]
struct ConflictsPage {
    layout: Layout,
    /// What became of the one that was settled last.
    outcome: Option<&'static str>,
    /// Those of this page.
    conflicts: Vec<ConflictCard>,
    /// The one before this page, if it is not the first.
    after: Option<String>,
    /// Address of the next page.
    next: Option<String>,
}

/// What `sync` answers.
#[derive(Deserialize)]
struct ConflictList {
    conflicts: Vec<Conflict>,
    next: Option<String>,
}

/// `GET /admin/conflicts?after=…`
///
/// # Errors
/// 403 for who is no administrator; what `sync` answers if it fails.
pub async fn show_conflicts(visitor: &Visitor, query: &Query) -> Result<Reply, Problem> {
    visitor.require_administrator(REFUSAL)?;
    let after = query.get("after").map(str::to_owned);
    let question = json!({ "after": after, "limit": CONFLICTS_PER_PAGE });
    let list: ConflictList = inside::ask("sync", "/conflicts", &question).await?;
    let home_page = visitor.home_page();
    render_page(&ConflictsPage {
        layout: Layout::new("Conflicts", Some(visitor)),
        outcome: query.get("done").and_then(Settled::parse).map(Settled::sentence),
        conflicts: list.conflicts.iter().map(|one| ConflictCard::of(one, home_page)).collect(),
        next: list.next.map(|next| page_address(Some(&next), None)),
        after,
    })
}

/// `POST /admin/conflicts/{id}`, a form: keeps the current version, or restores what lost.
///
/// # Errors
/// 403 for who is no administrator, and for a form of another site; 400 for a form that says
/// neither; what `sync` refuses.
pub async fn settle_conflict(
    request: Request,
    visitor: &Visitor,
    id: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    visitor.require_administrator(REFUSAL)?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let choice = read_choice(form.get("restore"))?;
    let question = json!({ "id": id, "restore": choice == Settled::Restored });
    let settled = match inside::ask::<_, ()>("sync", "/settle", &question).await {
        Ok(()) => choice,
        Err(problem) if problem.status == StatusCode::NOT_FOUND => Settled::Before,
        Err(problem) => return Err(problem),
    };
    Ok(Reply::see_other(&page_address(form.get("after"), Some(settled))))
}

/// What became of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// The current version was kept.
    Kept,
    /// What lost was restored.
    Restored,
    /// Somebody had settled it already.
    Before,
}

impl Settled {
    const ALL: [Self; 3] = [Self::Kept, Self::Restored, Self::Before];

    /// As the address has it.
    fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Restored => "restored",
            Self::Before => "gone",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|settled| settled.name() == name)
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Kept => "Settled: what stands was kept.",
            Self::Restored => "Settled: what lost was restored, and stands from now on.",
            Self::Before => "That conflict was settled already.",
        }
    }
}

fn read_choice(restore: Option<&str>) -> Result<Settled, Problem> {
    match restore {
        Some("true") => Ok(Settled::Restored),
        Some("false") => Ok(Settled::Kept),
        _ => Err(Problem::bad_request("The form says neither to keep nor to restore.")),
    }
}

/// The page after a conflict, with what became of one.
fn page_address(after: Option<&str>, settled: Option<Settled>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(after.map(|after| ("after", after)));
    query.extend_pairs(settled.map(|settled| ("done", settled.name())));
    format!("{ADDRESS}?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_settles_a_conflict_comes_back_to_its_page_and_hears_of_it() {
        let address = page_address(Some("progress-7"), Some(Settled::Kept));
        assert_eq!(address, "/admin/conflicts?after=progress-7&done=kept");
        assert_eq!(page_address(None, Some(Settled::Before)), "/admin/conflicts?done=gone");
        for settled in Settled::ALL {
            assert_eq!(Settled::parse(settled.name()), Some(settled));
        }
        assert_eq!(Settled::parse("x"), None);
    }

    #[test]
    fn a_form_has_to_say_what_is_wanted() {
        assert_eq!(read_choice(Some("true")).unwrap(), Settled::Restored);
        assert_eq!(read_choice(Some("false")).unwrap(), Settled::Kept);
        assert!(read_choice(Some("")).is_err() && read_choice(None).is_err());
    }
}
