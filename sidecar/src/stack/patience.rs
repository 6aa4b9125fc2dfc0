//! How long a reply is waited for: a timer that is set when waiting begins, and not before, so that a slow client is
//! not taken for a slow provider.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep};

pub(crate) struct Patience {
    timer: Pin<Box<Sleep>>,
    waiting: bool,
}

impl Patience {
    pub(crate) fn new(by: Instant) -> Self {
        Self { timer: Box::pin(tokio::time::sleep_until(by)), waiting: false }
    }

    /// Ready when it is over. `by` counts where waiting begins now.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, by: Instant) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(by);
        }
        self.timer.as_mut().poll(cx)
    }

    /// Something came: waiting begins anew.
    pub(crate) fn renew(&mut self) {
        self.waiting = false;
    }
}
