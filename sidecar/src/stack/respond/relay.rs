//! A reply's body passed on as it comes, byte for byte. What breaks upstream breaks the client's connection too, so
//! that it does not take a part for the whole.

use crate::body::{Cut, Pieces};
use crate::error::Cause;
use crate::snapshots::Provider;
use crate::stack::patience::Patience;
use crate::stack::record::Record;
use crate::upstream::UpstreamBody;
use bytes::Bytes;
use http_body::SizeHint;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Relay {
    provider: Arc<Provider>,
    prefix: VecDeque<Bytes>,
    upstream: UpstreamBody,
    patience: Patience,
    /// Between two pieces, where the reply is a stream.
    idle: Option<Duration>,
    deadline: Instant,
    over: bool,
}

impl Relay {
    pub(crate) fn new(
        provider: Arc<Provider>,
        prefix: Vec<Bytes>,
        upstream: UpstreamBody,
        idle: Option<Duration>,
        deadline: Instant,
    ) -> Self {
        let patience = Patience::new(deadline);
        Self { provider, prefix: prefix.into(), upstream, patience, idle, deadline, over: false }
    }

    pub(super) fn recorded(self, record: Record) -> RecordedRelay {
        RecordedRelay { relay: self, record }
    }
}

/// A relay whose call is recorded when it ends.
pub(crate) struct RecordedRelay {
    relay: Relay,
    record: Record,
}

impl RecordedRelay {
    fn cut(&mut self, cause: &Cause) -> Poll<Option<Result<Bytes, Cut>>> {
        self.relay.over = true;
        self.record.failed(cause);
        Poll::Ready(Some(Err(Cut(cause.name()))))
    }
}

impl Pieces for RecordedRelay {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if self.relay.over {
            return Poll::Ready(None);
        }
        if let Some(bytes) = self.relay.prefix.pop_front() {
            self.record.first_byte();
            return Poll::Ready(Some(Ok(bytes)));
        }
        let Poll::Ready(piece) = self.relay.upstream.poll_piece(cx) else {
            let by = self.relay.idle.map_or(self.relay.deadline, |idle| self.relay.deadline.min(Instant::now() + idle));
            ready!(self.relay.patience.poll(cx, by));
            let provider = self.relay.provider.name.clone();
            return self.cut(&Cause::UpstreamTimeout { provider, what: "finish its reply" });
        };
        self.relay.patience.renew();
        match piece {
            Some(Ok(bytes)) => {
                self.record.first_byte();
                Poll::Ready(Some(Ok(bytes)))
            }
            Some(Err(_)) => self.cut(&Cause::UpstreamTruncated { provider: self.relay.provider.name.clone() }),
            None => {
                self.relay.over = true;
                self.record.succeeded();
                Poll::Ready(None)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held: u64 = self.relay.prefix.iter().map(|bytes| bytes.len() as u64).sum();
        match self.relay.upstream.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(held + rest),
            None => SizeHint::default(),
        }
    }
}

impl Drop for RecordedRelay {
    /// A body of known length is not polled again after its last byte.
    fn drop(&mut self) {
        if self.size_hint().exact() == Some(0) {
            self.record.succeeded();
        }
    }
}
