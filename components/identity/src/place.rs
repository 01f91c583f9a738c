//! Where people belong, and which node may change them. No I/O.

/// All nodes, where a node could be named.
const ALL_NODES: &str = "*";

/// This node among the others.
pub struct Place {
    /// Its name.
    pub node: String,
    /// It has a node above it.
    pub has_upstream: bool,
}

/// Why somebody is not changed here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} belongs to {home}: make the change there, or above")]
pub struct BelongsElsewhere {
    /// The person's sign-in name.
    name: String,
    /// The person's node, in words.
    home: String,
}

impl Place {
    /// Where somebody belongs of whom that is said, or not said. None: to all nodes.
    pub fn choose_home(&self, said: Option<String>) -> Option<String> {
        match said {
            Some(all) if all == ALL_NODES => None,
            Some(node) => Some(node),
            None => self.has_upstream.then(|| self.node.clone()),
        }
    }

    /// Refuses a change that no other node would take: a node with one above changes its own
    /// people alone.
    ///
    /// # Errors
    /// [`BelongsElsewhere`], for whoever belongs to another node or to all.
    pub fn check_change(&self, name: &str, home: Option<&str>) -> Result<(), BelongsElsewhere> {
        if !self.has_upstream || home == Some(self.node.as_str()) {
            return Ok(());
        }
        let home = home.unwrap_or("all nodes").to_owned();
        Err(BelongsElsewhere { name: name.to_owned(), home })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(has_upstream: bool) -> Place {
        Place { node: "galway".into(), has_upstream }
    }

    #[test]
    fn who_is_added_without_a_word_belongs_here_or_to_all_of_a_hub() {
        assert_eq!(place(true).choose_home(None).as_deref(), Some("galway"));
        assert_eq!(place(false).choose_home(None), None);
        for has_upstream in [true, false] {
            let said = |text: &str| place(has_upstream).choose_home(Some(text.into()));
            assert_eq!(said("*"), None);
            assert_eq!(said("cork").as_deref(), Some("cork"));
        }
    }

    #[test]
    fn a_refusal_says_where_to_go() {
        let refusal = |home| place(true).check_change("ada", home).unwrap_err().to_string();
        assert_eq!(refusal(Some("cork")), "ada belongs to cork: make the change there, or above");
        assert_eq!(refusal(None), "ada belongs to all nodes: make the change there, or above");
    }

    proptest! {
        /// A hub changes everybody; an edge exactly those whom it would add without a word.
        #[test]
        fn a_node_may_change_whom_it_would_add(has_upstream: bool, home in "[a-z]{0,3}|galway") {
            let place = place(has_upstream);
            let home = Some(home).filter(|home| !home.is_empty());
            let may_change = place.check_change("ada", home.as_deref()).is_ok();
            let is_own = home == place.choose_home(None);
            prop_assert_eq!(may_change, !has_upstream || is_own);
        }
    }
}
