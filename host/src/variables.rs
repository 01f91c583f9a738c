//! Application variables, where their values come from, and templates over them.
//!
//! A value comes from `--variable`, else from the environment (`SPIN_VARIABLE_NAME`), else from
//! the manifest's default. Everything is resolved once, before the first request. In a container,
//! whose environment is nobody's shell, a variable may also be set by its name alone (`NAME`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::manifest::Variable;

/// Values given on the command line, by variable name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// Reads the arguments of `--variable`, a later one winning over an earlier one.
    ///
    /// An argument is `name=value`, `name=@file` (the file's text as it is), or `@file.toml` or
    /// `@file.json` (a flat table of names and strings).
    ///
    /// # Errors
    /// For any other form, and for files that cannot be read or are not flat tables.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut values = BTreeMap::new();
        for argument in arguments {
            let context = || format!("--variable {}", argument.split('=').next().unwrap_or(""));
            values.append(&mut read_argument(argument).with_context(context)?);
        }
        Ok(Self(values))
    }
}

fn read_argument(argument: &str) -> Result<BTreeMap<String, String>> {
    if let Some(file) = argument.strip_prefix('@') {
        return read_table(Path::new(file));
    }
    let Some((name, value)) = argument.split_once('=') else {
        bail!("expected name=value, name=@file, @file.toml or @file.json");
    };
    let value = match value.strip_prefix('@') {
        Some(file) => read_file(Path::new(file))?,
        None => value.to_owned(),
    };
    Ok(BTreeMap::from([(name.to_owned(), value)]))
}

fn read_table(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = read_file(file)?;
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Ok(toml::from_str(&text)?),
        Some("json") => Ok(serde_json::from_str(&text)?),
        _ => bail!("a file of variables ends in .toml or .json"),
    }
}

