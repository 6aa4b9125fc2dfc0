//! Everything that this process logs, for tests that look for what must not be there.

use std::io::Write;
use std::sync::{LazyLock, Mutex};
use tracing_subscriber::util::SubscriberInitExt;

static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to collect, at the finest level. Safe to call from every test.
pub(crate) fn collect() {
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(|| Sink).finish();
    // Another test was first.
    let _ = subscriber.try_init();
}

/// What was logged so far, by all tests of this process.
pub(crate) fn so_far() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}

/// The lines that hold `text`, parsed.
pub(crate) fn lines_with(text: &str) -> Vec<serde_json::Value> {
    so_far().lines().filter(|line| line.contains(text)).map(|line| serde_json::from_str(line).unwrap()).collect()
}
