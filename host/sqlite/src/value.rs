use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// One SQL value, as parameter or in a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A 64-bit signed integer.
    Integer(i64),
    /// A 64-bit float. SQLite stores NaN as NULL.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// NULL.
    Null,
}

impl Value {
    /// What the value weighs against the limits, in bytes.
    pub(crate) fn weight_bytes(&self) -> usize {
        let content = match self {
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
            Self::Integer(_) | Self::Real(_) | Self::Null => 0,
        };
        size_of::<Self>() + content
    }

    /// Copies a column out of SQLite's memory; `None` for text that is not UTF-8.
    pub(crate) fn from_column(value: ValueRef<'_>) -> Option<Self> {
        Some(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => Self::Text(std::str::from_utf8(bytes).ok()?.to_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A whole result, in memory: at most [`Options::result_bytes_max`](crate::Options) bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The columns' names, in order; empty for a statement that returns nothing.
    pub columns: Vec<String>,
    /// The rows, each with one value a column.
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// A result of one row with one column, as most PRAGMAs answer.
    pub(crate) fn single_value(column: &str, value: Value) -> Self {
        Self { columns: vec![column.to_owned()], rows: vec![vec![value]] }
    }
}
