//! Where a request was made to, and whether a page of that place made it.

use crate::client::is_https;
use crate::{HeaderMap, Problem, Request, header};

/// Scheme and host under which the client reaches this node, such as `https://edge.example.org`:
/// what the proxies in front say, and the host that was asked for.
///
/// # Errors
/// 400 if the request names no host; 500 if it cannot be told which proxies are trusted.
pub async fn base_url(request: &Request) -> Result<String, Problem> {
    let no_host = || Problem::bad_request("the request names no host");
    let scheme = if is_https(request.headers()).await? { "https" } else { "http" };
    Ok(format!("{scheme}://{}", asked_host(request).ok_or_else(no_host)?))
}

/// Refuses what a page of another site makes a browser send with the reader's cookie (CSRF).
/// Course content counts as another site, also where it is the same host at another port.
///
/// # Errors
/// 403 if another site sent it.
pub fn check_same_origin(request: &Request) -> Result<(), Problem> {
    let refusal = "this form was sent from another site: open the page here and try again";
    let is_own = comes_from(asked_host(request), request.headers());
    if is_own { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

/// The host that was asked for, with its port. WASI hosts take the `Host` header away and put it
/// into the address (wasi:http, forbidden headers).
pub(crate) fn asked_host(request: &Request) -> Option<&str> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    authority.or_else(|| header(request.headers(), "host"))
}

fn comes_from(host: Option<&str>, headers: &HeaderMap) -> bool {
    if let Some(site) = header(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    // Browsers leave that header out where there is no TLS, and always send this one with a form.
    // Who sends neither is no browser, and has no cookie but its own.
    let Some(origin) = header(headers, "origin") else { return true };
    origin.split_once("://").is_some_and(|(_, origin)| Some(origin) == host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderValue;

    fn allowed(pairs: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        comes_from(Some("n:3000"), &pairs.iter().map(pair).collect())
    }

    #[test]
    fn own_pages_and_programs_are_let_through() {
        assert!(allowed(&[("origin", "http://n:3000")]));
        assert!(allowed(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(allowed(&[]));
    }

    #[test]
    fn other_sites_and_sandboxed_content_are_refused() {
        assert!(!allowed(&[("origin", "http://n")]));
        assert!(!allowed(&[("origin", "null")]));
        assert!(!allowed(&[("sec-fetch-site", "cross-site")]));
    }
}
