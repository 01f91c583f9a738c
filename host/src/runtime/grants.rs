//! What a component is granted.

use std::collections::BTreeMap;
use std::sync::Arc;

use hedge_key_value::Store;
use hedge_sqlite::Database;

use crate::allowed_hosts::AllowedHosts;

/// What a component is and has, the same for all of its instances.
pub struct Grants {
    /// The component's id.
    pub id: Arc<str>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// Its variables, rendered.
    pub variables: BTreeMap<String, String>,
    /// Where it may connect to.
    pub hosts: AllowedHosts,
    /// The SQLite databases it may open, by label.
    pub sqlite_databases: BTreeMap<String, Database>,
    /// The key-value stores it may open, by label.
    pub key_value_stores: BTreeMap<String, Store>,
}
