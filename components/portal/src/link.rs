//! Addresses of pages.

/// Longest readable part of an address, in characters.
const SLUG_CHARACTERS_MAX: usize = 60;

/// The address of a course's page: readable, and found by the key at its end, so that it holds
/// when the title changes.
pub fn course_address(title: &str, key: &str) -> String {
    let slug = make_slug(title);
    if slug.is_empty() { format!("/courses/{key}") } else { format!("/courses/{slug}-{key}") }
}

/// The key at the end of an address's last segment.
pub fn course_key(segment: &str) -> &str {
    segment.rsplit('-').next().unwrap_or(segment)
}

/// ASCII letters and digits; everything between them becomes one hyphen.
fn make_slug(title: &str) -> String {
    let mut slug = String::new();
    for character in title.to_lowercase().chars().take(SLUG_CHARACTERS_MAX) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_address_is_readable_and_leads_back_to_the_key() {
        let address = course_address("What is a “hedge school”?", "0123abcd");
        assert_eq!(address, "/courses/what-is-a-hedge-school-0123abcd");
        assert_eq!(course_key(address.trim_start_matches("/courses/")), "0123abcd");
        assert_eq!(course_address("日本", "k"), "/courses/k");
        assert_eq!(course_key("k"), "k");
    }
}
