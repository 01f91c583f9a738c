//! Hedgeschool: an embedded host for Spin applications and the operator command line.
