//! Anthropic Messages.

mod error;
mod usage;

pub use error::{error_body, read_error};
pub use usage::{merge_usage, usage_object};
