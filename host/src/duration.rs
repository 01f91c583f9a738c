//! Durations as people write them: `10s`, `500ms`, `5m`, `1h`, or a bare number of seconds.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Reads a duration of at least one millisecond and at most a year.
///
/// # Errors
/// For anything that is not a whole number followed by `ms`, `s`, `m`, `h`, `d` or nothing.
pub fn parse(text: &str) -> Result<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds_per_unit: u64 = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => bail!("{text:?} is no duration: write 500ms, 10s, 5m or 1h"),
    };
    let number: u64 = number
        .parse()
        .with_context(|| format!("{text:?} is no duration: write 500ms, 10s, 5m or 1h"))?;
    let milliseconds = number.saturating_mul(milliseconds_per_unit);
    ensure!(
        (1..=365 * 86_400_000).contains(&milliseconds),
        "{text:?} is out of range: from 1ms to 365d"
    );
    Ok(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_bare_seconds() {
        for (text, milliseconds) in
            [("10s", 10_000), ("500ms", 500), ("5m", 300_000), ("7", 7000), (" 1h ", 3_600_000)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in
            ["", "s", "0", "0ms", "-1s", "1.5s", "10 seconds", "366d", "99999999999999999999s"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
