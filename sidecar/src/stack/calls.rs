//! How many calls are being served, so that shutdown knows when it may end.

use tokio::sync::watch;

/// Counts calls from their first byte to their last.
#[derive(Debug)]
pub(crate) struct Calls(watch::Sender<usize>);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn begin(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn end(&self) {
        self.0.send_modify(|count| *count -= 1);
    }

    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Returns once no call is being served.
    pub(crate) async fn idle(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}
