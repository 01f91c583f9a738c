//! What is generated of the stores' WIT, one package each.

/// The stores of one WIT package each.
macro_rules! bindings {
    ($module:ident, $path:literal) => {
        #[allow(missing_docs, dead_code, reason = "generated; the WIT documents it")]
        mod $module {
            wit_bindgen::generate!({
                path: $path,
                world: "replica",
                with: {
                    "hedgeschool:journal/types@0.1.0": hedgeschool_journal_types::types,
                },
            });
        }
    };
}

bindings!(content_bindings, "../../wit/content");
bindings!(identity_bindings, "../../wit/identity");
bindings!(progress_bindings, "../../wit/progress");

pub use content_bindings::hedgeschool::content::types::Error as ContentError;
pub use content_bindings::hedgeschool::content::{arrivals, journal as content, packages};
pub use content_bindings::wit_stream;
pub use identity_bindings::hedgeschool::identity::journal as identity;
pub use progress_bindings::hedgeschool::progress::types::Error as ProgressError;
pub use progress_bindings::hedgeschool::progress::{
    attachments, journal as progress, node_state, traces,
};
