//! A statement as people read it.

use hedgeschool_xapi::parse_timestamp;
use jiff::Span;
use serde_json::{Value, json};

use super::filter_form::FilterForm;
use crate::utc_time::UtcTime;

/// How far apart happening and storing may be before both are shown, in microseconds.
const DELAY_US: u64 = 60_000_000;

/// Something a statement speaks of.
#[derive(Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it is called.
    pub text: String,
    /// What identifies it, where that is not what it is called; may be empty.
    pub under: String,
    /// Address of the statements that share it, or of the statement that it is.
    pub href: Option<String>,
}

/// A statement in a list.
pub struct StatementRow {
    /// Address of its page.
    pub href: String,
    /// When it was stored.
    pub stored: UtcTime,
    /// When it happened, if that was at another time.
    pub happened: Option<UtcTime>,
    /// The actor.
    pub who: Cell,
    /// The verb.
    pub verb: Cell,
    /// The object.
    pub what: Cell,
    /// What came out, in a few words each.
    pub result: Vec<String>,
    /// The registration, and the address of its statements.
    pub registration: Option<(String, String)>,
    /// Who recorded it.
    pub authority: Cell,
}

impl StatementRow {
    /// The row of a statement in canonical format, whose links add to a form's conditions.
    pub fn of(statement: &Value, form: &FilterForm, home_page: Option<&str>) -> Self {
        let text = |pointer: &str| text_at(statement, pointer);
        let part = |pointer: &str| statement.pointer(pointer).unwrap_or(&Value::Null);
        let (stored, happened) = (text("/stored"), text("/timestamp"));
        let registration = text("/context/registration");
        Self {
            href: format!("/statements/{}", text("/id")),
            stored: UtcTime::from_statement(stored),
            happened: is_late(stored, happened).then(|| UtcTime::from_statement(happened)),
            who: person_cell(part("/actor"), form, home_page),
            verb: verb_cell(part("/verb"), form),
            what: object_cell(part("/object"), form, home_page),
            result: result_words(part("/result")),
            registration: (!registration.is_empty()).then(|| {
                (registration.to_owned(), form.address_with("registration", registration))
            }),
            authority: person_cell(part("/authority"), &FilterForm::anywhere(), home_page),
        }
    }
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a statement was stored long after it happened, or says so.
fn is_late(stored: &str, happened: &str) -> bool {
    let times = parse_timestamp(stored).zip(parse_timestamp(happened));
    times.is_some_and(|(stored, happened)| stored.abs_diff(happened) > DELAY_US)
}

/// An agent or a group.
fn person_cell(actor: &Value, form: &FilterForm, home_page: Option<&str>) -> Cell {
    let Some((identifier, value)) = identify_actor(actor, home_page) else {
        let members = actor.get("member").and_then(Value::as_array).map_or(0, Vec::len);
        return Cell { text: format!("Group of {members}"), under: String::new(), href: None };
    };
    let name = text_at(actor, "/name").trim();
    let href = Some(form.address_with("agent", &value));
    if name.is_empty() || name == identifier {
        return Cell { text: identifier, under: String::new(), href };
    }
    Cell { text: name.to_owned(), under: identifier, href }
}

/// What identifies an actor, in a few words, and how the form is asked for it. None: it is
/// anonymous.
fn identify_actor(actor: &Value, home_page: Option<&str>) -> Option<(String, String)> {
    let of = |name: &str| actor.get(name).and_then(Value::as_str);
    // As the form reads it, or else as JSON, which it reads always.
    let plain = |text: &str| !text.is_empty() && text.trim() == text && !text.starts_with('{');
    if let Some(mbox) = of("mbox") {
        let address = mbox.strip_prefix("mailto:").unwrap_or(mbox);
        let json = json!({ "mbox": mbox }).to_string();
        return Some((address.into(), if plain(address) { address.into() } else { json }));
    }
    for name in ["openid", "mbox_sha1sum"] {
        if let Some(value) = of(name) {
            return Some((value.to_owned(), json!({ name: value }).to_string()));
        }
    }
    let (home, name) = (text_at(actor, "/account/homePage"), text_at(actor, "/account/name"));
    actor.get("account")?;
    if home_page == Some(home) && plain(name) && !name.contains('@') {
        return Some((name.to_owned(), name.to_owned()));
    }
    let account = json!({ "account": { "homePage": home, "name": name } });
    Some((format!("{name} at {home}"), account.to_string()))
}

fn verb_cell(verb: &Value, form: &FilterForm) -> Cell {
    let id = text_at(verb, "/id");
    let display = text_of_map(verb.get("display"));
    // The last part of an IRI says most of it.
    let end = id.trim_end_matches('/').rsplit(['/', '#']).next().filter(|end| !end.is_empty());
    let text = if display.is_empty() { end.unwrap_or(id) } else { display };
    Cell { text: text.to_owned(), under: String::new(), href: Some(form.address_with("verb", id)) }
}

/// An activity, agent, group, other statement, or a statement within.
fn object_cell(object: &Value, form: &FilterForm, home_page: Option<&str>) -> Cell {
    let id = text_at(object, "/id");
    match text_at(object, "/objectType") {
        "Agent" | "Group" => person_cell(object, form, home_page),
        "StatementRef" => Cell {
            text: "Another statement".to_owned(),
            under: id.to_owned(),
            href: Some(format!("/statements/{id}")),
        },
        "SubStatement" => {
            let part = |name: &str| object.get(name).unwrap_or(&Value::Null);
            let who = person_cell(part("actor"), form, home_page).text;
            let what = object_cell(part("object"), form, home_page).text;
            let text = format!("{who} {} {what}", verb_cell(part("verb"), form).text);
            Cell { text, under: "Statement within the statement".to_owned(), href: None }
        }
        _ => {
            let href = Some(form.address_with("activity", id));
            match text_of_map(object.pointer("/definition/name")) {
                "" => Cell { text: id.to_owned(), under: String::new(), href },
                name => Cell { text: name.to_owned(), under: id.to_owned(), href },
            }
        }
    }
}

/// What came out: success, completion, score and time, as far as the statement says.
fn result_words(result: &Value) -> Vec<String> {
    let says = |name: &str, yes: &str, no: &str| {
        let said = result.get(name).and_then(Value::as_bool)?;
        Some(if said { yes.to_owned() } else { no.to_owned() })
    };
    let duration = Some(text_at(result, "/duration")).filter(|text| !text.is_empty());
    [
        says("success", "Success", "No success"),
        says("completion", "Completed", "Not completed"),
        score_words(result.get("score").unwrap_or(&Value::Null)),
        duration.map(duration_words),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// In percent if it is scaled, else as it was counted.
fn score_words(score: &Value) -> Option<String> {
    if let Some(scaled) = score.get("scaled").and_then(Value::as_f64) {
        return Some(format!("{} %", (scaled * 1_000.0).round() / 10.0));
    }
    let raw = score.get("raw").filter(|raw| raw.is_number())?;
    let of = score.get("max").filter(|max| max.is_number());
    let points = if raw.as_f64() == Some(1.0) { "point" } else { "points" };
    Some(of.map_or_else(|| format!("{raw} {points}"), |max| format!("{raw} of {max} points")))
}

/// An ISO 8601 duration for people: `1h 20m`.
fn duration_words(duration: &str) -> String {
    match duration.parse::<Span>() {
        Ok(span) => format!("{span:#}"),
        Err(_) => duration.to_owned(),
    }
}

/// The text of a language map that has one, as canonical ones do.
fn text_of_map(map: Option<&Value>) -> &str {
    let text = map.and_then(Value::as_object).and_then(|map| map.values().next());
    text.and_then(Value::as_str).map(str::trim).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "https://example.org/people";

    fn parts(cell: &Cell) -> (&str, &str, Option<&str>) {
        (&cell.text, &cell.under, cell.href.as_deref())
    }

    #[test]
    fn people_are_named_and_found_again() {
        let form = FilterForm::default();
        let of = |actor: Value| person_cell(&actor, &form, Some(HOME));
        let ada = of(json!({ "name": "Ada", "mbox": "mailto:ada@example.org" }));
        let found = Some("/statements?agent=ada%40example.org");
        assert_eq!(parts(&ada), ("Ada", "ada@example.org", found));
        let own = of(json!({ "account": { "homePage": HOME, "name": "ada" } }));
        assert_eq!(parts(&own), ("ada", "", Some("/statements?agent=ada")));
        let other = of(json!({ "account": { "homePage": "https://x", "name": "ada" } }));
        assert_eq!(other.text, "ada at https://x");
        assert!(other.href.is_some_and(|href| href.contains("homePage")));
        let group = of(json!({ "objectType": "Group", "member": [{}, {}] }));
        assert_eq!(parts(&group), ("Group of 2", "", None));
    }

    #[test]
    fn objects_of_every_type_are_shown() {
        let form = FilterForm::default();
        let of = |value: Value| object_cell(&value, &form, None);
        let activity = of(json!({ "id": "https://x/a", "definition": { "name": { "en": "A" } } }));
        let found = Some("/statements?activity=https%3A%2F%2Fx%2Fa");
        assert_eq!(parts(&activity), ("A", "https://x/a", found));
        let reference = of(json!({ "objectType": "StatementRef", "id": "1" }));
        assert_eq!(reference.href.as_deref(), Some("/statements/1"));
        let within = of(json!({
            "objectType": "SubStatement", "actor": { "mbox": "mailto:a@x" },
            "verb": { "id": "https://x/verbs/planned" }, "object": { "id": "https://x/a" },
        }));
        assert_eq!(within.text, "a@x planned https://x/a");
    }

    #[test]
    fn results_read_as_words() {
        let of = |value: Value| result_words(&value).join(", ");
        let all = json!({ "success": true, "completion": false, "score": { "scaled": 0.825 },
            "duration": "PT1H20M" });
        assert_eq!(of(all), "Success, Not completed, 82.5 %, 1h 20m");
        assert_eq!(of(json!({ "score": { "raw": 7, "max": 10 } })), "7 of 10 points");
        assert_eq!(of(json!({ "score": { "raw": -1 } })), "-1 points");
        assert_eq!(of(json!({ "score": { "raw": 1 } })), "1 point");
        assert_eq!(of(Value::Null), "");
    }

    #[test]
    fn a_statement_says_when_it_happened_if_that_was_long_before() {
        let row = |happened: &str| {
            let statement = json!({ "id": "1", "stored": "2026-11-22T08:05:00.000Z",
                "timestamp": happened, "context": { "registration": "r" } });
            StatementRow::of(&statement, &FilterForm::default(), Some(HOME))
        };
        assert_eq!(row("2026-11-22T08:04:30.000Z").happened, None);
        let late = row("2026-11-22T08:00:00.000Z");
        assert_eq!(late.happened.map(|time| time.text), Some("22 Nov 2026, 08:00:00".to_owned()));
        assert_eq!(
            (late.href.as_str(), late.stored.text.as_str()),
            ("/statements/1", "22 Nov 2026, 08:05:00")
        );
        let registration = ("r".to_owned(), "/statements?registration=r".to_owned());
        assert_eq!(late.registration, Some(registration));
    }
}
