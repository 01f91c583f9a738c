//! Moments, as statements write them (4.5).

use jiff::Timestamp;

/// Microseconds since 1970 of an RFC 3339 date and time. None: another form, no zone, or `-00:00`.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    if !has_form(text.as_bytes()) {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

/// A moment as RFC 3339 in UTC, in milliseconds unless it needs finer: `2026-11-22T08:00:00.000Z`.
pub fn format_timestamp(unix_us: i64) -> String {
    let digits = if unix_us % 1_000 == 0 { 3 } else { 6 };
    match Timestamp::from_microsecond(unix_us) {
        Ok(moment) => format!("{moment:.digits$}"),
        // Beyond the years that can be written; such a clock is no help to anyone.
        Err(_) => "1970-01-01T00:00:00.000Z".to_owned(),
    }
}

/// A moment as HTTP writes it (RFC 9110, 5.6.7), in whole seconds:
/// `Sat, 22 Nov 2026 08:00:00 GMT`.
pub fn format_http_date(unix_us: i64) -> Option<String> {
    let moment = Timestamp::from_microsecond(unix_us).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).ok()
}

/// `YYYY-MM-DDTHH:MM:SS`, an optional fraction, and a zone. The parser is more lenient than the
/// standard.
fn has_form(text: &[u8]) -> bool {
    const FORM: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    let Some((start, rest)) = text.split_first_chunk::<19>() else { return false };
    let fits = |(&want, &is): (&u8, &u8)| match want {
        b'd' => is.is_ascii_digit(),
        b'T' => is == b'T' || is == b't',
        other => is == other,
    };
    FORM.iter().zip(start).all(fits) && is_zone(skip_fraction(rest))
}

/// Says of a moment that can be read whether RFC 3339 writes it so: `Z`, or a zone as `+hh:mm`.
pub fn is_rfc_3339(text: &str) -> bool {
    text.ends_with(['Z', 'z']) || text.as_bytes().iter().rev().nth(2) == Some(&b':')
}

fn skip_fraction(rest: &[u8]) -> &[u8] {
    let Some(digits) = rest.strip_prefix(b".") else { return rest };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 { rest } else { digits.get(count..).unwrap_or_default() }
}

/// `Z`, `+hh:mm`, `+hhmm` or `+hh`. `-00:00` says that the zone is unknown, and ISO 8601 knows no
/// such zone.
fn is_zone(zone: &[u8]) -> bool {
    let (hours, minutes) = match zone {
        b"Z" | b"z" => return true,
        b"-00:00" | b"-0000" | b"-00" => return false,
        [b'+' | b'-', h1, h2] => ([*h1, *h2], [b'0', b'0']),
        [b'+' | b'-', h1, h2, m1, m2] | [b'+' | b'-', h1, h2, b':', m1, m2] => {
            ([*h1, *h2], [*m1, *m2])
        }
        _ => return false,
    };
    let is_digits = |pair: [u8; 2]| pair.iter().all(u8::is_ascii_digit);
    is_digits(hours) && is_digits(minutes) && hours < *b"24" && minutes < *b"60"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_the_standard_are_read() {
        let second = Some(1_763_712_000_000_000);
        assert_eq!(parse_timestamp("2025-11-21T08:00:00Z"), second);
        assert_eq!(parse_timestamp("2025-11-21T08:00:00.000Z"), second);
        assert_eq!(parse_timestamp("2025-11-21T09:00:00+01:00"), second);
        assert_eq!(parse_timestamp("2025-11-21T09:00:00+0100"), second);
        assert_eq!(
            parse_timestamp("2025-11-21T08:00:00.123456789Z").map(|t| t % 1_000_000),
            Some(123_456)
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "2025-11-21",
            "2025-11-21T08:00:00",
            "2025-11-21T08:00:00-00:00",
            "2025-13-21T08:00:00Z",
            "2025-11-21 08:00:00Z",
            "20251121T080000Z",
            "now",
            "",
            "2025-11-21T08:00:00.Z",
            "2025-11-21T08:00:00Z[UTC]",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unix_us in 0i64..253_402_300_799_000_000) {
            prop_assert_eq!(parse_timestamp(&format_timestamp(unix_us)), Some(unix_us));
        }

        #[test]
        fn no_text_is_trouble(text in "\\PC{0,40}") {
            let _ = parse_timestamp(&text);
        }
    }
}
