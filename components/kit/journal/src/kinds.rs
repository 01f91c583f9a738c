use hedgeschool_journal_types::types::{Batch, JournalPage};
use hedgeschool_sql::{Database, Value};

use crate::error::Error;
use crate::parameter::integer;

/// What a store knows of the kinds of its entries.
#[allow(async_fn_in_trait, reason = "a component has one thread")]
pub trait Kinds {
    /// The store's database.
    const DATABASE: &'static Database;

    /// Whether its limits keep entries out. Not where they are few and small, and a node is of no
    /// use without them.
    const IS_LIMITED: bool = true;

    /// Gives up some of what `holder` has too, down to the limits that are kept, and takes back
    /// what there is room for. What that is, is the store's to know: a store that has no such
    /// thing does nothing.
    ///
    /// # Errors
    /// When the database fails.
    async fn make_room(_holder: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    /// Makes of a peer's entries the one statement that applies them and advances what the batch
    /// says.
    ///
    /// # Errors
    /// When an entry breaks a rule or is none of the sender's business, and when the database
    /// fails.
    async fn make_insertion(batch: &mut Batch) -> Result<Insertion, Error>;

    /// Reads entries about a subject, in an order of their own.
    ///
    /// # Errors
    /// When the database fails.
    async fn read_about(
        subject: String,
        after: u64,
        limit: u32,
        size: u32,
    ) -> Result<JournalPage, Error>;

    /// What stands where a conflict is about this, as JSON.
    ///
    /// # Errors
    /// When the database fails.
    async fn current_version(lost: &Lost) -> Result<Option<String>, Error>;

    /// Puts what lost in place of what stands. False: that is not possible with this kind.
    ///
    /// # Errors
    /// When the database fails.
    async fn restore_lost(lost: &Lost) -> Result<bool, Error>;
}

/// The one statement that applies a batch.
pub struct Insertion {
    /// Inserts into a view of the store, whose trigger inserts into `advancing`.
    pub sql: String,
    /// Its parameters.
    pub parameters: Vec<Value>,
}

/// A version that lost.
pub struct Lost {
    /// Names the conflict.
    pub key: u64,
    /// The kind of what it is about.
    pub kind: String,
    /// The key of what it is about.
    pub reference: u64,
    /// The same, as people name it.
    pub subject: String,
    /// The version, as JSON.
    pub payload: String,
    /// When it was noticed, in milliseconds since 1970.
    pub noticed_ms: i64,
    /// The node to which what it lost against belongs, where that is another one than its own.
    pub against: Option<String>,
}

impl Lost {
    /// Whether this could be put in place of what stands: statements never change, and what
    /// belongs to another node than what stands is another thing.
    pub fn is_restorable(&self) -> bool {
        self.kind != "statement" && self.against.is_none()
    }

    /// The key of what it is about, as a parameter.
    pub fn reference_value(&self) -> Value {
        integer(self.reference)
    }
}
