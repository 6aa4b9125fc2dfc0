//! The vendors' own SDKs as clients: programs in several languages that do the same exchanges and print one line of JSON for each.
//!
//! ```text
//! install (once per lock file) ─▶ program ─▶ [exchange] ◀─ matrix: which SDK asks which provider for what
//! ```

mod exchange;
mod install;
mod matrix;
mod program;

pub use exchange::{Exchange, Failure, ToolCall, Usage, parse};
pub use matrix::{Matrix, Upstream};
pub use program::{Bases, Program};
