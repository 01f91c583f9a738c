//! The types of every store's journal, made once of `wit/journal`: stores and replication name
//! them in `with` when they make bindings, and so none is converted into another's.

mod convert;

mod bindings {
    #![allow(missing_docs, reason = "generated; the WIT documents it")]

    wit_bindgen::generate!({
        path: "../../../wit/journal",
        world: "contract",
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq, serde::Serialize],
    });
}

pub use bindings::hedgeschool::journal::types;

#[cfg(test)]
mod tests {
    const STORES: [&str; 3] = [
        include_str!("../../../../wit/content/content.wit"),
        include_str!("../../../../wit/identity/identity.wit"),
        include_str!("../../../../wit/progress/progress.wit"),
    ];

    /// The interface `journal` of a store's WIT, from what is said about it to its end.
    fn journal(wit: &str) -> &str {
        let begins = wit.find("interface journal {").unwrap();
        let begins = wit[..begins].rfind("\n\n").unwrap();
        let length = wit[begins..].find("\n}\n").unwrap();
        &wit[begins..begins + length]
    }

    #[test]
    fn the_journals_of_all_stores_are_of_one_shape() {
        let [first, others @ ..] = STORES.map(journal);
        assert!(first.contains("apply: async func(batch: batch)"));
        for other in others {
            assert_eq!(first, other);
        }
    }
}
