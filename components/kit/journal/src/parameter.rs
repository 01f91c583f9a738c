use hedgeschool_sql::Value;

/// A sequence as a parameter; SQLite's integers end where no sequence will ever be.
pub fn integer(number: u64) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}
