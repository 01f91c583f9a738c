//! Rules for tests that cannot wait for days.

use std::time::Duration;

use anyhow::{Context, Result};

/// What comes before a duration in a file of rules.
const BEFORE: [&str; 3] = ["for: ", "offset ", "["];
const UNITS: [(&str, u64); 7] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 7 * 86_400_000),
    ("y", 365 * 86_400_000),
];

/// Files of rules with each duration divided: what they wait for, and how far they look back. None
/// becomes less than `least`, in which there have to be some samples. Groups are judged as often as
/// Prometheus judges by default. Thresholds stay: an hour of silence is an hour.
///
/// # Errors
/// When there is a duration that is none.
pub fn shortened(rules: &str, factor: u32, least: Duration) -> Result<String> {
    let mut text = String::new();
    for line in rules.lines().filter(|line| !line.trim_start().starts_with("interval: ")) {
        text += &shortened_line(line, factor, least)?;
        text.push('\n');
    }
    Ok(text)
}

fn shortened_line(line: &str, factor: u32, least: Duration) -> Result<String> {
    let is_comment = line.trim_start().starts_with('#');
    let next = BEFORE.iter().filter_map(|mark| Some(line.find(mark)? + mark.len())).min();
    let Some((before, rest)) =
        next.filter(|_| !is_comment).and_then(|at| line.split_at_checked(at))
    else {
        return Ok(line.to_owned());
    };
    let length = rest.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (duration, after) = rest.split_at(length);
    let millis = millis(duration).with_context(|| line.to_owned())? / u128::from(factor);
    let millis = millis.max(least.as_millis());
    Ok(format!("{before}{millis}ms{}", shortened_line(after, factor, least)?))
}

/// The milliseconds of a duration such as `1h30m`.
fn millis(mut text: &str) -> Result<u128> {
    let mut sum = 0;
    while !text.is_empty() {
        let digits = text.find(|it: char| !it.is_ascii_digit()).context("no unit")?;
        let (number, rest) = text.split_at(digits);
        let length = rest.find(|it: char| it.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(length);
        let unit = UNITS.iter().find(|(name, _)| *name == unit).context("no such unit")?;
        sum += number.parse::<u128>()? * u128::from(unit.1);
        text = rest;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(text: &str) -> String {
        shortened(text, 3600, Duration::from_secs(4)).unwrap()
    }

    #[test]
    fn what_rules_wait_for_and_look_back_on_is_divided() {
        assert_eq!(short("  for: 12h"), "  for: 12000ms\n");
        let both = "max_over_time(a[1d]) > 3600 and b[6h] offset 2d1h";
        let wanted = "max_over_time(a[24000ms]) > 3600 and b[6000ms] offset 49000ms\n";
        assert_eq!(short(both), wanted);
    }

    #[test]
    fn nothing_becomes_too_short_and_nothing_else_is_touched() {
        assert_eq!(short("rate(a[5m])"), "rate(a[4000ms])\n");
        assert_eq!(short("interval: 1m"), "");
        for line in ["# of [1h] and for: 2d", "labels: {window: 1h}", "a > 2 * 86400"] {
            assert_eq!(short(line), format!("{line}\n"));
        }
        let one = Duration::from_secs(1);
        assert!(shortened("for: soon", 2, one).is_err());
        assert!(shortened("a[5]", 2, one).is_err());
    }
}
