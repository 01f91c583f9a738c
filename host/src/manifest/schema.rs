//! `spin.toml` as written: one struct a table, unknown keys refused.
//!
//! Keys that Spin knows and this host cannot honour are read here all the same, so that
//! [`super::Application`] can refuse them with a reason instead of "unknown field".

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Must be 2.
    pub spin_manifest_version: u32,
    /// `[application]`.
    pub application: Details,
    /// `[variables]`.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// `[[trigger.*]]`.
    #[serde(default)]
    pub trigger: Triggers,
    /// `[component.*]`.
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

/// `[application]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The application's name, shown by the info route.
    pub name: String,
    /// Its version, shown by the info route.
    #[serde(default)]
    pub version: String,
    /// Read and ignored.
    #[serde(default, rename = "description")]
    pub _description: String,
    /// Read and ignored.
    #[serde(default, rename = "authors")]
    pub _authors: Vec<String>,
    /// Read and ignored: a check of `spin build`.
    #[serde(default, rename = "targets")]
    pub _targets: Option<Value>,
    /// `[application.trigger.*]`: only an HTTP base of `/` is supported.
    #[serde(default)]
    pub trigger: BTreeMap<String, Table>,
    /// Read and ignored, as by Spin.
    #[serde(default, rename = "tool")]
    pub _tool: Option<Value>,
}

/// `[variables]`: one application variable.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Read and ignored.
    #[serde(default, rename = "description")]
    pub _description: Option<String>,
    /// Whether a value has to be supplied from outside.
    #[serde(default)]
    pub required: bool,
    /// The value when none is supplied.
    pub default: Option<String>,
    /// Whether the value must stay out of logs.
    #[serde(default)]
    pub secret: bool,
}

/// `[[trigger.*]]`.
#[derive(Debug, Default, Deserialize)]
pub struct Triggers {
    /// `[[trigger.http]]`, in the order of the file.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// Every other kind: refused.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// Names an inline component.
    pub id: Option<String>,
    /// The path pattern, or `{ private = true }`.
    pub route: Route,
    /// Who answers.
    pub component: ComponentRef,
    /// Only `{ type = "http" }` or `{ type = "spin" }` is supported.
    pub executor: Option<Table>,
}

/// A trigger's route.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Route {
    /// A path pattern.
    Path(String),
    /// `{ private = true }`: reachable from other components only.
    Private(PrivateRoute),
}

/// The table form of a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivateRoute {
    /// Must be true.
    pub private: bool,
}

/// A component by id, or written out in the trigger.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ComponentRef {
    /// The id of a `[component.*]` table.
    Id(String),
    /// The component itself.
    Inline(Box<Component>),
}

/// `[component.*]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Path of the `.wasm` file, relative to the manifest; the table forms are refused.
    pub source: Value,
    /// Read and ignored.
    #[serde(default, rename = "description")]
    pub _description: String,
    /// Component variables: templates over the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables, verbatim.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Refused unless empty.
    #[serde(default)]
    pub files: Vec<Value>,
    /// Meaningless without `files`.
    #[serde(default, rename = "exclude_files")]
    pub _exclude_files: Vec<String>,
    /// Where the component may connect to: templates over the application's variables.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Refused unless empty.
    #[serde(default)]
    pub allowed_http_hosts: Vec<String>,
    /// Labels of key-value stores it may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Labels of SQLite databases it may open.
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    /// Refused unless empty.
    #[serde(default)]
    pub ai_models: Vec<String>,
    /// Read and ignored: a check of `spin build`.
    #[serde(default, rename = "targets")]
    pub _targets: Option<Value>,
    /// Read and ignored: `spin build` and `cargo xtask build` use it.
    #[serde(default, rename = "build")]
    pub _build: Option<Value>,
    /// Read and ignored, as by Spin.
    #[serde(default, rename = "tool")]
    pub _tool: Option<Value>,
    /// Read and ignored: build profiles are a choice made at build time here.
    #[serde(default, rename = "profile")]
    pub _profile: Option<Value>,
    /// The component's imports that other components satisfy.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Value>,
    /// The older, all-or-nothing form of `inherit_configuration`.
    pub dependencies_inherit_configuration: Option<bool>,
}

/// One entry of `dependencies`, in one of its supported forms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Path of a `.wasm` file, relative to the manifest.
    pub path: Option<String>,
    /// Or the id of a component of this manifest.
    pub component: Option<String>,
    /// Which export of the dependency to use; the import's name by default.
    pub export: Option<String>,
    /// Which of the parent's grants the dependency shares; none by default.
    pub inherit_configuration: Option<Inherit>,
}

/// `inherit_configuration`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Inherit {
    /// All or none.
    All(bool),
    /// The named classes.
    Classes(Vec<String>),
}
