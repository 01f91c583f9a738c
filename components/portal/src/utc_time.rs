//! Times as pages show them.

use hedgeschool_xapi::parse_timestamp;
use jiff::Timestamp;

/// A time in UTC, for machines and for people. Both are empty where no calendar has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UtcTime {
    /// RFC 3339.
    pub iso: String,
    /// `22 Nov 2026, 22:04`
    pub text: String,
}

impl UtcTime {
    /// A time in milliseconds since 1970, to the minute.
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        match Timestamp::from_millisecond(unix_ms) {
            Ok(time) => {
                Self { iso: time.to_string(), text: time.strftime("%-d %b %Y, %H:%M").to_string() }
            }
            Err(_) => Self::default(),
        }
    }

    /// A time as a statement has it, to the second. One that cannot be read stays as it is.
    pub fn from_statement(timestamp: &str) -> Self {
        let time = parse_timestamp(timestamp).and_then(|us| Timestamp::from_microsecond(us).ok());
        let text = time.map(|time| time.strftime("%-d %b %Y, %H:%M:%S").to_string());
        Self { iso: timestamp.to_owned(), text: text.unwrap_or_else(|| timestamp.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_machines_and_people() {
        let time = UtcTime::from_unix_ms(1_795_385_045_678);
        assert_eq!(time.iso, "2026-11-22T22:04:05.678Z");
        assert_eq!(time.text, "22 Nov 2026, 22:04");
        assert_eq!(UtcTime::from_unix_ms(i64::MAX), UtcTime::default());
    }

    #[test]
    fn times_of_statements_are_shown_in_utc() {
        let time = UtcTime::from_statement("2026-11-22T23:04:05.678+01:00");
        assert_eq!(time.iso, "2026-11-22T23:04:05.678+01:00");
        assert_eq!(time.text, "22 Nov 2026, 22:04:05");
        assert_eq!(UtcTime::from_statement("soon").text, "soon");
    }
}
