use hedgeschool_package::address::is_absolute;
use hedgeschool_package::{Error, LaunchMethod, MoveOn, Player, Unit};
use iri_string::types::IriStr;
use roxmltree::Node;

use crate::launch::PARAMETERS;
use crate::xml::{broken_rule, element_text, find_child, read_id, read_title, require_child};

/// Reads an `<au>` (13.1.4), which stands in the block at a position.
pub fn read_unit(node: Node, block: Option<usize>) -> Result<Unit, Error> {
    let optional = |name: &str| find_child(node, name).map_or(Ok(String::new()), element_text);
    Ok(Unit {
        id: read_id(node)?,
        title: read_title(node)?,
        url: read_url(node)?,
        player: Player::None,
        launch_method: launch_method(node)?,
        launch_parameters: optional("launchParameters")?,
        move_on: move_on(node)?,
        mastery_score: mastery_score(node)?,
        entitlement_key: optional("entitlementKey")?,
        block,
    })
}

fn read_url(node: Node) -> Result<String, Error> {
    let element = require_child(node, "url")?;
    let url = element_text(element)?;
    let refused = |rule: &str| {
        Err(broken_rule(element, format!("{url:?} of {} {rule}", describe_unit(node))))
    };
    if url.is_empty() {
        return refused("is empty");
    }
    if is_absolute(&url) && IriStr::new(&url).is_err() {
        return refused("is not a well-formed address");
    }
    if !is_absolute(&url) && has_scheme(&url) {
        return refused("is neither relative nor an http or https address");
    }
    if let Some(name) = launch_parameter(&url) {
        return refused(&format!("has a parameter {name:?}, which is the launch's (8.1)"));
    }
    Ok(url)
}

/// A parameter of an address that a launch would add.
fn launch_parameter(url: &str) -> Option<&'static str> {
    let query = url.split('#').next().unwrap_or_default().split_once('?')?.1;
    let is_there = |wanted: &&str| {
        query.split('&').any(|pair| pair.split('=').next().unwrap_or_default() == *wanted)
    };
    PARAMETERS.into_iter().find(is_there)
}

fn describe_unit(node: Node) -> String {
    format!("unit {:?}", node.attribute("id").unwrap_or_default())
}

/// RFC 3986, 3.1: letters, digits, `+-.` up to a colon, before any `/`.
fn has_scheme(url: &str) -> bool {
    let scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    url.split_once(':').is_some_and(|(before, _)| scheme(before))
}

fn launch_method(node: Node) -> Result<LaunchMethod, Error> {
    match node.attribute("launchMethod").map(str::trim) {
        None | Some("AnyWindow") => Ok(LaunchMethod::AnyWindow),
        Some("OwnWindow") => Ok(LaunchMethod::OwnWindow),
        Some(other) => Err(broken_rule(
            node,
            format!("has launchMethod {other:?}, not AnyWindow or OwnWindow"),
        )),
    }
}

fn move_on(node: Node) -> Result<MoveOn, Error> {
    let Some(text) = node.attribute("moveOn").map(str::trim) else {
        return Ok(MoveOn::NotApplicable);
    };
    let known = MoveOn::ALL.into_iter().find(|move_on| move_on.as_str() == text);
    known.ok_or_else(|| {
        let allowed = MoveOn::ALL.map(MoveOn::as_str).join(", ");
        broken_rule(node, format!("has moveOn {text:?}, which is none of {allowed}"))
    })
}

fn mastery_score(node: Node) -> Result<Option<f64>, Error> {
    let Some(score) = node.attribute("masteryScore").map(str::trim) else { return Ok(None) };
    // `xs:decimal` has neither exponents nor names such as NaN, which Rust would parse.
    let is_decimal = score.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c));
    match score.parse::<f64>() {
        Ok(value) if is_decimal && (0.0..=1.0).contains(&value) => Ok(Some(value)),
        _ => {
            Err(broken_rule(node, format!("has masteryScore {score:?}, not a decimal from 0 to 1")))
        }
    }
}
