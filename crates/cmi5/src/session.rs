//! A session: one launch of a unit, and what the LMS says of it (9.3, 10).
//!
//! What is made here are statements without id, timestamp and authority, and the launch data.

use hedgeschool_package::MoveOn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::vocabulary::*;

/// What a unit is launched for (10.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaunchMode {
    /// To learn; it counts.
    #[default]
    Normal,
    /// To look at it, with nothing recorded that counts.
    Browse,
    /// To look at it again, likewise.
    Review,
}

impl LaunchMode {
    /// As the standard writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Browse => "Browse",
            Self::Review => "Review",
        }
    }

    /// Reads it, as the standard writes it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Normal, Self::Browse, Self::Review].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// One launch of a unit, and what its statements are judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The session's UUID, lower case.
    pub id: String,
    /// The registration's, likewise.
    pub registration: String,
    /// The learner, an xAPI agent as JSON.
    pub actor: String,
    /// The IRI under which statements speak of the unit.
    pub activity: String,
    /// The publisher's IRI of the unit.
    pub unit: String,
    /// What it is launched for.
    pub mode: LaunchMode,
    /// What it asks for.
    pub move_on: MoveOn,
    /// Scaled score from which it counts as passed.
    pub mastery_score: Option<f64>,
}

/// What else a launch tells a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaunchDetails<'a> {
    /// The unit's address, without what a launch adds.
    pub url: &'a str,
    /// The publisher's text; may be empty.
    pub launch_parameters: &'a str,
    /// What the publisher knows a buyer by; may be empty.
    pub entitlement_key: &'a str,
    /// Where the unit sends the learner when it ends.
    pub return_url: &'a str,
}

/// A block or a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockOrCourse<'a> {
    /// The IRI under which statements speak of it.
    pub activity: &'a str,
    /// The publisher's.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// [`TYPE_BLOCK`] or [`TYPE_COURSE`].
    pub kind: &'a str,
}

impl Session {
    /// The document `LMS.LaunchData` (10.2).
    pub fn launch_data(&self, details: &LaunchDetails<'_>) -> Value {
        let mut data = json!({
            "contextTemplate": {
                "contextActivities": {"grouping": [{"id": self.unit}]},
                "extensions": {SESSION_ID: self.id},
            },
            "launchMode": self.mode.as_str(),
            "moveOn": self.move_on.as_str(),
        });
        if let Some(score) = self.mastery_score {
            set_field(&mut data, "masteryScore", json!(score));
        }
        let texts =
            [("launchParameters", details.launch_parameters), ("returnURL", details.return_url)];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            set_field(&mut data, name, json!(text));
        }
        if !details.entitlement_key.is_empty() {
            set_field(
                &mut data,
                "entitlementKey",
                json!({"courseStructure": details.entitlement_key}),
            );
        }
        data
    }

    /// The LMS has launched the unit (9.3.1).
    pub fn launched_statement(&self, details: &LaunchDetails<'_>) -> Value {
        let mut statement = self.lms_statement(LAUNCHED, json!({"id": self.activity}), &self.unit);
        let mut told = vec![
            (LAUNCH_MODE, json!(self.mode.as_str())),
            (LAUNCH_URL, json!(details.url)),
            (MOVE_ON, json!(self.move_on.as_str())),
        ];
        told.extend(self.mastery_score.map(|score| (MASTERY_SCORE, json!(score))));
        if !details.launch_parameters.is_empty() {
            told.push((LAUNCH_PARAMETERS, json!(details.launch_parameters)));
        }
        if let Some(extensions) = statement.pointer_mut("/context/extensions") {
            told.into_iter().for_each(|(name, value)| set_field(extensions, name, value));
        }
        statement
    }

    /// The LMS has given the session up, after so many milliseconds (9.3.6, 9.5.4.2).
    pub fn abandoned_statement(&self, duration_ms: i64) -> Value {
        let mut statement = self.lms_statement(ABANDONED, json!({"id": self.activity}), &self.unit);
        let ms = duration_ms.max(0);
        let duration = format!("PT{}.{:03}S", ms / 1_000, ms % 1_000);
        set_field(&mut statement, "result", json!({"duration": duration}));
        statement
    }

    /// Somebody has decided that the unit counts as done, and why (9.3.7).
    pub fn waived_statement(&self, reason: &str) -> Value {
        let mut statement = self.lms_statement(WAIVED, json!({"id": self.activity}), &self.unit);
        let result = json!({"success": true, "completion": true, "extensions": {REASON: reason}});
        set_field(&mut statement, "result", result);
        if let Some(categories) = statement.pointer_mut("/context/contextActivities/category") {
            *categories = json!([{"id": CATEGORY_CMI5}, {"id": CATEGORY_MOVE_ON}]);
        }
        statement
    }

    /// All of a block or course is done (9.3.9).
    pub fn satisfied_statement(&self, whole: &BlockOrCourse<'_>) -> Value {
        let definition = json!({"type": whole.kind, "name": {"und": whole.title}});
        let object = json!({"id": whole.activity, "definition": definition});
        self.lms_statement(SATISFIED, object, whole.id)
    }

    /// A statement of the LMS about something that the publisher calls `publisher_id` (9.6).
    fn lms_statement(&self, verb: &str, object: Value, publisher_id: &str) -> Value {
        let name = verb.rsplit('/').next().unwrap_or(verb);
        json!({
            "actor": serde_json::from_str(&self.actor).unwrap_or(Value::Null),
            "verb": {"id": verb, "display": {"en": name}},
            "object": object,
            "context": {
                "registration": self.registration,
                "contextActivities": {
                    "category": [{"id": CATEGORY_CMI5}],
                    "grouping": [{"id": publisher_id}],
                },
                "extensions": {SESSION_ID: self.id},
            },
        })
    }
}