fn read_file(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Environment variables that are looked at for application variables.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentNames {
    /// `SPIN_VARIABLE_NAME`.
    #[default]
    Prefixed,
    /// That, and then `NAME`.
    PrefixedOrPlain,
}

/// Every application variable with its value.
#[derive(Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Gives every declared variable a value. `environment` looks up an environment variable.
    ///
    /// # Errors
    /// When a required variable has no value, or an override names an undeclared variable.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        overrides: &Overrides,
        names: EnvironmentNames,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        for name in overrides.0.keys() {
            ensure!(
                declared.contains_key(name),
                "--variable {name}: the manifest's [variables] has no such name"
            );
        }
        let value = |(name, variable): (&String, &Variable)| {
            let plain = name.to_ascii_uppercase();
            let key = format!("SPIN_VARIABLE_{plain}");
            let value = overrides.0.get(name).cloned().or_else(|| environment(&key));
            let value = value.or_else(|| match names {
                EnvironmentNames::Prefixed => None,
                EnvironmentNames::PrefixedOrPlain => environment(&plain),
            });
            let value = value.or_else(|| variable.default.clone());
            let value = value.with_context(|| {
                format!("variable {name:?} is required: set {key} or pass --variable {name}=…")
            })?;
            Ok((name.clone(), value))
        };
        Ok(Self(declared.iter().map(value).collect::<Result<_>>()?))
    }

    /// The value of an application variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Gives a variable that is there and empty a value.
    pub fn fill_empty(&mut self, name: &str, value: String) {
        if let Some(empty) = self.0.get_mut(name).filter(|known| known.is_empty()) {
            *empty = value;
        }
    }

    /// Replaces each `{{ name }}` in `template` by the variable's value.
    ///
    /// # Errors
    /// For unknown names and unbalanced braces.
    pub fn render_template(&self, template: &str) -> Result<String> {
        let mut rendered = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            let Some((name, tail)) = after.split_once("}}") else {
                bail!("template {template:?}: '{{{{' without '}}}}'");
            };
            let name = name.trim();
            let value = self.get(name).with_context(|| {
                format!("template {template:?}: the manifest's [variables] has no {name:?}")
            })?;
            rendered.push_str(literal);
            rendered.push_str(value);
            rest = tail;
        }
        rendered.push_str(rest);
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIXED: EnvironmentNames = EnvironmentNames::Prefixed;

    fn declared() -> BTreeMap<String, Variable> {
        let variable =
            |default: Option<&str>| Variable { default: default.map(str::to_owned), secret: false };
        BTreeMap::from([
            ("given".to_owned(), variable(Some("default"))),
            ("required".to_owned(), variable(None)),
        ])
    }

    fn overrides(arguments: &[&str]) -> Result<Overrides> {
        Overrides::parse(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_that_over_the_default() {
        let environment = |name: &str| (name == "SPIN_VARIABLE_GIVEN").then(|| "env".to_owned());
        let flags = overrides(&["required=r"]).unwrap();
        let values = Variables::resolve(&declared(), &flags, PREFIXED, environment).unwrap();
        assert_eq!((values.get("given"), values.get("required")), (Some("env"), Some("r")));

        let flags = overrides(&["required=r", "given=a=b"]).unwrap();
        let values = Variables::resolve(&declared(), &flags, PREFIXED, environment).unwrap();
        assert_eq!(values.get("given"), Some("a=b"));

        let flags = overrides(&["required="]).unwrap();
        let values = Variables::resolve(&declared(), &flags, PREFIXED, |_| None).unwrap();
        assert_eq!((values.get("given"), values.get("required")), (Some("default"), Some("")));
    }

    #[test]
    fn a_container_may_set_a_variable_by_its_name_alone() {
        let environment = |name: &str| match name {
            "GIVEN" | "REQUIRED" => Some("plain".to_owned()),
            "SPIN_VARIABLE_GIVEN" => Some("prefixed".to_owned()),
            _ => None,
        };
        let names = EnvironmentNames::PrefixedOrPlain;
        let none = Overrides::default();
        let values = Variables::resolve(&declared(), &none, names, environment).unwrap();
        let of = |name: &str| values.get(name).map(str::to_owned);
        assert_eq!(of("given").as_deref(), Some("prefixed"));
        assert_eq!(of("required").as_deref(), Some("plain"));
        assert!(Variables::resolve(&declared(), &none, PREFIXED, environment).is_err());
    }

    #[test]
    fn only_what_is_empty_and_known_is_filled() {
        let flags = overrides(&["required=", "given=g"]).unwrap();
        let mut values = Variables::resolve(&declared(), &flags, PREFIXED, |_| None).unwrap();
        for name in ["required", "given", "unknown"] {
            values.fill_empty(name, "filled".to_owned());
        }
        assert_eq!((values.get("required"), values.get("given")), (Some("filled"), Some("g")));
        assert_eq!(values.get("unknown"), None);
    }

    #[test]
    fn a_missing_required_variable_says_how_to_set_it() {
        let error = Variables::resolve(&declared(), &Overrides::default(), PREFIXED, |_| None);
        let error = error.unwrap_err();
        assert!(error.to_string().contains("SPIN_VARIABLE_REQUIRED"), "{error}");
    }

    #[test]
    fn an_undeclared_override_is_refused() {
        let flags = overrides(&["requird=x"]).unwrap();
        let error = Variables::resolve(&declared(), &flags, PREFIXED, |_| None).unwrap_err();
        assert!(error.to_string().contains("requird"), "{error}");
    }

    #[test]
    fn files_give_one_value_or_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("one"), "text\n").unwrap();
        std::fs::write(path("many.toml"), "a = '1'\nb = '2'").unwrap();
        std::fs::write(path("many.json"), r#"{"b": "3"}"#).unwrap();
        let one = format!("x=@{}", path("one"));
        let toml = format!("@{}", path("many.toml"));
        let json = format!("@{}", path("many.json"));
        let Overrides(values) = overrides(&[&one, &toml, &json]).unwrap();
        assert_eq!(values["x"], "text\n");
        assert_eq!((values["a"].as_str(), values["b"].as_str()), ("1", "3"));
        assert!(overrides(&[&format!("@{}", path("one"))]).is_err());
        assert!(overrides(&["novalue"]).is_err());
    }

    #[test]
    fn templates_render_or_say_what_is_wrong() {
        let flags = overrides(&["required=r"]).unwrap();
        let values = Variables::resolve(&declared(), &flags, PREFIXED, |_| None).unwrap();
        assert_eq!(values.render_template("a{{ given }}-{{required}}b").unwrap(), "adefault-rb");
        assert_eq!(values.render_template("plain }} {").unwrap(), "plain }} {");
        assert!(values.render_template("{{ nobody }}").is_err());
        assert!(values.render_template("{{ given").is_err());
    }
}
