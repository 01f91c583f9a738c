//! The few files the pages need, built into the component.

use hedgeschool_web::{Problem, Reply, Request};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// An upgrade shows after five minutes at the latest.
const CACHING: &str = "public, max-age=300";

/// A file below `/static/`.
///
/// # Errors
/// 404 if there is none of this name.
pub fn answer_asset(request: &Request, name: &str) -> Result<Reply, Problem> {
    let missing = || Problem::not_found("The portal has no file of this name.");
    asset(name).ok_or_else(missing)?.reply(request, CACHING)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    const STYLE: &str = include_str!("../static/portal.css");
    /// Of text (WCAG 2.2, 1.4.3).
    const TEXT_CONTRAST_MIN: f64 = 4.5;
    /// Of what is around a field (WCAG 2.2, 1.4.11).
    const EDGE_CONTRAST_MIN: f64 = 3.0;
    /// Texts, and what is behind them.
    const TEXTS: [(&str, &str); 20] = [
        ("ink", "ground"),
        ("ink", "raised"),
        ("ink", "sun-tint"),
        ("ink", "clay-tint"),
        ("soft", "ground"),
        ("soft", "raised"),
        ("soft", "sun-tint"),
        ("soft", "clay-tint"),
        ("leaf", "ground"),
        ("leaf", "raised"),
        ("leaf", "leaf-tint"),
        ("leaf", "sun-tint"),
        ("leaf-ink", "leaf"),
        ("leaf-ink", "clay-ink"),
        ("sun-ink", "sun-tint"),
        ("sun-ink", "raised"),
        ("clay-ink", "clay-tint"),
        ("clay-ink", "raised"),
        ("clay-ink", "ground"),
        ("clay-ink", "sun-tint"),
    ];

    /// The colours that a part of the style sheet names.
    fn colours(part: &str) -> HashMap<&str, &str> {
        let named =
            part.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
        named.map(|(name, colour)| (name, colour.trim_end_matches(';'))).collect()
    }

    /// How bright a colour is (WCAG 2.2, relative luminance).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn texts_and_fields_are_seen_by_day_and_by_night() {
        let (light, rest) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
        let (dark, _) = rest.split_once("*, *::before").unwrap();
        let (light, dark) = (colours(light), colours(dark));
        for (name, colours) in [("light", &light), ("dark", &dark)] {
            for (text, behind) in TEXTS {
                let found = contrast(colours[text], colours[behind]);
                assert!(found >= TEXT_CONTRAST_MIN, "{name}: {text} on {behind}: {found}");
            }
            for behind in ["ground", "raised", "sun-tint"] {
                let found = contrast(colours["edge"], colours[behind]);
                assert!(found >= EDGE_CONTRAST_MIN, "{name}: an edge on {behind}: {found}");
            }
        }
        assert_eq!(light.len(), dark.len(), "every colour has one for the night");
    }
}
