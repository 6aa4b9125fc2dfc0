//! Watches a relayed stream without re-framing it: what each format's own observer notes, and what becomes of a frame.

use crate::formats;
use crate::formats::seen::{Noted, Seen};
use crate::framing::{self, Framing, Splitter};
use crate::{ErrorInfo, Format, UpstreamFault};
use bytes::Bytes;

/// The observer of one stream. Frames go through as the slices they came in.
#[derive(Debug)]
pub(crate) struct Observer {
    wire: Format,
    framing: Framing,
    hide_usage: bool,
    splitter: Splitter,
    pub(crate) noted: Noted,
    /// The frame of an error that came before any delta, kept for a client that gets no other attempt.
    error_frame: Option<Bytes>,
}

impl Observer {
    pub(crate) fn new(wire: Format, framing: Framing, hide_usage: bool) -> Self {
        let splitter = Splitter::new(framing);
        Self { wire, framing, hide_usage, splitter, noted: Noted::default(), error_frame: None }
    }

    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(self.framing));
        let mut result = Ok(());
        let pushed = splitter.push(bytes, |frame| {
            if result.is_ok() {
                result = self.frame(frame, out);
            }
        });
        self.splitter = splitter;
        result?;
        pushed.map_err(|error| UpstreamFault::of_frame(self.wire, error))
    }

    /// Upstream's end. What is left of a frame that did not end still goes to the client, as it came.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let rest = self.splitter.rest();
        if !rest.is_empty() {
            match self.framing {
                Framing::Sse => self.frame(rest, out)?,
                // White space behind an array; half an element is no element.
                Framing::JsonArray if rest.trim_ascii().is_empty() || self.noted.ended => out.push(rest),
                Framing::JsonArray | Framing::EventStream => return Err(UpstreamFault::Truncated),
            }
        }
        if self.noted.ended || self.noted.error.is_some() { Ok(()) } else { Err(UpstreamFault::Truncated) }
    }

    /// Upstream's own error frame, if that is what ends the stream.
    pub(crate) fn take_error_frame(&mut self) -> Option<Bytes> {
        self.error_frame.take()
    }

    fn frame(&mut self, frame: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        self.noted.said += u64::from(!framing::is_heartbeat(self.framing, &frame));
        match formats::observe(self.wire, self.framing, &frame, &mut self.noted) {
            Seen::Keep => {}
            Seen::OnlyUsage if self.hide_usage => return Ok(()),
            Seen::OnlyUsage => {}
            Seen::Error(error) => self.reported(*error, &frame)?,
            // Before any delta it is a broken upstream; later it is the client's to judge.
            Seen::Garbage if !self.noted.has_delta => {
                return Err(UpstreamFault::malformed(self.wire, "an event's data is not JSON"));
            }
            Seen::Garbage => {}
        }
        out.push(frame);
        Ok(())
    }

    /// Before any delta another attempt may be made, so the error is the caller's to handle; after it, the frame goes
    /// through like any other.
    fn reported(&mut self, error: ErrorInfo, frame: &Bytes) -> Result<(), UpstreamFault> {
        self.noted.error = Some(error.clone());
        if self.noted.has_delta {
            return Ok(());
        }
        self.error_frame = Some(frame.clone());
        Err(UpstreamFault::Reported(error))
    }
}
