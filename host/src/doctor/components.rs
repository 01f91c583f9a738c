//! The `.wasm` files of an app: whether they are there and whole, and what they say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hedgeschool_doctor::{Check, Finding, Report};
use wasmparser::{Encoding, Parser, Payload};

use super::words::one_line;
use crate::manifest::Application;

/// The custom section in which a store describes itself (`components/kit/sql`): label and release,
/// padded with zeros, and the schema's version.
const SECTION: &str = "hedge-store";
const LABEL_BYTES: usize = 24;
const RELEASE_BYTES: usize = 20;

/// What a store says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Description {
    label: String,
    release: String,
    version: u64,
}

/// Looks at all of an app's files; answers the latest schema that is known for each label.
pub fn probe_components(application: &Application, report: &mut Report) -> BTreeMap<String, u64> {
    let components = application.components.values();
    let sources: BTreeSet<&PathBuf> = components
        .flat_map(|it| it.dependencies.iter().map(|one| &one.source).chain([&it.source]))
        .collect();
    let (mut schemas, mut releases) = (BTreeMap::new(), BTreeSet::new());
    for source in sources {
        match describe_file(source) {
            Ok(description) => {
                if let Some(Description { label, release, version }) = description {
                    schemas.insert(label, version);
                    releases.insert(release);
                }
                report.saw(Check::Components, []);
            }
            Err(error) => {
                let advice = "Put the files of the release where the manifest names them, all of \
                              the same release; in the sources `cargo xtask build` makes them.";
                let what = one_line(&error);
                report.saw(Check::Components, [Finding::wrong(Check::Components, what, advice)]);
            }
        }
    }
    report.saw(Check::Components, of_another_release(&releases));
    schemas
}

/// Components that are not of the release that this program is of.
fn of_another_release(releases: &BTreeSet<String>) -> Option<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let other = releases.iter().find(|release| *release != ours)?;
    Some(Finding::warning(
        Check::Components,
        format!("The components are of release {other}, and this program of {ours}."),
        "That may work, and is tested by nobody: use program, manifest and components of one \
         release.",
    ))
}

/// What a file says of itself, if it says something.
fn describe_file(source: &Path) -> Result<Option<Description>> {
    let bytes = fs::read(source).with_context(|| format!("{} cannot be read", source.display()))?;
    read_description(&bytes).with_context(|| format!("{} is no whole component", source.display()))
}

fn read_description(bytes: &[u8]) -> Result<Option<Description>> {
    let (mut found, mut is_first) = (None, true);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                let is_component = encoding == Encoding::Component;
                ensure!(is_component || !is_first, "it is a module of an older kind");
                is_first = false;
            }
            Payload::CustomSection(section) if section.name() == SECTION => {
                found = Some(parse_description(section.data())?);
            }
            _ => {}
        }
    }
    ensure!(!is_first, "it is empty");
    Ok(found)
}

fn parse_description(data: &[u8]) -> Result<Description> {
    let parts = data.split_at_checked(LABEL_BYTES).and_then(|(label, rest)| {
        let (release, version) = rest.split_at_checked(RELEASE_BYTES)?;
        Some((label, release, <[u8; 4]>::try_from(version).ok()?))
    });
    let Some((label, release, version)) = parts else { bail!("its description has no form") };
    let text = |bytes| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
    let version = u32::from_le_bytes(version).into();
    Ok(Description { label: text(label), release: text(release), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_from_its_places() {
        let mut data = vec![0; LABEL_BYTES + RELEASE_BYTES];
        data[..3].copy_from_slice(b"abc");
        data[LABEL_BYTES..LABEL_BYTES + 3].copy_from_slice(b"1.2");
        assert!(parse_description(&data).is_err());
        data.extend([7, 1, 0, 0]);
        let expected = Description { label: "abc".into(), release: "1.2".into(), version: 263 };
        assert_eq!(parse_description(&data).unwrap(), expected);
    }

    #[test]
    fn what_is_no_whole_component_is_refused() {
        let component = wat::parse_str("(component (core module))").unwrap();
        assert_eq!(read_description(&component).unwrap(), None);
        assert!(read_description(&component[..component.len() - 1]).is_err());
        assert!(read_description(&[]).is_err() && read_description(b"#!/bin/sh").is_err());
        assert!(read_description(&wat::parse_str("(module)").unwrap()).is_err());
        let described = format!(
            "(component (core module (@custom \"{SECTION}\" \"{}\")))",
            "\\00".repeat(LABEL_BYTES + RELEASE_BYTES + 4)
        );
        assert!(read_description(&wat::parse_str(described).unwrap()).unwrap().is_some());
    }
}
