//! xAPI statements: data model, validation, comparison.
