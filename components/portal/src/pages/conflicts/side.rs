//! Two texts, and where they differ.

/// Characters of a text that are shown.
pub const TEXT_CHARACTERS_MAX: usize = 400;
/// Characters of what is the same that are shown on either side of what is not.
pub const AROUND_CHARACTERS: usize = 40;

/// What one of two versions says, and what in it the other does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// What both begin with.
    pub before: String,
    /// What differs.
    pub marked: String,
    /// What both end with.
    pub after: String,
    /// A difference that does not show in the text.
    is_other: bool,
}

impl Side {
    /// Two texts; `is_other` tells that what they stand for differs, even if they do not.
    pub fn compare(one: &str, other: &str, is_other: bool) -> [Self; 2] {
        let before = common_start(one, other);
        let rest = |text: &str| text.get(before..).unwrap_or_default().to_owned();
        let after = common_end(&rest(one), &rest(other));
        [one, other].map(|text| Self { is_other, ..split_text(text, before, after) })
    }

    /// A text of which all is marked.
    pub fn all_marked(text: &str) -> Self {
        Self { marked: text.to_owned(), ..Self::default() }
    }

    /// Whether this is not what the other version says.
    pub fn differs(&self, other: &Self) -> bool {
        self.is_other || *self != *other
    }
}

/// How many bytes two texts have in common at their beginnings: whole words.
fn common_start(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    let length = same.map(|(character, _)| character.len_utf8()).sum();
    let goes_on = |text: &&str| {
        text.get(length..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
    };
    let begin = one.get(..length).unwrap_or_default();
    let is_within_word = [one, other].iter().any(goes_on);
    if is_within_word { begin.trim_end_matches(char::is_alphanumeric).len() } else { length }
}

/// The same at their ends.
fn common_end(one: &str, other: &str) -> usize {
    let same = one.chars().rev().zip(other.chars().rev()).take_while(|(one, other)| one == other);
    let length: usize = same.map(|(character, _)| character.len_utf8()).sum();
    let begin = |text: &str| text.len().saturating_sub(length);
    let began = |text: &&str| {
        text.get(..begin(text)).is_some_and(|rest| rest.ends_with(char::is_alphanumeric))
    };
    let end = one.get(begin(one)..).unwrap_or_default();
    let is_within_word = [one, other].iter().any(began);
    if is_within_word { end.trim_start_matches(char::is_alphanumeric).len() } else { length }
}

/// A text in three parts, each as far as it is shown.
fn split_text(text: &str, before: usize, after: usize) -> Side {
    if before == text.len() {
        return Side { before: first_characters(text, TEXT_CHARACTERS_MAX), ..Side::default() };
    }
    let end = text.len().saturating_sub(after);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    Side {
        before: last_characters(part(0..before), AROUND_CHARACTERS),
        marked: first_characters(part(before..end), TEXT_CHARACTERS_MAX),
        after: first_characters(part(end..text.len()), AROUND_CHARACTERS),
        is_other: false,
    }
}

fn first_characters(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn last_characters(text: &str, characters: usize) -> String {
    match text.char_indices().rev().nth(characters) {
        Some((start, character)) => {
            format!("…{}", text.get(start + character.len_utf8()..).unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Side;

    fn marked(one: &str, other: &str) -> [String; 2] {
        Side::compare(one, other, one != other)
            .map(|side| format!("{}[{}]{}", side.before, side.marked, side.after))
    }

    #[test]
    fn whole_words_are_marked() {
        assert_eq!(marked("centre", "another node"), ["[centre]", "[another node]"]);
        assert_eq!(marked("A hedge school", "A school"), ["A [hedge ]school", "A []school"]);
        assert_eq!(marked("Ada", "Ada of Mayo"), ["Ada[]", "Ada[ of Mayo]"]);
        assert_eq!(marked("08:15:00", "08:17:00"), ["08:[15]:00", "08:[17]:00"]);
        assert_eq!(marked("mañana", "mañanas"), ["[mañana]", "[mañanas]"]);
        assert_eq!(marked("", "x"), ["[]", "[x]"]);
        assert_eq!(marked("a a", "a a a"), ["a a[]", "a a[ a]"]);
    }
}
