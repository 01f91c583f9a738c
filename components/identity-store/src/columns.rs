//! Lists of columns: each is written down once, and every statement is made from it.

/// As many parameters as these columns and `more` beside them need.
pub fn placeholders(columns: &str, more: usize) -> String {
    vec!["?"; columns.split(',').count() + more].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_parameter_for_each() {
        assert_eq!(placeholders("a", 0), "?");
        assert_eq!(placeholders("a, b", 1), "?, ?, ?");
    }
}
