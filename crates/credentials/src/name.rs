//! What people, clients and nodes may be called: one rule wherever a name is taken in.

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest label, in characters.
pub const LABEL_CHARACTERS_MAX: usize = 200;

/// Whether this is a name by which somebody or something can be known: 1 to [`NAME_BYTES_MAX`] of
/// `a-z 0-9 . _ -`.
pub fn is_name(text: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(is_legal)
}

/// Whether pages and lists may show this: 1 to [`LABEL_CHARACTERS_MAX`] characters beside white
/// space around them, and none that a terminal would take for a command.
pub fn is_label(text: &str) -> bool {
    let has_length = (1..=LABEL_CHARACTERS_MAX).contains(&text.trim().chars().count());
    has_length && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_short_lower_case_and_plain() {
        for name in ["a", "ada", "a.b_c-1", "-", &"x".repeat(NAME_BYTES_MAX)] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "Ada", "a b", "a:b", "ä", "a/b", "a\n", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn labels_are_of_any_script_and_command_no_terminal() {
        for label in ["A", "Aoife Ní Bhriain", "小明", &"é".repeat(LABEL_CHARACTERS_MAX), " a "]
        {
            assert!(is_label(label), "{label}");
        }
        let long = "é".repeat(LABEL_CHARACTERS_MAX + 1);
        for text in ["", "  ", "a\nb", "a\u{1b}[2J", "a\u{9b}b", &long] {
            assert!(!is_label(text), "{text:?}");
        }
    }

    proptest! {
        /// What holds of names elsewhere (addresses of pages, agents of clients with their colon,
        /// lists with commas) holds of each.
        #[test]
        fn a_name_needs_no_escape_anywhere(text in ".{0,80}") {
            if is_name(&text) {
                prop_assert!(is_label(&text));
                prop_assert!(!text.contains([':', ',', '/', '%', '"', ' ', '*']));
                prop_assert_eq!(text.trim().to_ascii_lowercase(), text);
            }
        }
    }
}
