//! What a manifest may say, and how it is refused when it says something else.

use std::path::Path;

use super::*;

const MINIMAL: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "school"
    [variables]
    node_id = { default = "node" }
    [[trigger.http]]
    route = "/xapi/..."
    component = "progress"
    [component.progress]
    source = "progress.wasm"
"#;

fn parse_with(extra: &str) -> Result<Application> {
    Application::parse(&format!("{MINIMAL}\n{extra}"), Path::new("/app"))
}

fn refusal_of(extra: &str) -> String {
    format!("{:#}", parse_with(extra).unwrap_err())
}

#[test]
fn sources_are_relative_to_the_manifest() {
    let application = parse_with("").unwrap();
    let progress = &application.components["progress"];
    assert_eq!(progress.source, Path::new("/app/progress.wasm"));
    assert_eq!(application.routes, [("/xapi/...".into(), "progress".into())]);
}

#[test]
fn everything_the_application_uses_is_read() {
    let application = parse_with(
        r#"
        description = "a store"
        sqlite_databases = ["progress"]
        key_value_stores = ["default"]
        allowed_outbound_hosts = ["http://identity.spin.internal", "{{ node_id }}"]
        variables = { node = "{{ node_id }}" }
        environment = { RUST_LOG = "info" }
        [component.progress.build]
        command = "cargo build"
        [component.progress.tool.x]
        y = 1
        [component.progress.dependencies]
        "hedgeschool:progress@0.1.0" = { path = "s.wasm", inherit_configuration = ["variables"] }
        [component.unused]
        source = "unused.wasm"
        [[trigger.http]]
        route = { private = true }
        component = { source = "inline.wasm" }
        "#,
    )
    .unwrap();
    let progress = &application.components["progress"];
    assert!(progress.sqlite_databases.contains("progress"));
    let dependency = &progress.dependencies[0];
    assert_eq!(dependency.source, Path::new("/app/s.wasm"));
    assert!(dependency.inherit.allows_class(Capability::Variables));
    assert!(!dependency.inherit.allows_class(Capability::SqliteDatabases));
    assert!(application.components.contains_key("http-trigger-1"));
    assert!(!application.components.contains_key("unused"));
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    let cases = [
        ("ai_models = ['llama2-chat']", "ai_models"),
        ("files = ['assets/*']", "files"),
        ("allowed_http_hosts = ['a.b']", "allowed_outbound_hosts"),
        ("sqlite_database = ['x']", "unknown field `sqlite_database`"),
        ("[[trigger.redis]]\nchannel = 'c'\ncomponent = 'progress'", "[[trigger.redis]]"),
        ("[[trigger.http]]\nroute = '/x'\ncomponent = 'nobody'", "[component.nobody]"),
        ("[[trigger.http]]\nroute = { private = false }\ncomponent = 'progress'", "private"),
        ("[component.c]\nsource = { url = 'https://x', digest = 'd' }", "[component.c] source"),
        ("dependencies = { 'a:b' = '>= 1.0' }", "registry"),
        ("dependencies = { 'a:b' = { path = 'x', inherit_configuration = ['sqlite'] } }", "sqlite"),
        ("dependencies = { 'a:b' = { component = 'z' } }", "[component.z]"),
        (
            "dependencies_inherit_configuration = true\n\
             dependencies = { 'a:b' = { path = 'x', inherit_configuration = true } }",
            "exclude each other",
        ),
    ];
    for (extra, expected) in cases {
        let refusal = refusal_of(extra);
        assert!(refusal.contains(expected), "{extra}\n→ {refusal}");
    }
}

#[test]
fn other_versions_and_odd_variables_are_refused() {
    let version = MINIMAL.replace("version = 2", "version = 1");
    let error = Application::parse(&version, Path::new("/")).unwrap_err();
    assert!(error.to_string().contains("only version 2"), "{error:#}");
    for (from, to) in [("node_id =", "Node =")]
        .into_iter()
        .chain([("{ default = \"node\" }", "{ secret = true }")])
    {
        let text = MINIMAL.replace(from, to);
        let error = Application::parse(&text, Path::new("/")).unwrap_err();
        assert!(format!("{error:#}").contains("variables."), "{error:#}");
    }
}
