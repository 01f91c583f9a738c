//! Who is at the other end of a request, beyond the proxies in front of the node.

use std::net::SocketAddr;

use hedgeschool_proxies::{Client, Forwarding, TrustedProxies, find_client};

use crate::{HeaderMap, Problem, settings};

const VARIABLE: &str = "trusted_proxies";
/// In which hosts say who is connected.
const PEER: &str = "spin-client-addr";

/// Whether the client speaks TLS, as the proxies that are trusted say.
///
/// # Errors
/// 500 if the variable `trusted_proxies` is not legible.
pub async fn is_https(headers: &HeaderMap) -> Result<bool, Problem> {
    // Without a word from a proxy there is nothing to look up.
    if read_forwarding(headers).is_empty() {
        return Ok(false);
    }
    Ok(identify_client(headers).await?.is_some_and(|client| client.is_https))
}

/// Who asks. None: the host does not say who is connected.
///
/// # Errors
/// 500 if the variable `trusted_proxies` is not legible.
pub async fn identify_client(headers: &HeaderMap) -> Result<Option<Client>, Problem> {
    let Some(peer) = read_peer(headers) else { return Ok(None) };
    let trusted = TrustedProxies::parse(&settings::text(VARIABLE).await?)
        .map_err(|error| Problem::internal(format!("variable {VARIABLE}: {error}")))?;
    Ok(Some(find_client(peer.ip(), &read_forwarding(headers), &trusted)))
}

/// Who is connected. Hosts add the header behind one that a client may have sent.
fn read_peer(headers: &HeaderMap) -> Option<SocketAddr> {
    headers.get_all(PEER).iter().next_back()?.to_str().ok()?.parse().ok()
}

fn read_forwarding(headers: &HeaderMap) -> Forwarding<'_> {
    let values = |name| headers.get_all(name).iter().filter_map(|it| it.to_str().ok()).collect();
    Forwarding {
        x_forwarded_for: values("x-forwarded-for"),
        x_forwarded_proto: values("x-forwarded-proto"),
        forwarded: values("forwarded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderValue;

    #[test]
    fn who_is_connected_is_what_the_host_says_and_not_the_client() {
        let mut headers = HeaderMap::new();
        assert_eq!(read_peer(&headers), None);
        headers.append(PEER, HeaderValue::from_static("10.42.0.1:1"));
        headers.append(PEER, HeaderValue::from_static("[2001:db8::1]:2"));
        assert_eq!(read_peer(&headers), Some("[2001:db8::1]:2".parse().unwrap()));
    }

    #[test]
    fn every_word_of_a_proxy_is_read() {
        let mut headers = HeaderMap::new();
        assert!(read_forwarding(&headers).is_empty());
        for name in ["x-forwarded-for", "x-forwarded-proto", "forwarded"] {
            headers.append(name, HeaderValue::from_static("a"));
            headers.append(name, HeaderValue::from_static("b"));
        }
        let forwarding = read_forwarding(&headers);
        assert_eq!(forwarding.x_forwarded_for, ["a", "b"]);
        assert_eq!(forwarding.x_forwarded_proto, ["a", "b"]);
        assert_eq!(forwarding.forwarded, ["a", "b"]);
    }
}
