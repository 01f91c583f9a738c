//! Store: statements, completion and the journal.
