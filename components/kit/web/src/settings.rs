//! The component's variables, as the manifest grants them.

use std::time::Duration;

use spin_sdk::variables;

use crate::Problem;

/// The text of a variable; empty when it is not set.
///
/// # Errors
/// 500 if the host does not give the variable.
pub async fn text(name: &str) -> Result<String, Problem> {
    match variables::get(name).await {
        Ok(value) => Ok(value.trim().to_owned()),
        Err(variables::Error::Undefined(_)) => Ok(String::new()),
        Err(error) => Err(Problem::internal(format!("variable {name}: {error}"))),
    }
}

/// Whether a variable says `true`, `yes`, `on` or `1`.
///
/// # Errors
/// 500 if the host does not give the variable.
pub async fn is_on(name: &str) -> Result<bool, Problem> {
    let value = text(name).await?.to_ascii_lowercase();
    Ok(matches!(value.as_str(), "true" | "yes" | "on" | "1"))
}

/// A duration such as `500ms`, `10s`, `5m` or `1h`; a bare number is seconds.
///
/// # Errors
/// 500 if the host does not give the variable, or it is no duration.
pub async fn duration(name: &str) -> Result<Duration, Problem> {
    let value = text(name).await?;
    parse_duration(&value)
        .ok_or_else(|| Problem::internal(format!("variable {name}: {value:?} is no duration")))
}

/// A size such as `500MB` or `20GB` (powers of 1,000; `MiB` and `GiB` are powers of 1,024); a bare
/// number is bytes. None: the variable is empty.
///
/// # Errors
/// 500 if the host does not give the variable, or it is no size.
pub async fn bytes(name: &str) -> Result<Option<u64>, Problem> {
    let value = text(name).await?;
    if value.is_empty() {
        return Ok(None);
    }
    let size = parse_bytes(&value).map(Some);
    size.ok_or_else(|| Problem::internal(format!("variable {name}: {value:?} is no size")))
}

fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit: u64 = match text.get(digits.len()..)?.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
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
    fn sizes_have_units() {
        assert_eq!(parse_bytes("20GB"), Some(20_000_000_000));
        assert_eq!(parse_bytes("3 MiB"), Some(3 << 20));
        assert_eq!(parse_bytes("7"), Some(7));
        for wrong in ["much", "1.5GB", "-1", "20 G B", "99999999999TB"] {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("300s"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse_duration("2h"), Some(Duration::from_secs(7_200)));
        assert!(parse_duration("soon").is_none() && parse_duration("").is_none());
    }
}
