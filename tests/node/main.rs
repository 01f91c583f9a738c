//! Tests of whole nodes. One program, so that they run side by side.
