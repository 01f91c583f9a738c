//! What a node answers, and how fast.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hedgeschool_tests::{Node, course, statement};
use http::Request;
use http_body_util::Full;
use serde_json::Value;

use crate::load::{Make, closed, paced};
use crate::report::{milliseconds, row};

/// The share of the highest rate at which latencies are taken.
const PACE: f64 = 0.5;
/// The size of the file that is fetched.
const FILE_BYTES: usize = 16 << 10;

/// Measures each case and prints its row as it is known.
pub async fn measure(duration: Duration) -> Result<()> {
    let node =
        tokio::task::spawn_blocking(|| Node::builder()?.on_disk()?.quiet().start()).await??;
    let address = SocketAddr::from(([127, 0, 0, 1], node.port()));
    let path = import_file(&node)?;
    println!(
        "| what | connections | rate | P50 at half that rate | P99 | P999 |\n|---|--:|--:|--:|--:|--:|"
    );
    for connections in [1, 8, 32] {
        let name = "one statement, durable";
        case(name, address, connections, duration, &post_statement(address)).await?;
    }
    for connections in [1, 16] {
        let name = "a 16 KB course file";
        case(name, address, connections, duration, &get(address, &path)).await?;
    }
    Ok(())
}

async fn case(
    name: &str,
    address: SocketAddr,
    connections: u32,
    duration: Duration,
    make: &Make,
) -> Result<()> {
    // The first requests start instances and warm caches.
    closed(address, connections, duration / 5, make).await.context(name.to_owned())?;
    let rate = closed(address, connections, duration, make).await.context(name.to_owned())?;
    let times = paced(address, connections, rate * PACE, duration, make).await?;
    let mut cells = vec![name.to_owned(), connections.to_string(), format!("{rate:.0}/s")];
    cells.extend([0.5, 0.99, 0.999].map(|share| milliseconds(times.percentile(share))));
    println!("{}", row(&cells));
    Ok(())
}

/// `POST /xapi/statements` of a fresh statement.
fn post_statement(address: SocketAddr) -> Make {
    let authorization = format!("Basic {}", STANDARD.encode(Node::CLIENT));
    Arc::new(move || {
        let body = statement::experienced(&statement::new_id()).to_string();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static("/xapi/statements");
        let headers = [
            ("host", address.to_string()),
            ("authorization", authorization.clone()),
            ("content-type", "application/json".to_owned()),
            ("x-experience-api-version", "1.0.3".to_owned()),
        ];
        with_headers(request, headers)
    })
}

/// `GET` of a path.
fn get(address: SocketAddr, path: &http::Uri) -> Make {
    let path = path.clone();
    Arc::new(move || {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = path.clone();
        with_headers(request, [("host", address.to_string())])
    })
}

fn with_headers<const N: usize>(
    mut request: Request<Full<Bytes>>,
    headers: [(&'static str, String); N],
) -> Request<Full<Bytes>> {
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// Imports a course with a file of [`FILE_BYTES`] and answers the file's address.
fn import_file(node: &Node) -> Result<http::Uri> {
    let structure = course::structure("https://example.org/bench", "Bench");
    let file = "hedge ".repeat(FILE_BYTES / 6 + 1);
    let file = file.as_bytes().get(..FILE_BYTES).unwrap_or_default();
    let zip = course::archive(&[("cmi5.xml", structure.as_bytes()), ("index.html", file)])?;
    let body = Some(("application/zip", zip.as_slice()));
    let imported = node.admin().send(http::Method::POST, "/content/v1/courses", body)?;
    let package = imported.expect(201)?.json()?;
    let package = package.get("package").and_then(Value::as_str).context("no package")?;
    Ok(format!("/content/p/{package}/index.html").parse()?)
}
