//! The credentials an operator gives a node through variables.

/// A name and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// Name, key or node id: up to the first colon.
    pub name: String,
    /// Password, secret or token: the rest.
    pub secret: String,
}

/// Reads `name:secret`; None if either is empty.
pub fn parse_pair(text: &str) -> Option<Pair> {
    let (name, secret) = text.trim().split_once(':')?;
    let named = !name.is_empty() && !secret.is_empty();
    named.then(|| Pair { name: name.to_owned(), secret: secret.to_owned() })
}

/// Reads `name:secret,name:secret`, leaving out what is not a pair.
pub fn parse_pairs(text: &str) -> impl Iterator<Item = Pair> {
    text.split(',').filter_map(parse_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_separated_by_commas() {
        let names: Vec<_> = parse_pairs("a:1, b:2:3,,c").map(|pair| pair.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(parse_pair("b:2:3").map(|pair| pair.secret).as_deref(), Some("2:3"));
        assert!(
            parse_pair(":x").is_none() && parse_pair("x:").is_none() && parse_pair("").is_none()
        );
    }
}
