//! A stream of events on its way to the client: each is passed on when it arrives. Reads its upstream only when the
//! client takes more, and lets go of it when the client does.

use super::{Awaited, fault_cause};
use crate::body::{Cut, Pieces};
use crate::error::Cause;
use crate::snapshots::Provider;
use crate::stack::kept::Keep;
use crate::stack::patience::Patience;
use crate::stack::record::Record;
use crate::upstream::UpstreamBody;
use bytes::Bytes;
use pillion_llm::{Dialect, Framing, ReplyStream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// Behind its finish an answer is given this long to tell its usage and to end. Some servers keep the connection open.
const GRACE: Duration = Duration::from_secs(2);

/// What was written reaches the socket within this time; a connection that is broken drops what has not.
const WRITING: Duration = Duration::from_millis(50);

pub(crate) struct Events {
    provider: Arc<Provider>,
    /// `None` once it has ended, or is given up.
    upstream: Option<UpstreamBody>,
    stream: ReplyStream,
    /// The client may go on with the answer by its id.
    keep: Option<Keep>,
    /// Whole events for the client.
    ready: VecDeque<Bytes>,
    scratch: Vec<Bytes>,
    patience: Patience,
    /// How many events have said something.
    said: u64,
    first_byte_by: Instant,
    idle: Duration,
    deadline: Instant,
    over: bool,
    /// The provider's events go through as they come.
    relays: bool,
    /// Behind an error of the sidecar's the connection breaks.
    breaks: bool,
    /// Why the connection is broken when all is written.
    broken: Option<Cut>,
}

impl Events {
    pub(super) fn new(awaited: Awaited, upstream: UpstreamBody) -> Self {
        let breaks = takes_errors_for_ends(awaited.dialect, awaited.exchange.client_framing());
        Self {
            provider: awaited.provider,
            keep: awaited.keep,
            upstream: Some(upstream),
            stream: awaited.exchange.stream(),
            ready: VecDeque::new(),
            scratch: Vec::new(),
            patience: Patience::new(awaited.deadline),
            said: 0,
            first_byte_by: awaited.first_byte_by,
            idle: awaited.timeouts.stream_idle,
            deadline: awaited.deadline,
            over: false,
            relays: awaited.exchange.relays(),
            breaks,
            broken: None,
        }
    }

    /// Reads ahead until the first delta, the stream's end, or `until`.
    ///
    /// # Errors
    /// Why the stream broke before it said anything.
    pub(super) async fn hold(&mut self, until: Instant) -> Result<(), Cause> {
        while !self.stream.has_delta() {
            let step = std::future::poll_fn(|cx| self.poll_step(cx));
            match tokio::time::timeout_at(until, step).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) | Err(_) => break,
                Ok(Err(cause)) => return Err(cause),
            }
        }
        Ok(())
    }

    /// Whether the client's request is needed to the end.
    pub(super) fn keeps(&self) -> bool {
        self.keep.is_some()
    }

    pub(super) fn recorded(self, record: Record) -> RecordedEvents {
        RecordedEvents { events: self, record }
    }

    /// One piece of the upstream's stream; `false` at its end.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Cause>> {
        let Some(upstream) = &mut self.upstream else { return Poll::Ready(Ok(false)) };
        let finished = self.stream.is_finished();
        let piece = match upstream.poll_piece(cx) {
            Poll::Ready(piece) => piece,
            Poll::Pending => {
                let by = match self.said {
                    _ if finished => Instant::now() + GRACE,
                    0 => self.first_byte_by,
                    _ => Instant::now() + self.idle,
                };
                ready!(self.patience.poll(cx, by.min(self.deadline)));
                if !finished {
                    let what = if self.said == 0 { "begin its stream" } else { "continue its stream" };
                    return Poll::Ready(Err(Cause::UpstreamTimeout { provider: self.provider.name.clone(), what }));
                }
                None
            }
        };
        let pushed = match piece {
            Some(Ok(bytes)) => self.stream.push(bytes, &mut self.scratch).map(|()| true),
            Some(Err(_)) if !finished => Err(pillion_llm::UpstreamFault::Truncated),
            // What breaks behind the finish breaks nothing.
            Some(Err(_)) | None => {
                self.upstream = None;
                self.stream.finish(&mut self.scratch).map(|()| false)
            }
        };
        // What only keeps the connection open is no beginning, and behind the finish nothing to wait for.
        let says = self.stream.said() > self.said;
        if says || (self.said > 0 && !finished) {
            self.patience.renew();
        }
        self.said = self.stream.said();
        self.keep.iter().for_each(|keep| keep.events(&self.scratch));
        self.ready.extend(self.scratch.drain(..));
        Poll::Ready(pushed.map_err(|fault| fault_cause(fault, &self.provider.name)))
    }

    /// Ends the client's stream with an error.
    fn fail(&mut self, cause: &Cause) {
        self.over = true;
        self.upstream = None;
        self.stream.fail(&cause.info(), &mut self.scratch);
        self.ready.extend(self.scratch.drain(..));
        // The provider's own error goes through as it came, with the end that it came with.
        let relayed = self.relays && matches!(cause, Cause::UpstreamError(_));
        if self.breaks && !relayed {
            self.broken = Some(Cut(cause.name()));
            self.patience.renew();
        }
    }

    /// The end of the client's stream.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if self.broken.is_some() {
            ready!(self.patience.poll(cx, Instant::now() + WRITING));
        }
        Poll::Ready(self.broken.take().map(Err))
    }
}

/// Whether readers may take the error that ends a stream for its clean end. Google's SDKs raise the bare JSON that stands
/// for an error among Gemini's events; others skip what is no event.
fn takes_errors_for_ends(client: Dialect, framing: Framing) -> bool {
    matches!(client, Dialect::Gemini | Dialect::VertexAI) && framing == Framing::Sse
}

/// Events whose call is recorded when they end.
pub(crate) struct RecordedEvents {
    events: Events,
    record: Record,
}

impl Pieces for RecordedEvents {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let Self { events, record } = self;
        loop {
            if let Some(error) = events.stream.error() {
                // A relayed one is passed on like any event. It is the call's outcome however the stream ends behind
                // it: SDKs leave as soon as they have read it.
                record.failed(&Cause::UpstreamError(Box::new(error.clone())));
            }
            if let Some(bytes) = events.ready.pop_front() {
                record.first_byte();
                return Poll::Ready(Some(Ok(bytes)));
            }
            if events.over {
                return events.poll_end(cx);
            }
            match ready!(events.poll_step(cx)) {
                Ok(true) => {}
                Ok(false) => {
                    events.over = true;
                    record.used(events.stream.usage(), None);
                    record.lost(&events.stream.lost());
                    record.succeeded();
                }
                Err(cause) => {
                    record.used(events.stream.usage(), None);
                    record.failed(&cause);
                    events.fail(&cause);
                }
            }
        }
    }
}

impl Drop for RecordedEvents {
    /// A client that leaves has used what was generated so far.
    fn drop(&mut self) {
        self.record.used(self.events.stream.usage(), None);
    }
}
