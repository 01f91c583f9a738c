//! The activities resource: what is known of an activity (2.5).

use hedgeschool_credentials::Scope;
use hedgeschool_web::{Problem, Reply};
use serde_json::{Value, json};

use crate::access;
use crate::call::{Call, missing_parameter};
use crate::conditional::Representation;
use crate::store::directory;

/// Answers a request to `activities`: the activity with its canonical definition. One that no
/// statement described is answered too, without a definition (2.5).
///
/// # Errors
/// 400, 401, 403, 405, or as of [`Representation::into_reply`].
pub async fn answer_activity(call: &Call) -> Result<Reply, Problem> {
    call.check_read()?;
    access::require_scope(&call.headers, &[Scope::StatementsReadMine, Scope::Profile]).await?;
    call.check_known(&["activityId"])?;
    let id = call.read_iri("activityId")?.ok_or_else(|| missing_parameter("activityId"))?;
    let definition = directory::definitions(vec![id.clone()]).await?.into_iter().next().flatten();
    let activity = match definition {
        None => json!({ "objectType": "Activity", "id": id }),
        Some(definition) => {
            let definition: Value = serde_json::from_str(&definition).map_err(Problem::internal)?;
            json!({ "objectType": "Activity", "id": id, "definition": definition })
        }
    };
    Representation::of_json(&activity).into_reply(call)
}
