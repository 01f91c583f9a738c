use std::cell::OnceCell;
use std::rc::Rc;
use std::thread::LocalKey;

// The SDK wraps the functions that do not block; its bindings have both.
use spin_sdk::sqlite::wit::sqlite::Connection;

/// Where an instance keeps its open connections; [`crate::connection_slot!`] declares one.
pub type Slot = LocalKey<OnceCell<Rc<Connections>>>;

/// An instance's connections. They are two because Spin holds a connection until a statement's
/// last row is read: were it the same one, a read would stop the instance for a write that waits
/// for this very instance to read its rows.
pub struct Connections {
    pub(crate) reading: Connection,
    pub(crate) writing: Connection,
}

/// Declares the [`Slot`] of a [`Database`].
#[macro_export]
macro_rules! connection_slot {
    ($name:ident) => {
        ::std::thread_local! {
            static $name: ::std::cell::OnceCell<::std::rc::Rc<$crate::Connections>> =
                const { ::std::cell::OnceCell::new() };
        }
    };
}

/// A database of the app, and the schema this component keeps in it.
pub struct Database {
    /// The label in the manifest's `sqlite_databases`.
    pub label: &'static str,
    /// One script a schema version, oldest first; never edited once released. A blank line
    /// separates the statements of a script.
    pub migrations: &'static [&'static str],
    /// Statements that say how a new file is to be kept, one each, before there is anything in it.
    pub new_file: &'static [&'static str],
    /// What is to be done once in a database that `hedge restore` has put back: a script, as those
    /// above.
    pub restored: &'static str,
    /// The instance's connections; they live as long as the instance.
    pub slot: &'static Slot,
}