fn set_field(object: &mut Value, name: &str, value: Value) {
    object.as_object_mut().unwrap_or(&mut Map::new()).insert(name.to_owned(), value);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn session() -> Session {
        Session {
            id: "s".into(),
            registration: "r".into(),
            actor: r#"{"account":{"homePage":"https://example.org","name":"ada"}}"#.into(),
            activity: "urn:uuid:1".into(),
            unit: "https://example.org/u".into(),
            mode: LaunchMode::Normal,
            move_on: MoveOn::CompletedAndPassed,
            mastery_score: Some(0.0),
        }
    }

    #[test]
    fn launch_data_tell_what_there_is_and_nothing_else() {
        let bare = Session { mastery_score: None, ..session() };
        let data = bare.launch_data(&LaunchDetails::default());
        let names: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["contextTemplate", "launchMode", "moveOn"]);
        let details = LaunchDetails {
            url: "a.html",
            launch_parameters: "p",
            entitlement_key: "k",
            return_url: "https://n/r",
        };
        let data = session().launch_data(&details);
        assert_eq!(data["masteryScore"], 0.0, "nought is a score");
        assert_eq!(
            (&data["launchParameters"], &data["returnURL"]),
            (&json!("p"), &json!("https://n/r"))
        );
        assert_eq!(data["entitlementKey"], json!({"courseStructure": "k"}));
        let template = &data["contextTemplate"];
        assert_eq!(template["extensions"], json!({SESSION_ID: "s"}));
        assert_eq!(template["contextActivities"]["grouping"][0]["id"], "https://example.org/u");
    }

    #[test]
    fn the_lms_speaks_as_the_standard_wants_it() {
        let session = session();
        let details = LaunchDetails { url: "https://n/a.html?x=1", ..LaunchDetails::default() };
        let launched = session.launched_statement(&details);
        let extensions = &launched["context"]["extensions"];
        assert_eq!(extensions[LAUNCH_URL], "https://n/a.html?x=1");
        assert_eq!(
            (&extensions[MASTERY_SCORE], &extensions[MOVE_ON]),
            (&json!(0.0), &json!("CompletedAndPassed"))
        );
        assert_eq!(extensions.get(LAUNCH_PARAMETERS), None);
        assert_eq!(session.abandoned_statement(61_005)["result"]["duration"], "PT61.005S");
        assert_eq!(session.abandoned_statement(-1)["result"]["duration"], "PT0.000S");
        let waived = session.waived_statement("Tested Out");
        assert_eq!(waived["result"]["extensions"][REASON], "Tested Out");
        assert_eq!(waived["context"]["contextActivities"]["category"][1]["id"], CATEGORY_MOVE_ON);
        let block = BlockOrCourse {
            activity: "urn:uuid:2",
            id: "https://e/b",
            title: "B",
            kind: TYPE_BLOCK,
        };
        let satisfied = session.satisfied_statement(&block);
        assert_eq!(satisfied["object"]["id"], "urn:uuid:2");
        assert_eq!(satisfied["context"]["contextActivities"]["grouping"][0]["id"], "https://e/b");
        for statement in [launched, waived, satisfied] {
            assert_eq!(statement["actor"]["account"]["name"], "ada");
            assert_eq!(statement["context"]["registration"], "r");
            assert_eq!(statement["context"]["extensions"][SESSION_ID], "s");
        }
    }
}
