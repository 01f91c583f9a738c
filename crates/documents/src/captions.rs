//! Captions: texts beside a film that have its name, and perhaps a language (`film.en.vtt`).

use hedgeschool_package::{Folder, Player, address};
use serde::Serialize;

use crate::kind::Kind;
use crate::path::folder_of;

/// What a film's player is told at its launch.
#[derive(Serialize)]
struct Parameters {
    captions: Vec<Captions>,
}

#[derive(Serialize)]
struct Captions {
    /// Address from the film on.
    src: String,
    /// As the file's name has it; empty if it has none.
    language: String,
}

/// What the player of a file is told; empty if that is nothing.
pub fn player_parameters(folder: &Folder<'_>, path: &str) -> String {
    if !matches!(Kind::of_path(path).player(), Some(Player::Video | Player::Audio)) {
        return String::new();
    }
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let one = |other: &&str| {
        let rest = other.strip_prefix(stem).filter(|_| Kind::of_path(other) == Kind::Captions)?;
        let (language, _) = rest.rsplit_once('.')?;
        let is_named = language.is_empty() || language.starts_with('.');
        let src = other.get(folder_of(path).len()..)?.trim_start_matches('/');
        let language = language.trim_start_matches('.').to_owned();
        is_named.then(|| Captions { src: address::of_file(src), language })
    };
    let captions: Vec<_> = folder.paths().iter().filter_map(one).collect();
    if captions.is_empty() {
        return String::new();
    }
    serde_json::to_string(&Parameters { captions }).unwrap_or_default()
}
