//! Where a request was made to, and whether a page of that place made it.

use crate::{HeaderMap, Problem, header};

/// Scheme and host under which the client reaches this node, such as `https://edge.example.org`: what
/// the proxy in front says (`X-Forwarded-Proto`), and `Host`.
pub fn base_url(headers: &HeaderMap) -> Result<String, Problem> {
    let host = header(headers, "host");
    let host = host.ok_or_else(|| Problem::bad_request("the request has no Host header"))?;
    let scheme = if is_https(headers) { "https" } else { "http" };
    Ok(format!("{scheme}://{host}"))
}

/// Whether the client speaks TLS, as the proxy in front of the node says.
pub fn is_https(headers: &HeaderMap) -> bool {
    header(headers, "x-forwarded-proto") == Some("https")
}

/// Refuses what a page of another site makes a browser send with the reader's cookie (CSRF). Course
/// content counts as another site: it runs in an origin of its own.
pub fn check_same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let own = match header(headers, "sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        // Browsers leave that header out where there is no TLS, and always send this one with a form.
        None => header(headers, "origin").is_none_or(|origin| is_own(origin, headers)),
    };
    let refusal = "this form was sent from another site: open the page here and try again";
    if own { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    origin.split_once("://").is_some_and(|(_, host)| header(headers, "host") == Some(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_address_is_the_clients() {
        let plain = headers(&[("host", "node:3000")]);
        assert_eq!(base_url(&plain).unwrap(), "http://node:3000");
        let proxied = headers(&[("host", "node.example"), ("x-forwarded-proto", "https")]);
        assert_eq!(base_url(&proxied).unwrap(), "https://node.example");
        assert!(base_url(&HeaderMap::new()).is_err());
    }

    #[test]
    fn other_sites_and_sandboxed_content_are_refused() {
        let allowed = |pairs: &[_]| check_same_origin(&headers(pairs)).is_ok();
        assert!(allowed(&[("host", "n"), ("origin", "http://n")]));
        assert!(allowed(&[("host", "n"), ("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(allowed(&[("host", "n")]));
        assert!(!allowed(&[("host", "n"), ("origin", "http://m")]));
        assert!(!allowed(&[("host", "n"), ("origin", "null")]));
        assert!(!allowed(&[("host", "n"), ("sec-fetch-site", "cross-site")]));
    }
}
