//! What a demo node holds: a course and someone to take it.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use ureq::http::StatusCode;
use ureq::{Agent, Body};
use url::Url;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::secrets::Secrets;

/// What is imported besides the demo course, one of each format: a folder of `examples/formats`,
/// which is sent as a zip, or a file of it, and what it is called.
const SAMPLES: [(&str, &str); 8] = [
    ("book", "book.epub"),
    ("document.pdf", "How to plant and lay a hedge (PDF).pdf"),
    ("film", "Wind in a hedge (a film).zip"),
    ("h5p", "quiz.h5p"),
    ("markdown", "Hedges (a text with pictures).zip"),
    ("scorm-1.2", "scorm-1.2.zip"),
    ("scorm-2004", "scorm-2004.zip"),
    ("site", "site.zip"),
];

/// Puts courses and a learner into a node; into one that has them already, nothing.
pub fn fill_node(address: &str, examples: &Path, secrets: &Secrets) -> Result<()> {
    let administrator = format!("Basic {}", STANDARD.encode(&secrets.administrator));
    let (name, password) =
        secrets.learner.split_once(':').context("the learner is name:password")?;
    let ada = json!({
        "name": name, "display_name": "Ada Lovelace", "role": "learner", "password": password,
    });
    let json = ("application/json", ada.to_string().into_bytes());
    let added = post_body(&format!("{address}/auth/people"), &administrator, json)?;
    ensure!(
        added.status().is_success() || added.status() == StatusCode::CONFLICT,
        describe_refusal(added)
    );

    let import = |path: &Path, name: &str| {
        let bytes = if path.is_dir() { zip_folder(path)? } else { fs::read(path)? };
        let url =
            Url::parse_with_params(&format!("{address}/content/v1/courses"), [("name", name)])?;
        let body = ("application/octet-stream", bytes);
        let imported = post_body(url.as_str(), &administrator, body)?;
        ensure!(imported.status().is_success(), describe_refusal(imported));
        Ok(())
    };
    import(&examples.join("demo-course"), "demo-course.zip")?;
    SAMPLES.iter().try_for_each(|(path, name)| import(&examples.join("formats").join(path), name))
}

fn post_body(
    url: &str,
    authorization: &str,
    (media_type, body): (&str, Vec<u8>),
) -> Result<ureq::http::Response<Body>> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.post(url).header("authorization", authorization);
    let response = request.header("content-type", media_type).send(&body);
    response.with_context(|| format!("POST {url}"))
}

/// What the node said instead.
fn describe_refusal(mut response: ureq::http::Response<Body>) -> String {
    let said = response.body_mut().read_to_string().unwrap_or_default();
    format!("the node refused the demo's content with {}: {said}", response.status())
}

/// A folder as a zip archive, which is what one imports.
fn zip_folder(folder: &Path) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    add_folder(&mut zip, folder, folder)?;
    Ok(zip.finish()?.into_inner())
}

fn add_folder(zip: &mut ZipWriter<Cursor<Vec<u8>>>, base: &Path, folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            add_folder(zip, base, &path)?;
        } else {
            let name = path.strip_prefix(base)?.to_string_lossy().replace('\\', "/");
            zip.start_file(name, SimpleFileOptions::default())?;
            zip.write_all(&fs::read(&path)?)?;
        }
    }
    Ok(())
}
