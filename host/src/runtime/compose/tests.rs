//! Compositions of small components, run for real.

use std::path::PathBuf;

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use super::*;
use crate::manifest::Application;
use crate::runtime::denied;

/// Exports `run`, which returns what its dependency's `count` does.
const ROOT: &str = r#"
(component
  (import "school:notes/notes@0.1.0" (instance $notes (export "count" (func (result u64)))))
  (alias export $notes "count" (func $count-of-store))
  (core func $count (canon lower (func $count-of-store)))
  (core module $code
    (import "" "count" (func $count (result i64)))
    (func (export "run") (result i64) (call $count)))
  (core instance $code (instantiate $code (with "" (instance (export "count" (func $count))))))
  (alias core export $code "run" (core func $run))
  (func (export "run") (result u64) (canon lift (core func $run))))
"#;

/// Exports `count`: 10 when opening a database failed, plus the number of the error's case.
const STORE: &str = r#"
(component
  (import "spin:sqlite/sqlite@3.1.0" (instance $sqlite
    (export "connection" (type $connection (sub resource)))
    (type $variant (variant (case "no-such-database") (case "access-denied")
      (case "invalid-connection") (case "database-full") (case "io" string)))
    (export "error" (type $error (eq $variant)))
    (type $own (own $connection))
    (type $result (result $own (error $error)))
    (export "[static]connection.open" (func (param "database" string) (result $result)))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (alias core export $memory "realloc" (core func $realloc))
  (alias export $sqlite "[static]connection.open" (func $open-host))
  (core func $open (canon lower (func $open-host) (memory $bytes) (realloc $realloc)))
  (core module $code
    (import "" "open" (func $open (param i32 i32 i32)))
    (import "" "memory" (memory 1))
    (func (export "count") (result i64)
      (call $open (i32.const 0) (i32.const 4) (i32.const 16))
      (i64.add
        (i64.mul (i64.load8_u (i32.const 16)) (i64.const 10))
        (i64.load8_u (i32.const 20)))))
  (core instance $code (instantiate $code (with "" (instance
    (export "open" (func $open))
    (export "memory" (memory $bytes))))))
  (alias core export $code "count" (core func $run))
  (func $count (result u64) (canon lift (core func $run)))
  (instance $notes (export "count" (func $count)))
  (export "school:notes/notes@0.1.0" (instance $notes)))
"#;

fn to_wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Dependencies as a manifest has them; each entry's source is its number in `sources`.
fn compose_with(entries: &str, sources: &[&str]) -> Result<Vec<u8>> {
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = 'x'\n\
         [[trigger.http]]\nroute = '/'\ncomponent = 'c'\n\
         [component.c]\nsource = 'c.wasm'\n[component.c.dependencies]\n{entries}"
    );
    let application = Application::parse(&text, &PathBuf::new())?;
    let dependencies = &application.components["c"].dependencies;
    let sources: Vec<_> = dependencies
        .iter()
        .map(|dependency| {
            let index: usize = dependency.source.to_str().unwrap().parse().unwrap();
            (dependency, to_wasm(sources[index]))
        })
        .collect();
    compose_component(to_wasm(ROOT), &sources)
}

fn imports_of(component: &[u8]) -> Vec<String> {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    component.component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn an_inherited_interface_is_the_hosts() {
    let entry = "'school:notes' = { path = '0', inherit_configuration = ['sqlite_databases'] }";
    assert_eq!(imports_of(&compose_with(entry, &[STORE]).unwrap()), ["spin:sqlite/sqlite@3.1.0"]);
}

#[test]
fn what_is_not_inherited_answers_with_the_interfaces_own_refusal() {
    let entry = "'school:notes' = { path = '0', inherit_configuration = ['variables'] }";
    let composed = compose_with(entry, &[STORE]).unwrap();
    assert_eq!(imports_of(&composed), ["denied-d0-spin:sqlite/sqlite@3.1.0"]);

    let engine = Engine::default();
    let component = Component::new(&engine, &composed).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    denied::link_denied(&mut linker, &engine, &component).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let run = instance.get_typed_func::<(), (u64,)>(&mut store, "run").unwrap();
    let access_denied = 11;
    assert_eq!(run.call(&mut store, ()).unwrap(), (access_denied,));
}

#[test]
fn a_parent_and_its_dependency_keep_their_own_rights_to_one_interface() {
    // The parent is a store itself here: it imports the same interface, with all rights.
    let parent = STORE
        .replacen("(component", "(component (import \"school:notes/notes@0.1.0\" (instance))", 1)
        .replace("(export \"school:notes/notes@0.1.0\"", "(export \"school:other/notes@0.1.0\"");
    let entry = "'school:notes' = { path = '0' }";
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = 'x'\n\
         [[trigger.http]]\nroute = '/'\ncomponent = 'c'\n\
         [component.c]\nsource = 'c.wasm'\n[component.c.dependencies]\n{entry}"
    );
    let application = Application::parse(&text, &PathBuf::new()).unwrap();
    let dependency = &application.components["c"].dependencies[0];
    let composed = compose_component(to_wasm(&parent), &[(dependency, to_wasm(STORE))]).unwrap();
    let mut imports = imports_of(&composed);
    imports.sort();
    assert_eq!(imports, ["denied-d0-spin:sqlite/sqlite@3.1.0", "spin:sqlite/sqlite@3.1.0"]);
}

#[test]
fn what_does_not_compose_names_the_dependency_and_what_there_is() {
    let cases = [
        ("'school:nothing' = { path = '0' }", "it imports school:notes/notes@0.1.0"),
        ("'school:notes' = { path = '1' }", "it exports nothing-of-use"),
        (
            "'school:notes/notes' = { path = '0', export = 'school:x/y' }",
            "does not export school:x/y",
        ),
        (
            "'school:notes' = { path = '0' }\n'school:notes/notes' = { path = '0' }",
            "satisfied by both",
        ),
    ];
    let useless = "(component (instance $i) (export \"nothing-of-use\" (instance $i)))";
    for (entries, expected) in cases {
        let error = format!("{:#}", compose_with(entries, &[STORE, useless]).unwrap_err());
        assert!(error.contains(expected), "{entries}\n→ {error}");
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let error = compose_with("'school:notes' = { path = '0' }", &["(module)"]).unwrap_err();
    assert!(format!("{error:#}").contains("not a WebAssembly component"), "{error:#}");
}
