use spin_sdk::redis::{RedisParameter, RedisResult};

/// A text as an argument.
pub fn text(text: impl AsRef<str>) -> RedisParameter {
    RedisParameter::Binary(text.as_ref().as_bytes().to_vec())
}

/// A value as text, if it is one.
pub fn as_text(value: &RedisResult) -> Option<&str> {
    match value {
        RedisResult::Status(text) => Some(text),
        RedisResult::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        RedisResult::Nil | RedisResult::Int64(_) => None,
    }
}

/// What a command answers that answers a number.
pub fn as_number(values: &[RedisResult]) -> Option<i64> {
    match values {
        [RedisResult::Int64(number)] => Some(*number),
        _ => None,
    }
}
