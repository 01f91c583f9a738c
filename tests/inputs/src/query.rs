use std::str::from_utf8;

use hedgeschool_web::{ETags, Query};
use hedgeschool_xapi::format::{Format, accept_language};
use hedgeschool_xapi::{
    Facet, Version, agent_id, format_http_date, format_timestamp, is_iri, parse_timestamp,
    parse_uuid, term,
};

/// A query string: every value of it read as each kind of parameter and header there is.
pub fn query(input: &[u8]) {
    let Ok(text) = from_utf8(input) else { return };
    let query = Query::parse(text);
    for (name, value) in query.pairs() {
        assert!(query.get(name).is_some());
        parameter(value);
        header(value);
    }
    header(text);
}

fn parameter(value: &str) {
    if let Ok(agent) = agent_id(value) {
        assert!(!agent.is_empty());
        let facets = [Facet::Agent, Facet::RelatedAgent, Facet::Authority];
        let [direct, related, authority] = facets.map(|facet| term(facet, &agent));
        assert!(direct != related && related != authority && direct != authority);
    }
    if let Some(id) = parse_uuid(value) {
        assert_eq!(parse_uuid(&id.hyphenated().to_string()), Some(id));
    }
    if let Some(unix_us) = parse_timestamp(value) {
        let written = format_timestamp(unix_us);
        assert_eq!(parse_timestamp(&written), Some(unix_us), "{value} is written {written}");
        let _ = format_http_date(unix_us);
    }
    let _ = (is_iri(value), Format::parse(value));
}

fn header(value: &str) {
    let _ = Version::parse(value);
    let languages = accept_language(value);
    assert!(languages.len() <= hedgeschool_xapi::format::LANGUAGES_MAX);
    if let Some(ETags::These(tags)) = ETags::parse(value) {
        let tags_hold = |tags: &ETags| tags.name_strongly("a") <= tags.name("a");
        assert!(!tags.is_empty() && tags_hold(&ETags::These(tags)));
    }
}
