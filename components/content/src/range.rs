//! Which part of a file a request wants (RFC 9110, 14).

/// What to send of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it.
    Whole,
    /// `length` bytes from `start`; at least one, and all inside the file.
    Part {
        /// First byte.
        start: u64,
        /// How many bytes.
        length: u64,
    },
    /// The range has nothing in common with the file.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `size` bytes. What is no single range of bytes is ignored,
/// as the standard allows: the client gets the whole file.
pub fn select_part(range: &str, size: u64) -> Selection {
    let Some((unit, set)) = range.split_once('=') else { return Selection::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return Selection::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Selection::Whole;
    }
    match (parse_number(first), parse_number(last)) {
        (Some(start), Some(end)) if start <= end => part_between(start, end, size),
        (Some(start), None) if last.is_empty() => part_between(start, u64::MAX, size),
        (None, Some(suffix)) if first.is_empty() => {
            let length = suffix.min(size);
            part_between(size - length, u64::MAX, size)
        }
        _ => Selection::Whole,
    }
}

fn part_between(start: u64, end: u64, size: u64) -> Selection {
    if start >= size {
        return Selection::Unsatisfiable;
    }
    Selection::Part { start, length: end.min(size - 1) - start + 1 }
}

/// Digits only: `u64` would also parse a sign.
fn parse_number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are past the end of every file.
    is_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, length: u64) -> Selection {
        Selection::Part { start, length }
    }

    #[test]
    fn single_open_and_suffix_ranges() {
        assert_eq!(select_part("bytes=0-3", 10), part(0, 4));
        assert_eq!(select_part("Bytes = 9-9", 10), part(9, 1));
        assert_eq!(select_part("bytes=4-", 10), part(4, 6));
        assert_eq!(select_part("bytes=4-99999999999999999999", 10), part(4, 6));
        assert_eq!(select_part("bytes=-3", 10), part(7, 3));
        assert_eq!(select_part("bytes=-30", 10), part(0, 10));
    }

    #[test]
    fn ranges_outside_are_unsatisfiable() {
        assert_eq!(select_part("bytes=10-", 10), Selection::Unsatisfiable);
        assert_eq!(select_part("bytes=-0", 10), Selection::Unsatisfiable);
        assert_eq!(select_part("bytes=0-", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn anything_else_is_ignored() {
        let ignored =
            ["bytes=3-1", "bytes=0-1,4-5", "lines=0-1", "bytes", "bytes=", "bytes=-", "bytes=+1-2"];
        for range in ignored {
            assert_eq!(select_part(range, 10), Selection::Whole, "{range}");
        }
    }
}
