//! The vendors' own SDKs as clients: programs in several languages that do the same exchanges and print one line of JSON for each.
//!
//! ```text
//! install (once per lock file) ─▶ program ─▶ [exchange] ◀─ matrix: which SDK asks which provider for what
//!                                    │
//!                                    └─▶ types: SDKs that read all that the translators emit
//! ```

mod exchange;
mod install;
mod matrix;
mod program;
mod types;

pub use exchange::{Exchange, Failure, ToolCall, Usage, parse};
pub use matrix::{Matrix, Upstream};
pub use program::{Bases, Program};
pub use types::read_emitted;
