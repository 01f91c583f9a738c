//! HTTP: the pages that play units which do not record by themselves, below `/content/players`, on
//! content's origin (ADR 21).
//!
//! A player's page is a launched unit to the rest of the node: it redeems the launch, reads what it
//! says and records, as a cmi5 unit does. It shows the file that it plays in a frame of its own
//! origin.

use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use spin_sdk::http_service;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The next release has others under the same names.
const CACHING: &str = "public, no-cache";
const PREFIX: &str = "/content/players/";

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let reply = answer(answer_file(&request).await);
    if is_head { reply.without_body() } else { reply }
}

async fn answer_file(request: &Request) -> Result<Reply, Problem> {
    check_method(request.method())?;
    if !ContentOrigin::configured().await?.is_of(request).await? {
        let rule = "players are on the origin of course content (`content_origin`)";
        return Err(Problem::not_found(rule));
    }
    let name = file_name(request.uri().path());
    let missing = || Problem::not_found(format!("there is no {name:?} in this build"));
    asset(name).ok_or_else(missing)?.reply(request, CACHING)
}

fn check_method(method: &Method) -> Result<(), Problem> {
    let is_reading = method == Method::GET || method == Method::HEAD;
    if is_reading { Ok(()) } else { Err(Problem::method_not_allowed("GET, HEAD")) }
}

/// The name of the file at a path; empty if it is not below that of the players.
fn file_name(path: &str) -> &str {
    path.strip_prefix(PREFIX).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_what_follows_the_players_path() {
        assert_eq!(file_name("/content/players/pdfjs-dist/pdf.mjs"), "pdfjs-dist/pdf.mjs");
        assert_eq!(file_name("/content/players"), "");
        assert_eq!(file_name("/content/f/x"), "");
    }

    #[test]
    fn files_are_read_and_nothing_else() {
        assert!(check_method(&Method::HEAD).is_ok());
        assert_eq!(check_method(&Method::POST).unwrap_err().headers[0].1, "GET, HEAD");
    }
}
