//! The pages: of each its handler, its view model and its template, in a file or folder of its own.
//!
//! What several of them share is outside: what is around a page in [`crate::layout`], how far a
//! learner is in [`crate::attainment`], which version of a course a learner takes in
//! [`crate::versions`].

pub mod conflicts;
pub mod course;
pub mod courses;
pub mod excuse;
pub mod import;
pub mod node;
pub mod player;
pub mod progress;
pub mod returned;
pub mod sign_in;
pub mod statements;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Names and texts of the templates.
    fn templates() -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
    }

    #[test]
    fn every_page_has_one_title_on_it_and_no_rank_of_headings_is_left_out() {
        for (name, text) in templates() {
            let is_page = text.starts_with("{% extends \"layout.html\" %}");
            assert_eq!(text.matches("<h1").count(), usize::from(is_page), "{name}");
            let ranks: Vec<_> =
                (1..=6).filter(|rank| text.contains(&format!("<h{rank}"))).collect();
            let is_whole = ranks.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            assert!(is_whole, "{name}: {ranks:?}");
        }
    }

    #[test]
    fn every_field_has_a_label() {
        for (name, text) in templates() {
            for tag in ["<input", "<select"] {
                for (at, _) in text.match_indices(tag) {
                    let field = text[at..].split_once('>').unwrap().0;
                    let before = &text[..at];
                    let is_within =
                        before.matches("<label").count() > before.matches("</label").count();
                    let id =
                        field.split_once("id=\"").map(|(_, rest)| rest.split_once('"').unwrap().0);
                    let has_own =
                        id.is_some_and(|id| text.contains(&format!("<label for=\"{id}\"")));
                    let is_hidden = field.contains("type=\"hidden\"");
                    assert!(is_hidden || is_within || has_own, "{name}: {field}");
                }
            }
        }
    }

    #[test]
    fn every_button_says_something() {
        for (name, text) in templates() {
            for (at, _) in text.match_indices("<button") {
                let button = text[at..].split_once("</button>").unwrap().0;
                let words = button.rsplit_once('>').unwrap().1.trim();
                assert!(!words.is_empty() || button.contains("{{"), "{name}: {button}");
            }
        }
    }
}
