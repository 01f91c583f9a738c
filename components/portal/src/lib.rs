//! HTTP: the pages people see.
