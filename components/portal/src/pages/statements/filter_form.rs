//! The conditions under which statements are shown, as the form has them and as the store wants
//! them.

use hedgeschool_web::Query;
use hedgeschool_xapi::{agent_id, format_timestamp, is_iri, parse_timestamp, parse_uuid};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::store::Filter;

/// Statements of a page.
const STATEMENTS_PER_PAGE: u32 = 50;
/// What may be written into the fields.
const PERSON_HINT: &str = "E-mail address, sign-in name, or an xAPI agent as JSON";
const VERB_HINT: &str = "An IRI, such as http://adlnet.gov/expapi/verbs/passed";
const ACTIVITY_HINT: &str = "An IRI, as a statement's page shows it";
const REGISTRATION_HINT: &str = "A UUID, as a statement's page shows it";
const TIME_HINT: &str = "2026-11-22, or 2026-11-22 08:00, in UTC";
/// What is wrong with the address of a page.
const NO_PAGE: &str = "The address names no page: \"after\" must be a number. Show all, and go on \
    from there.";
/// The latest moment of a day.
const END_OF_DAY: Time = Time::constant(23, 59, 59, 999_999_000);

/// What is asked for, and what is wrong with it.
#[derive(Default)]
pub struct FilterForm {
    /// The fields, in their order.
    pub fields: Vec<FormField>,
    /// The person may appear anywhere in the statement.
    pub related_agents: bool,
    /// The activity may appear anywhere in the statement.
    pub related_activities: bool,
    /// Where the page goes on, as it came.
    after: Option<String>,
    /// What is wrong with that.
    pub mistake: Option<String>,
}

/// A field of the form.
pub struct FormField {
    /// Its name in the address.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What may be written into it.
    pub hint: &'static str,
    /// What was.
    pub value: String,
    /// What is wrong with that.
    pub error: Option<String>,
}

impl FormField {
    /// Whether something is wrong with it.
    pub fn is_wrong(&self) -> bool {
        self.error.is_some()
    }
}

type Parsed = Result<String, String>;

impl FilterForm {
    /// Reads an address. A person's name without more is that of an account with this home page.
    /// The filter is none if something is wrong, and then the form says what.
    pub fn read(query: &Query, home_page: Option<&str>) -> (Self, Option<Filter>) {
        let mut form = Self {
            related_agents: query.get("related_agents") == Some("true"),
            related_activities: query.get("related_activities") == Some("true"),
            after: query.get("after").map(str::to_owned),
            ..Self::default()
        };
        let mut field = |name, label, hint, parse: &dyn Fn(&str) -> Parsed| {
            form.add_field(
                query.get(name),
                FormField { name, label, hint, value: "".into(), error: None },
                parse,
            )
        };
        let mut filter = Filter {
            agent: field("agent", "Person", PERSON_HINT, &|text| parse_agent(text, home_page)),
            related_agents: false,
            verb: field("verb", "Verb", VERB_HINT, &parse_iri),
            activity: field("activity", "Activity", ACTIVITY_HINT, &parse_iri),
            related_activities: false,
            registration: field(
                "registration",
                "Registration",
                REGISTRATION_HINT,
                &parse_registration,
            ),
            authority: None,
            since: field("since", "Stored after", TIME_HINT, &|text| {
                parse_time(text, Time::midnight())
            }),
            until: field("until", "Stored until", TIME_HINT, &|text| parse_time(text, END_OF_DAY)),
            ascending: false,
            limit: STATEMENTS_PER_PAGE,
            after: None,
        };
        filter.related_agents = form.related_agents;
        filter.related_activities = form.related_activities;
        filter.after = form.after.as_deref().and_then(|after| after.parse().ok());
        if filter.after.is_none() && form.after.is_some() {
            form.mistake = Some(NO_PAGE.to_owned());
        }
        let is_valid = form.mistake.is_none() && !form.fields.iter().any(FormField::is_wrong);
        (form, is_valid.then_some(filter))
    }

    /// A form that asks for nothing but that people and activities may be anywhere in a statement.
    pub fn anywhere() -> Self {
        Self { related_agents: true, related_activities: true, ..Self::default() }
    }

    /// Adds a field with what was written into it, and answers what that means.
    fn add_field(
        &mut self,
        value: Option<&str>,
        mut field: FormField,
        parse: &dyn Fn(&str) -> Parsed,
    ) -> Option<String> {
        field.value = value.unwrap_or_default().trim().to_owned();
        let parsed = (!field.value.is_empty()).then(|| parse(&field.value)).transpose();
        let meaning = parsed.unwrap_or_else(|error| {
            field.error = Some(error);
            None
        });
        self.fields.push(field);
        meaning
    }

    /// Whether anything is asked for.
    pub fn is_used(&self) -> bool {
        self.fields.iter().any(|field| !field.value.is_empty()) || self.has_mistakes()
    }

    /// Whether anything is wrong.
    pub fn has_mistakes(&self) -> bool {
        self.mistake.is_some() || self.fields.iter().any(FormField::is_wrong)
    }

    /// Whether this is not the first page.
    pub fn is_continued(&self) -> bool {
        self.after.is_some()
    }

    /// The address of the first page.
    pub fn first_address(&self) -> String {
        self.make_address(None, None)
    }

    /// The address of the page after a statement.
    pub fn address_after(&self, sequence: u64) -> String {
        self.make_address(None, Some(("after", &sequence.to_string())))
    }

    /// The address of the first page with another value in one field.
    pub fn address_with(&self, name: &str, value: &str) -> String {
        self.make_address(Some(name), Some((name, value)))
    }

