//! JSON with line breaks and indentation, and otherwise untouched: names stay in their order,
//! numbers and escapes as they were written.

/// What one level moves to the right.
const INDENT: &str = "  ";

/// Lays out valid JSON.
pub fn lay_out(json: &str) -> String {
    let mut printed = String::with_capacity(json.len() * 2);
    let mut characters = json.chars().peekable();
    let mut depth = 0;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                printed.push('"');
                copy_string(&mut characters, &mut printed);
            }
            '{' | '[' => {
                printed.push(character);
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    printed.push(end);
                } else {
                    depth += 1;
                    break_line(&mut printed, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut printed, depth);
                printed.push(character);
            }
            ',' => {
                printed.push(',');
                break_line(&mut printed, depth);
            }
            ':' => printed.push_str(": "),
            other if other.is_ascii_whitespace() => {}
            other => printed.push(other),
        }
    }
    printed
}

/// The rest of a string, whose first quote is written.
fn copy_string(characters: &mut impl Iterator<Item = char>, printed: &mut String) {
    while let Some(character) = characters.next() {
        printed.push(character);
        match character {
            '"' => return,
            '\\' => printed.extend(characters.next()),
            _ => {}
        }
    }
}

fn break_line(printed: &mut String, depth: usize) {
    printed.push('\n');
    (0..depth).for_each(|_| printed.push_str(INDENT));
}

#[cfg(test)]
mod tests {
    use super::lay_out;

    #[test]
    fn structure_becomes_visible_and_nothing_else_changes() {
        let json = r#"{"b":1.50, "a" : [ 1,{ } ,[]],"s":"{\"x\\\",[]}","e":"\\"}"#;
        let expected = r#"{
  "b": 1.50,
  "a": [
    1,
    {},
    []
  ],
  "s": "{\"x\\\",[]}",
  "e": "\\"
}"#;
        assert_eq!(lay_out(json), expected);
    }
}
