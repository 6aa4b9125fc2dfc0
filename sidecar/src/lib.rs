//! The data plane that rides in the pod: listeners, request stack, upstream pool, identity, snapshots, metrics.
//!
//! ```text
//!            listeners ──▶ stack ──▶ upstream (pool, TLS, guard)
//!  app ─15400▶ data         │ ▲ └──▶ identity (keys from files, clouds' credentials)
//! kubelet ─15401▶ health    │ └───── snapshots::Live ◀── stream (operator) | last good | files
//!  people ─15402▶ admin     └──────▶ metrics, one log line a call
//! ```

mod body;
mod error;
mod identity;
mod listeners;
pub mod logging;
pub mod machine;
mod metrics;
mod running;
mod settings;
mod snapshots;
mod stack;
mod upstream;

pub use running::{Running, Sidecar, StartError};
pub use settings::{Settings, Source};
pub use snapshots::{FilesError, FilesSettings, Origin, Serving, StreamError, StreamSettings};
pub use upstream::TlsError;
