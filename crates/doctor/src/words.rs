//! Times, sizes and numbers as people say them. Coarse, so that a page that shows them changes
//! rarely.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A length of time.
pub fn span(seconds: impl TryInto<u64>) -> String {
    // What lies in the future, by a clock that was set back, is now.
    let seconds = seconds.try_into().unwrap_or(0);
    match seconds {
        0..MINUTE => "under a minute".to_owned(),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..172_800 => format!("{} h", seconds / HOUR),
        _ => format!("{} days", number(seconds / DAY)),
    }
}

/// How long ago something was.
pub fn ago(seconds: i64) -> String {
    if seconds < MINUTE as i64 { "just now".to_owned() } else { format!("{} ago", span(seconds)) }
}

/// A clock against this node's.
pub fn clock(skew_seconds: f64) -> String {
    let seconds = skew_seconds.abs().round() as u64;
    match (seconds, skew_seconds > 0.0) {
        (0..2, _) => "agrees".to_owned(),
        (2..MINUTE, true) => format!("{seconds} s ahead"),
        (2..MINUTE, false) => format!("{seconds} s behind"),
        (_, true) => format!("{} ahead", span(seconds)),
        (_, false) => format!("{} behind", span(seconds)),
    }
}

/// A size: three digits are enough.
pub fn bytes(bytes: u64) -> String {
    let units = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    let mut size = bytes as f64 / 1e3;
    let mut units = units.into_iter();
    let mut unit = units.next().unwrap_or_default();
    while size >= 999.5
        && let Some(larger) = units.next()
    {
        (size, unit) = (size / 1e3, larger);
    }
    let digits = if size < 9.95 { 1 } else { 0 };
    format!("{size:.digits$} {unit}")
}

/// A number with its thousands apart.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_coarsely() {
        let told = [0, 59, 60, 3_599, 3_600, 172_799, 172_800, 8_640_000].map(span);
        let words = [
            "under a minute",
            "under a minute",
            "1 min",
            "59 min",
            "1 h",
            "47 h",
            "2 days",
            "100 days",
        ];
        assert_eq!(told, words);
        assert_eq!([-5, 59, 60].map(ago), ["just now", "just now", "1 min ago"]);
    }

    #[test]
    fn clocks_are_ahead_or_behind() {
        let told = [0.0, -1.4, 5.0, -59.0, 172_800.0, -3_600.0].map(clock);
        assert_eq!(
            told,
            ["agrees", "agrees", "5 s ahead", "59 s behind", "2 days ahead", "1 h behind"]
        );
    }

    #[test]
    fn sizes_and_numbers_are_readable() {
        let told = [0, 999, 1_000, 9_960, 999_600, 1_500_000_000, u64::MAX].map(bytes);
        assert_eq!(
            told,
            ["0 bytes", "999 bytes", "1.0 KB", "10 KB", "1.0 MB", "1.5 GB", "18447 PB"]
        );
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
