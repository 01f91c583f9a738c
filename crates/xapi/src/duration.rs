//! Lengths of time, as statements write them (4.6): `PnYnMnDTnHnMnS` or `PnW` (ISO 8601:2004,
//! 4.4.3.2).

/// Says whether a text is a duration. Only its last component may have a fraction.
pub fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return is_number(weeks, true);
    }
    match rest.split_once('T') {
        Some((date, time)) => {
            (date.is_empty() || has_components(date, "YMD", false))
                && has_components(time, "HMS", true)
        }
        None => has_components(rest, "YMD", true),
    }
}

/// Says whether a text is one or more numbers with a designator each, in the order of
/// `designators`.
fn has_components(text: &str, designators: &str, may_end_in_fraction: bool) -> bool {
    let mut later = designators.chars();
    let mut rest = text;
    while let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let (number, tail) = rest.split_at(end);
        let mut tail = tail.chars();
        let known = tail.next().is_some_and(|designator| later.any(|next| next == designator));
        rest = tail.as_str();
        if !known || !is_number(number, may_end_in_fraction && rest.is_empty()) {
            return false;
        }
    }
    !text.is_empty() && rest.is_empty()
}

/// Digits, and perhaps a fraction after a point or a comma.
fn is_number(text: &str, may_have_fraction: bool) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => may_have_fraction && digits(whole) && digits(fraction),
        None => digits(text),
    }
}

/// A duration as it is compared: nothing beyond hundredths of a second counts (4.6). What is equal
/// in other units is another duration (2.3.1).
pub fn comparable_duration(text: &str) -> String {
    let seconds = text.strip_suffix('S').and_then(|rest| rest.split_once(['.', ',']));
    let Some((whole, fraction)) = seconds else { return text.to_owned() };
    let kept: String = fraction.chars().take(2).collect();
    match kept.trim_end_matches('0') {
        "" => format!("{whole}S"),
        kept => format!("{whole}.{kept}S"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_the_standard_are_durations() {
        for text in [
            "P4W",
            "P0.5W",
            "P1Y",
            "P1M",
            "P1D",
            "P1.5D",
            "PT1H",
            "PT1M",
            "PT1S",
            "PT0S",
            "P1YT1S",
            "PT1,5M",
            "P3Y6M4DT12H30M5.125S",
            "PT36000S",
            "P0D",
        ] {
            assert!(is_duration(text), "{text}");
        }
    }

    #[test]
    fn other_forms_are_not() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1D",
            "P1",
            "PT1",
            "P1H",
            "PT1D",
            "PT1W",
            "P4W1D",
            "P1D4W",
            "P1D1Y",
            "P1Y1Y",
            "PT1S1H",
            "P1.5DT1H",
            "PT1.5H3M",
            "P.5D",
            "P1.D",
            "P1.2.3D",
            "-P1D",
            "+P1D",
            "P-1D",
            "p1d",
            "pt1s",
            "PT1s",
            " P1D",
            "P1D ",
            "P1DT1S1",
            "P0001-02-03T04:05:06",
            "PT1T1S",
            "PTT1S",
            "P٣D",
            "PW",
        ] {
            assert!(!is_duration(text), "{text}");
        }
    }

    #[test]
    fn hundredths_of_a_second_are_compared() {
        let same = |one: &str, other: &str| comparable_duration(one) == comparable_duration(other);
        assert!(same("PT1.234S", "PT1.239S"));
        assert!(same("PT1.20S", "PT1.2S") && same("PT1,5S", "PT1.5S") && same("PT1.001S", "PT1S"));
        assert!(!same("PT1.23S", "PT1.24S") && !same("PT60S", "PT1M") && !same("PT1S", "PT11S"));
        assert!(!same("PT0.123H", "PT0.124H"));
    }

    proptest! {
        #[test]
        fn whole_components_in_order_are_a_duration(
            date in prop::array::uniform3(prop::option::of(0u64..)),
            time in prop::array::uniform3(prop::option::of(0u64..)),
        ) {
            let write = |parts: [Option<u64>; 3], designators: [char; 3]| -> String {
                let parts = parts.iter().zip(designators);
                parts.filter_map(|(part, d)| part.map(|n| format!("{n}{d}"))).collect()
            };
            let (date, time) = (write(date, ['Y', 'M', 'D']), write(time, ['H', 'M', 'S']));
            let some = !date.is_empty() || !time.is_empty();
            let time = if time.is_empty() { time } else { format!("T{time}") };
            prop_assert_eq!(is_duration(&format!("P{date}{time}")), some);
        }

        #[test]
        fn no_text_is_trouble(text in "P?\\PC{0,30}") {
            let _ = is_duration(&text);
            let once = comparable_duration(&text);
            prop_assert_eq!(comparable_duration(&once), once);
        }
    }
}
