//! Store: course packages and their files.
