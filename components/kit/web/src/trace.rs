//! Traces that outlive a request: what is recorded here is sent to the node above later, by a
//! request of its own, which is to be part of the same trace (W3C Trace Context).
//!
//! Within a request a host passes its trace on by itself, and components do nothing.

use crate::{HeaderMap, header, random_bytes};

/// The header that names a trace.
pub const TRACEPARENT: &str = "traceparent";
/// So many traces are kept: the next takes the place of one.
const SLOTS: u8 = 16;

/// The trace that a request is part of, if it is one that is kept.
pub fn sampled(headers: &HeaderMap) -> Option<&str> {
    // The last field is flags, in hexadecimal: the lowest bit says that the trace is kept.
    header(headers, TRACEPARENT).filter(|trace| {
        let flags =
            trace.rsplit_once('-').and_then(|(_, flags)| u8::from_str_radix(flags, 16).ok());
        flags.is_some_and(|flags| flags & 1 == 1)
    })
}

/// Where to keep a trace, among the others.
pub fn any_slot() -> u8 {
    let [random] = random_bytes::<1>();
    random % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderValue;

    #[test]
    fn only_traces_that_are_kept_count() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(value));
            sampled(&headers).is_some()
        };
        assert!(of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
        assert!(!of("nonsense") && !of("") && sampled(&HeaderMap::new()).is_none());
    }
}
