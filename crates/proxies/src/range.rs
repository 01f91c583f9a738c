use std::net::IpAddr;

/// Most ranges of addresses that can be named.
pub const RANGES_MAX: usize = 64;

/// The proxies whose word counts, as the variable `trusted_proxies` names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Range>);

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    /// The first of them.
    network: IpAddr,
    /// How many bits are the same.
    prefix_bits: u32,
}

/// A text that names no proxies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// One of them is neither an address nor a range of some.
    #[error(
        "{0:?} is no range of addresses: write the first one and how many of its bits are those \
         of all, as in 10.42.0.0/16, or an address alone"
    )]
    Range(String),
    /// They are more than [`RANGES_MAX`].
    #[error("there may be {RANGES_MAX} ranges of addresses at most")]
    TooMany,
}

impl TrustedProxies {
    /// Reads ranges of addresses, separated by commas: `10.42.0.0/16, ::1`. Of none, nobody is
    /// trusted.
    ///
    /// # Errors
    /// [`BadRange`], if one of them is not legible, or they are too many.
    pub fn parse(text: &str) -> Result<Self, BadRange> {
        let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        let mut ranges = Vec::new();
        for text in texts {
            if ranges.len() == RANGES_MAX {
                return Err(BadRange::TooMany);
            }
            let range = Range::parse(text);
            ranges.push(range.ok_or_else(|| BadRange::Range(text.to_owned()))?);
        }
        Ok(Self(ranges))
    }

    /// Whether this is the address of one of them. An IPv4 address in an IPv6 one is the former.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().ok()?;
        let most = address_bits(network);
        let prefix_bits = match bits {
            // A sign would be read, too.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (prefix_bits <= most).then_some(Self { network, prefix_bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_of_family = address.is_ipv4() == self.network.is_ipv4();
        let rest = address_bits(self.network) - self.prefix_bits;
        // All bits are the rest: everybody of the family.
        let prefix = |address| to_number(address).checked_shr(rest).unwrap_or(0);
        is_of_family && prefix(address) == prefix(self.network)
    }
}

fn address_bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn contains(ranges: &str, address: &str) -> bool {
        TrustedProxies::parse(ranges).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_has_the_addresses_that_begin_like_it() {
        assert!(contains("10.42.0.0/16", "10.42.255.1") && !contains("10.42.0.0/16", "10.43.0.0"));
        assert!(contains("10.42.9.9/16", "10.42.0.1"), "whichever of them is named");
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("fd00::/8", "fd12::1") && !contains("fd00::/8", "fe80::1"));
        assert!(contains("127.0.0.1, ::1", "::1") && contains("127.0.0.1, ::1", "127.0.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"), "an IPv4 address in an IPv6 one");
        assert!(contains("0.0.0.0/0", "192.0.2.1") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "192.0.2.1"));
    }

    #[test]
    fn nobody_is_trusted_who_is_not_named() {
        for text in ["", " ", ",", " , "] {
            assert_eq!(TrustedProxies::parse(text).unwrap(), TrustedProxies::default());
            assert!(!contains(text, "127.0.0.1"));
        }
    }

    #[test]
    fn what_is_no_range_is_named() {
        for text in ["a", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "*"] {
            let error = TrustedProxies::parse(&format!("127.0.0.1, {text}")).unwrap_err();
            assert_eq!(error, BadRange::Range(text.to_owned()));
            assert!(error.to_string().contains(text), "{error}");
        }
        let many = |count: usize| TrustedProxies::parse(&"::1,".repeat(count));
        assert!(many(RANGES_MAX).is_ok());
        assert_eq!(many(RANGES_MAX + 1).unwrap_err(), BadRange::TooMany);
    }

    proptest! {
        #[test]
        fn a_range_has_who_agrees_in_its_bits(network: u32, other: u32, bits in 0u32..=32) {
            let text = format!("{}/{bits}", Ipv4Addr::from(network));
            let agrees = (network ^ other).leading_zeros() >= bits;
            prop_assert_eq!(contains(&text, &Ipv4Addr::from(other).to_string()), agrees);
            prop_assert!(contains(&text, &Ipv4Addr::from(network).to_string()));
        }

        #[test]
        fn one_of_long_addresses_too(network: u128, other: u128, bits in 0u32..=128) {
            let (network, other) = (Ipv6Addr::from(network), Ipv6Addr::from(other));
            // Those are of the other family.
            prop_assume!([network, other].iter().all(|it| it.to_ipv4_mapped().is_none()));
            let agrees = (u128::from(network) ^ u128::from(other)).leading_zeros() >= bits;
            prop_assert_eq!(contains(&format!("{network}/{bits}"), &other.to_string()), agrees);
        }

        #[test]
        fn no_text_is_trouble(text in ".{0,60}") {
            let _ = TrustedProxies::parse(&text);
        }
    }
}
