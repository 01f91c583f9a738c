use std::net::IpAddr;

use crate::hop::Forwarding;
use crate::range::TrustedProxies;

/// Most proxies in a row whose word counts: who comes before them is taken for the client.
pub const HOPS_MAX: usize = 16;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address, as far as it is known: else that of the proxy which does not tell.
    pub address: IpAddr,
    /// Whether the client speaks TLS, with the node or a proxy before it.
    pub is_https: bool,
}

/// Who asks: `peer`, whom the node is connected with by plain HTTP, unless that is a proxy which
/// is trusted; then whom that one names, and so on outwards.
pub fn find_client(peer: IpAddr, forwarding: &Forwarding<'_>, trusted: &TrustedProxies) -> Client {
    let mut client = Client { address: peer.to_canonical(), is_https: false };
    if !trusted.contains(peer) {
        return client;
    }
    for hop in forwarding.hops(HOPS_MAX) {
        // Said by `client.address`, which is trusted.
        client.is_https = hop.is_https.unwrap_or(client.is_https);
        let Some(address) = hop.address else { break };
        client.address = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLUSTER: &str = "10.42.0.0/16";

    fn find(peer: &str, x_for: &[&str], x_proto: &[&str], trusted: &str) -> (String, bool) {
        let forwarding = Forwarding {
            x_forwarded_for: x_for.to_vec(),
            x_forwarded_proto: x_proto.to_vec(),
            forwarded: Vec::new(),
        };
        let trusted = TrustedProxies::parse(trusted).unwrap();
        let client = find_client(peer.parse().unwrap(), &forwarding, &trusted);
        (client.address.to_string(), client.is_https)
    }

    fn is(address: &str, is_https: bool) -> (String, bool) {
        (address.to_owned(), is_https)
    }

    #[test]
    fn nobody_is_believed_who_is_not_named() {
        let claims = |trusted| find("192.0.2.9", &["192.0.2.1"], &["https"], trusted);
        assert_eq!(claims(""), is("192.0.2.9", false));
        assert_eq!(claims(CLUSTER), is("192.0.2.9", false));
        assert_eq!(claims("192.0.2.9"), is("192.0.2.1", true));
    }

    #[test]
    fn what_a_client_has_written_before_the_proxy_is_not_believed() {
        let spoofed = find("10.42.0.7", &["203.0.113.1, 192.0.2.1"], &["https"], CLUSTER);
        assert_eq!(spoofed, is("192.0.2.1", true));
        // The proxy adds its own, and the client's is before it.
        let spoofed = find("10.42.0.7", &["203.0.113.1", "192.0.2.1"], &["https", "http"], CLUSTER);
        assert_eq!(spoofed, is("192.0.2.1", false));
    }

    #[test]
    fn proxies_in_a_row_vouch_for_each_other() {
        let trusted = "10.42.0.0/16, 198.51.100.1";
        let row = find("10.42.0.7", &["192.0.2.1, 198.51.100.1"], &["https"], trusted);
        assert_eq!(row, is("192.0.2.1", true));
        let ends_at_the_stranger = find("10.42.0.7", &["192.0.2.1, 198.51.100.1"], &[], CLUSTER);
        assert_eq!(ends_at_the_stranger, is("198.51.100.1", false));
        let schemes = find("10.42.0.7", &["192.0.2.1, 198.51.100.1"], &["https, http"], trusted);
        assert_eq!(schemes, is("192.0.2.1", true), "TLS ends at the outer one");
    }

    #[test]
    fn a_proxy_that_tells_nothing_legible_is_who_asks() {
        for x_for in [&[][..], &["unknown"][..], &["192.0.2.1, _hidden"][..]] {
            assert_eq!(find("10.42.0.7", x_for, &["https"], CLUSTER), is("10.42.0.7", true));
        }
    }

    #[test]
    fn a_row_has_an_end() {
        let row = vec!["10.42.0.1"; 4 * HOPS_MAX].join(",");
        let outside = format!("192.0.2.1,{row}");
        assert_eq!(find("10.42.0.7", &[&outside], &[], CLUSTER), is("10.42.0.1", false));
    }

    proptest! {
        /// Whatever headers say: a peer that is not trusted is the client, without TLS.
        #[test]
        fn a_stranger_gains_nothing(
            x_for in ".{0,60}", x_proto in ".{0,20}|https", forwarded in ".{0,60}",
        ) {
            let forwarding = Forwarding {
                x_forwarded_for: vec![&x_for],
                x_forwarded_proto: vec![&x_proto],
                forwarded: vec![&forwarded],
            };
            let peer: IpAddr = "192.0.2.9".parse().unwrap();
            let trusted = TrustedProxies::parse(CLUSTER).unwrap();
            let client = find_client(peer, &forwarding, &trusted);
            prop_assert_eq!(client, Client { address: peer, is_https: false });
        }

        /// What a client writes changes neither whom the proxy names nor the scheme it adds.
        #[test]
        fn what_a_client_writes_changes_nothing(
            x_for in "[0-9a-f.:, ]{0,40}", x_proto in "(https?,? ?){0,3}", is_https: bool,
        ) {
            let scheme = if is_https { "https" } else { "http" };
            let (peer, asks) = ("10.42.0.7", "192.0.2.1");
            let alone = find(peer, &[asks], &[scheme], CLUSTER);
            let after = find(peer, &[&x_for, asks], &[&x_proto, scheme], CLUSTER);
            prop_assert_eq!(after, alone);
        }
    }
}
