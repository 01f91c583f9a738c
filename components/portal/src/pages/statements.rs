//! `/statements`: looking through the record, a list of statements under conditions, and one
//! statement.

mod cells;
mod filter_form;
mod list;
mod pretty_json;
mod rows;
mod single;

pub use list::show_statements;
pub use single::show_statement;
