//! OpenAI Chat Completions.

mod error;
mod usage;

pub use error::{error_body, read_error};
pub use usage::{read_usage, usage_object};

use serde_json::Value;

/// Whether a `delta` carries any piece of an answer, rather than the role alone.
#[must_use]
pub fn is_delta(delta: &Value) -> bool {
    let Some(delta) = delta.as_object() else { return false };
    delta.iter().any(|(key, value)| {
        key != "role"
            && match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            }
    })
}