    fn make_address(&self, without: Option<&str>, with: Option<(&str, &str)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let fields = self.fields.iter().filter(|field| Some(field.name) != without);
        for field in fields.filter(|field| !field.value.is_empty()) {
            query.append_pair(field.name, &field.value);
        }
        let flags = [
            ("related_agents", self.related_agents),
            ("related_activities", self.related_activities),
        ];
        query.extend_pairs(flags.iter().filter(|flag| flag.1).map(|flag| (flag.0, "true")));
        query.extend_pairs(with);
        let query = query.finish();
        if query.is_empty() { "/statements".to_owned() } else { format!("/statements?{query}") }
    }
}

/// A person's identifier, as the store knows it.
fn parse_agent(text: &str, home_page: Option<&str>) -> Parsed {
    if text.starts_with('{') {
        return agent_id(text).map_err(|violation| violation.to_string());
    }
    if text.contains('@') {
        let address = text.strip_prefix("mailto:").unwrap_or(text);
        let agent = json!({ "mbox": format!("mailto:{address}") }).to_string();
        return agent_id(&agent)
            .map_err(|_| format!("{text} is no e-mail address: one has a name, an @ and a host"));
    }
    let home_page = home_page.ok_or("give an e-mail address, or an xAPI agent as JSON")?;
    let agent = json!({ "account": { "homePage": home_page, "name": text } }).to_string();
    agent_id(&agent).map_err(|violation| violation.to_string())
}

fn parse_iri(text: &str) -> Parsed {
    let rule = || format!("{text} is no IRI: one begins with a scheme, such as https:");
    if is_iri(text) { Ok(text.to_owned()) } else { Err(rule()) }
}

fn parse_registration(text: &str) -> Parsed {
    let id = parse_uuid(text)
        .ok_or_else(|| format!("{text} is no UUID: copy it from a statement's page"))?;
    Ok(id.hyphenated().to_string())
}

/// A time as RFC 3339 in UTC; of a day alone, this time of it.
fn parse_time(text: &str, of_day: Time) -> Parsed {
    let rule = || format!("{text} is no time: write 2026-11-22 or 2026-11-22 08:00");
    // Also in the form that xAPI has, and that the pages of statements show.
    if let Some(unix_us) = parse_timestamp(text) {
        return Ok(format_timestamp(unix_us));
    }
    let date_time = match text.contains([':', 'T']) {
        true => text.parse::<DateTime>().map_err(|_| rule())?,
        false => text.parse::<Date>().map_err(|_| rule())?.to_datetime(of_day),
    };
    let time = TimeZone::UTC.to_timestamp(date_time).map_err(|_| rule())?;
    let written = format_timestamp(time.as_microsecond());
    // Not every year can be written.
    if parse_timestamp(&written).is_some() { Ok(written) } else { Err(rule()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "https://example.org/people";

    fn read(query: &str) -> (FilterForm, Option<Filter>) {
        FilterForm::read(&Query::parse(query), Some(HOME))
    }

    #[test]
    fn a_person_is_given_in_three_ways() {
        let id = |text: &str| parse_agent(text, Some(HOME));
        assert_eq!(id("ada@Example.org").as_deref(), Ok("mbox:mailto:ada@example.org"));
        assert_eq!(id("mailto:ada@example.org"), id(r#"{"mbox":"mailto:ada@example.org"}"#));
        assert_eq!(id("ada").unwrap(), format!("account:{HOME}|ada"));
        assert!(id("ada@").is_err() && id("{").is_err() && id("{}").is_err());
        assert!(parse_agent("ada", None).is_err());
    }

    #[test]
    fn a_day_begins_at_midnight_and_ends_before_the_next() {
        let since = |text: &str| parse_time(text, Time::midnight());
        assert_eq!(since("2026-11-22").as_deref(), Ok("2026-11-22T00:00:00.000Z"));
        assert_eq!(
            parse_time("2026-11-22", END_OF_DAY).as_deref(),
            Ok("2026-11-22T23:59:59.999999Z")
        );
        assert_eq!(since("2026-11-22 08:00").as_deref(), Ok("2026-11-22T08:00:00.000Z"));
        assert_eq!(since("2026-11-22T08:00:01").as_deref(), Ok("2026-11-22T08:00:01.000Z"));
        assert_eq!(since("2026-11-22T08:00:00+01:00").as_deref(), Ok("2026-11-22T07:00:00.000Z"));
        for text in ["yesterday", "2026-13-01", "-000001-01-01", "22.11.2026", "2026-11-22T"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field_and_nothing_is_asked_for() {
        let (form, filter) = read("verb=passed&registration=1&agent=ada");
        assert!(filter.is_none() && form.is_used());
        let wrong: Vec<_> = form.fields.iter().filter(|field| field.is_wrong()).collect();
        assert_eq!(
            wrong.iter().map(|field| field.name).collect::<Vec<_>>(),
            ["verb", "registration"]
        );
        assert!(wrong[0].error.as_ref().is_some_and(|error| error.contains("passed")));
        assert!(read("after=x").1.is_none() && read("after=x").0.mistake.is_some());
    }

    #[test]
    fn addresses_keep_what_is_asked_for_and_start_over_where_that_changes() {
        let (form, filter) = read("agent=ada&verb=&related_agents=true&after=7");
        assert_eq!(filter.and_then(|filter| filter.after), Some(7));
        assert_eq!(form.address_after(9), "/statements?agent=ada&related_agents=true&after=9");
        assert_eq!(form.address_with("agent", "a b"), "/statements?related_agents=true&agent=a+b");
        assert_eq!(form.first_address(), "/statements?agent=ada&related_agents=true");
        assert_eq!(read("").0.first_address(), "/statements");
    }
}
