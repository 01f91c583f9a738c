use spin_sdk::sqlite::{RowResult, Value};

use crate::error::Error;

/// One row, read from its first column to its last.
pub struct Row {
    values: std::vec::IntoIter<Value>,
    read: usize,
}

impl Row {
    pub(crate) fn new(row: RowResult) -> Self {
        Self { values: row.values.into_iter(), read: 0 }
    }

    /// The next column's value.
    ///
    /// # Errors
    /// [`Error::Column`] if there is none, or one of another type.
    pub fn take<T: FromValue>(&mut self) -> Result<T, Error> {
        let column = self.read;
        self.read += 1;
        let value = self.values.next().and_then(T::from_value);
        value.ok_or(Error::Column { column, expected: std::any::type_name::<T>() })
    }
}

/// A Rust type that a column can be read as.
pub trait FromValue: Sized {
    /// The value, if it is of this type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl FromValue for u64 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for u8 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Real(number) => Some(number),
            Value::Integer(number) => Some(number as f64),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
