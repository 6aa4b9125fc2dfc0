//! Logs: one JSON object a line, or text for a person at a terminal. Other crates are heard from `warn` upwards only:
//! their finer levels may repeat headers.

mod json;

use json::{Json, to_stdout};
use std::io::IsTerminal;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard output at `level` (`error`, `warn`, `info`, `debug`, `trace`; anything else is `info`).
pub fn start(level: &str) {
    let ours: LevelFilter = level.parse().unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(ours))
        .with_target("pillion", ours)
        .with_target("pillion_sidecar", ours);
    let registry = tracing_subscriber::registry().with(filter);
    if std::io::stdout().is_terminal() {
        registry.with(tracing_subscriber::fmt::layer()).init();
    } else {
        registry.with(Json::new(to_stdout)).init();
    }
}
