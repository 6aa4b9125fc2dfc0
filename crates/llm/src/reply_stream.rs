//! A streamed reply on its way to the client: bytes in with any cuts, whole events of the client's format out.

use crate::envelope::Unwrap;
use crate::formats;
use crate::formats::seen::Noted;
use crate::framing::{Framing, json_array};
use crate::model::Report;
use crate::relay::Observer;
use crate::translate::Translator;
use crate::{ErrorInfo, Format, UpstreamFault, Usage};
use bytes::Bytes;

/// Reads one 2xx event stream of upstream's.
///
/// Use: `push` what arrives, `finish` at upstream's end. On an `Err` of either: with [`ReplyStream::has_delta`] false
/// another attempt may be made; otherwise [`ReplyStream::fail`] ends the client's stream with an error event. After
/// an `Err` no more is pushed.
#[derive(Debug)]
pub struct ReplyStream {
    client: Format,
    framing: Framing,
    /// Takes a cloud's envelope off first.
    unwrap: Option<Unwrap>,
    inner: Inner,
    /// Whether the client got anything.
    begun: bool,
    closed: bool,
}

#[derive(Debug)]
enum Inner {
    Relay(Box<Observer>),
    Translate(Box<Translator>),
}

impl ReplyStream {
    pub(crate) fn relay(client: Format, framing: Framing, hide_usage: bool, unwrap: Option<Unwrap>) -> Self {
        let inner = Inner::Relay(Box::new(Observer::new(client, framing, hide_usage)));
        Self { client, framing, unwrap, inner, begun: false, closed: false }
    }

    pub(crate) fn translate(client: Format, framing: Framing, translator: Translator, unwrap: Option<Unwrap>) -> Self {
        let inner = Inner::Translate(Box::new(translator));
        Self { client, framing, unwrap, inner, begun: false, closed: false }
    }

    /// Takes bytes of upstream's, cut anywhere; the client's events come out as soon as they are complete.
    ///
    /// # Errors
    /// When upstream reports an error before the first delta, or does not speak its format.
    pub fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        if self.closed {
            return Ok(());
        }
        let before = out.len();
        let result = self.take(bytes, out);
        self.begun |= out.len() > before;
        result
    }

    fn take(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let Some(unwrap) = &mut self.unwrap else { return self.inner.push(bytes, out) };
        let mut events = Vec::new();
        let unwrapped = unwrap.push(bytes, &mut events);
        events.into_iter().try_for_each(|event| self.inner.push(event, out))?;
        unwrapped
    }

    /// Takes upstream's end.
    ///
    /// # Errors
    /// [`UpstreamFault::Truncated`] when no terminal event was seen.
    pub fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        if self.closed {
            return Ok(());
        }
        if let Some(unwrap) = &mut self.unwrap {
            unwrap.finish()?;
        }
        let before = out.len();
        let result = match &mut self.inner {
            Inner::Relay(observer) => observer.finish(out),
            Inner::Translate(translator) => translator.finish(out),
        };
        self.begun |= out.len() > before;
        result
    }

    /// Ends the client's stream with an error event in its dialect (upstream's own event where it is relayed); after
    /// it nothing more comes out.
    pub fn fail(&mut self, error: &ErrorInfo, out: &mut Vec<Bytes>) {
        if self.closed {
            return;
        }
        self.closed = true;
        let own = match &mut self.inner {
            Inner::Relay(observer) => observer.take_error_frame(),
            Inner::Translate(translator) => translator.fail(error),
        };
        let sequence = self.noted().sequence;
        let frame = own.unwrap_or_else(|| formats::error_frame(self.client, self.framing, error, sequence));
        out.push(match self.framing {
            Framing::JsonArray => json_array::last(&frame, self.begun),
            Framing::Sse | Framing::EventStream => frame,
        });
    }

    fn noted(&self) -> &Noted {
        match &self.inner {
            Inner::Relay(observer) => &observer.noted,
            Inner::Translate(translator) => &translator.noted,
        }
    }

    /// Whether a delta of any kind (text, thinking, tool) has been seen: after it no other attempt may be made.
    #[must_use]
    pub fn has_delta(&self) -> bool {
        self.noted().has_delta
    }

    /// What of the stream so far the client's format says only nearly, or has no place for. To be asked at the end, once.
    #[must_use]
    pub fn lost(&self) -> Report {
        match &self.inner {
            Inner::Relay(_) => Report::default(),
            Inner::Translate(translator) => translator.lost(),
        }
    }

    /// How many events have said something; comments and pings, which only keep a connection open, do not count.
    #[must_use]
    pub fn said(&self) -> u64 {
        self.noted().said
    }

    /// Whether the answer is whole but for what may come behind its finish: usage, a terminal event, upstream's end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.inner {
            Inner::Relay(observer) => observer.noted.ended || observer.noted.finish.is_some(),
            Inner::Translate(translator) => translator.has_finish(),
        }
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.noted().usage
    }

    /// Why the answer ended, in upstream's own word, once it has.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.noted().finish.as_deref()
    }

    /// The model that upstream says answers.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.noted().model.as_deref()
    }

    /// The error that upstream reported within the stream, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&ErrorInfo> {
        self.noted().error.as_ref()
    }
}

impl Inner {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        match self {
            Self::Relay(observer) => observer.push(bytes, out),
            Self::Translate(translator) => translator.push(bytes, out),
        }
    }
}
