//! JSON that a store keeps for this component, and that nothing depends on for good: it is told or
//! learnt again.

use serde::de::DeserializeOwned;

/// Reads it. What cannot be read is told to the log, and begins anew: the next write takes its
/// place.
pub fn read_or_begin<T: DeserializeOwned + Default>(what: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| {
        eprintln!("what is kept of {what} cannot be read, and begins anew: {error}");
        T::default()
    })
}

#[cfg(test)]
mod tests {
    use super::read_or_begin;

    #[test]
    fn what_cannot_be_read_begins_anew() {
        assert_eq!(read_or_begin::<Vec<u8>>("a test", "[1]"), [1]);
        assert_eq!(read_or_begin::<Vec<u8>>("a test", "{"), [0; 0]);
    }
}
