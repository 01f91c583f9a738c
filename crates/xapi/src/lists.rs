//! Context activities come as one activity or a list, and leave as lists (2.4.6.2).

use crate::json::Json;
use crate::members::Members;

const LISTS: [&str; 4] = ["parent", "grouping", "category", "other"];

/// Whether a statement, or a sub-statement in it, has a context activity that is not in a list.
pub fn has_single(statement: &Json) -> bool {
    let contexts = [statement.get("context"), statement.find(&["object", "context"])];
    let activities = contexts.into_iter().flatten().filter_map(|at| at.get("contextActivities"));
    let single = |activities: &Json| {
        LISTS
            .into_iter()
            .any(|name| activities.get(name).is_some_and(|list| list.as_object().is_some()))
    };
    activities.into_iter().any(single)
}

/// Makes lists of single context activities, of a statement and of a sub-statement in it. All else
/// stays as it was written.
///
/// # Errors
/// A context is not JSON.
pub fn make_lists(statement: &mut Members) -> serde_json::Result<()> {
    in_property(statement, "context", in_context)?;
    in_property(statement, "object", |object| in_property(object, "context", in_context))?;
    Ok(())
}

fn in_context(context: &mut Members) -> serde_json::Result<bool> {
    in_property(context, "contextActivities", |activities| {
        let mut changed = false;
        for name in LISTS {
            if let Some(one) = activities.get(name).filter(|text| text.starts_with('{')) {
                let list = format!("[{one}]");
                activities.replace(name, list);
                changed = true;
            }
        }
        Ok(changed)
    })
}

/// Changes the object that a property is, if it is one. Answers whether there was anything to
/// change.
fn in_property(
    parent: &mut Members,
    name: &str,
    change: impl FnOnce(&mut Members) -> serde_json::Result<bool>,
) -> serde_json::Result<bool> {
    let Some(text) = parent.get(name).filter(|text| text.starts_with('{')) else {
        return Ok(false);
    };
    let mut object = Members::parse(text)?;
    let changed = change(&mut object)?;
    if changed {
        parent.replace(name, object.into_json());
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> String {
        let before = Json::parse(text).unwrap();
        let mut statement = Members::parse(text).unwrap();
        make_lists(&mut statement).unwrap();
        let json = statement.into_json();
        assert_eq!(has_single(&before), json != text);
        json
    }

    #[test]
    fn one_becomes_a_list() {
        let context = |parent| {
            format!(r#"{{"contextActivities":{{"parent":{parent},"other":[ 1.50 ]}},"x":1.50}}"#)
        };
        let whole = |parent| {
            let context = context(parent);
            format!(r#"{{"object":{{"b":1,"context":{context}}},"context":{context}}}"#)
        };
        assert_eq!(listed(&whole("{ }")), whole("[{ }]"));
    }

    #[test]
    fn what_needs_no_change_gets_none() {
        for text in [r#"{"object":{"a" : 1},"context":{"b" : [ ]}}"#, "{}", r#"{"object":"x"}"#] {
            assert_eq!(listed(text), text);
        }
    }
}
