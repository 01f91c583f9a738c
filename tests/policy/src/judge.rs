//! Policies as Gatekeeper has them, judged by regorus.

use std::path::Path;

use anyhow::{Context, Result};
use regorus::Engine;
use serde_json::{Value, json};

use crate::manifests::read;

/// What a rule has against an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The constraint's name.
    pub rule: String,
    /// What it says.
    pub message: String,
}

/// A constraint, and the program of its template.
struct Rule {
    name: String,
    engine: Engine,
    /// What its answers are called.
    query: String,
    parameters: Value,
}

/// All rules.
pub struct Judge {
    rules: Vec<Rule>,
}

impl Judge {
    /// Takes the templates and constraints of the folder `k3s/policy`.
    ///
    /// # Errors
    /// When one cannot be read, or a constraint has no template.
    pub fn new(policy: &Path) -> Result<Self> {
        let (templates, constraints) =
            (read(&policy.join("base"))?, read(&policy.join("constraints"))?);
        let rule = |constraint: &Value| {
            let kind = text(constraint, "/kind")?;
            let is_its =
                |it: &&Value| text(it, "/spec/crd/spec/names/kind").is_ok_and(|it| it == kind);
            let template = templates.iter().find(is_its);
            Rule::new(template.with_context(|| format!("no template of {kind}"))?, constraint)
        };
        Ok(Self { rules: constraints.iter().map(rule).collect::<Result<_>>()? })
    }

    /// The names of the rules.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// What the rules have against an object.
    ///
    /// # Errors
    /// When a rule cannot be evaluated.
    pub fn refusals(&mut self, object: &Value) -> Result<Vec<Refusal>> {
        let mut all = Vec::new();
        for rule in &mut self.rules {
            all.extend(rule.refusals(object).with_context(|| format!("rule {}", rule.name))?);
        }
        Ok(all)
    }
}

impl Rule {
    fn new(template: &Value, constraint: &Value) -> Result<Self> {
        let mut engine = Engine::new();
        engine.set_rego_v0(true);
        // Gatekeeper takes a failed builtin for undefined.
        engine.set_strict_builtin_errors(false);
        let rego = text(template, "/spec/targets/0/rego")?;
        let package = engine.add_policy("rule.rego".to_owned(), rego.to_owned())?;
        let parameters = constraint.pointer("/spec/parameters").cloned();
        Ok(Self {
            name: text(constraint, "/metadata/name")?.to_owned(),
            engine,
            query: format!("{package}.violation"),
            parameters: parameters.unwrap_or_else(|| json!({})),
        })
    }

    fn refusals(&mut self, object: &Value) -> Result<Vec<Refusal>> {
        let input = json!({
            "review": {"object": object, "kind": {"kind": object.get("kind")}},
            "parameters": self.parameters,
        });
        self.engine.set_input(regorus::Value::from_json_str(&input.to_string())?);
        let answer = self.engine.eval_rule(self.query.clone())?.to_json_str()?;
        let answer: Vec<Value> = serde_json::from_str(&answer)?;
        let refusal = |violation: &Value| {
            let message = text(violation, "/msg")?.to_owned();
            Ok(Refusal { rule: self.name.clone(), message })
        };
        answer.iter().map(refusal).collect()
    }
}

fn text<'a>(object: &'a Value, place: &str) -> Result<&'a str> {
    object.pointer(place).and_then(Value::as_str).with_context(|| format!("no {place}"))
}
