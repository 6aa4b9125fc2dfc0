//! Where snapshots come from (the operator's stream, the last good one, files) and the one that is served. Never drops
//! what it serves for something worse.

mod files;
mod lines;
mod live;
mod prepared;
mod state;
mod stream;

pub(crate) use files::watch as watch_files;
pub use files::{FilesError, FilesSettings};
pub(crate) use live::Live;
pub use live::{Origin, Serving};
pub(crate) use prepared::{Auth, Backend, Match, PrepareError, Prepared, Provider, Rule, Timeouts, redact};
pub(crate) use stream::StreamClient;
pub use stream::{StreamError, StreamSettings};
