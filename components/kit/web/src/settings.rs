//! The component's variables, as the manifest grants them.

use std::time::Duration;

use spin_sdk::variables;

use crate::Problem;

/// The text of a variable; empty when it is not set.
pub async fn text(name: &str) -> Result<String, Problem> {
    match variables::get(name).await {
        Ok(value) => Ok(value.trim().to_owned()),
        Err(variables::Error::Undefined(_)) => Ok(String::new()),
        Err(error) => Err(Problem::internal(format!("variable {name}: {error}"))),
    }
}

/// Whether a variable says `true`, `yes`, `on` or `1`.
pub async fn is_on(name: &str) -> Result<bool, Problem> {
    let value = text(name).await?.to_ascii_lowercase();
    Ok(matches!(value.as_str(), "true" | "yes" | "on" | "1"))
}

/// A duration such as `500ms`, `10s`, `5m` or `1h`; a bare number is seconds.
pub async fn duration(name: &str) -> Result<Duration, Problem> {
    let value = text(name).await?;
    parse_duration(&value)
        .ok_or_else(|| Problem::internal(format!("variable {name}: {value:?} is no duration")))
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match text.get(digits.len()..)? {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(unit_ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("300s"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse_duration("2h"), Some(Duration::from_secs(7_200)));
        assert!(parse_duration("soon").is_none() && parse_duration("").is_none());
    }
}
