//! The ways in which a provider can misbehave.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A misbehaviour; the default is none. In JSON (`POST /_behave`, or header `x-recorded-behave`): `{"status": 503, "times": 2}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Behaviour {
    /// Answer with this status instead of the case's.
    pub status: Option<u16>,
    /// Answer with this body instead of the case's.
    pub body: Option<String>,
    /// Refuse with this status, in the vendor's own words.
    pub refuse: Option<u16>,
    /// Further headers of the reply.
    pub headers: Vec<(String, String)>,
    /// Wait so many milliseconds before the reply's head.
    pub delay_ms: u64,
    /// Wait so many milliseconds before each event of a stream.
    pub pace_ms: u64,
    /// Break the connection after so many bytes of the body.
    pub cut_after: Option<usize>,
    /// Send the reply's head and the first so many bytes, then nothing more, for ever.
    pub stall_after: Option<usize>,
    /// End a stream after so many events with an error in the vendor's own words.
    pub error_after_events: Option<usize>,
    /// Send so many events of a stream, then nothing more, for ever.
    pub stall_after_events: Option<usize>,
    /// Never answer.
    pub hang: bool,
    /// Answer with bytes that are no reply in any format, under the case's content type.
    pub garbage: bool,
    /// Only for requests of this model, if given.
    pub model: Option<String>,
    /// For so many requests; absent: for all.
    pub times: Option<u32>,
}

impl Behaviour {
    /// A failure with this status and an empty body.
    #[must_use]
    pub fn fails_with(status: u16) -> Self {
        Self { status: Some(status), body: Some(String::new()), ..Self::default() }
    }

    /// A refusal with this status, as the vendor words it.
    #[must_use]
    pub fn refuses_with(status: u16) -> Self {
        Self { refuse: Some(status), ..Self::default() }
    }

    /// This, for requests of one model.
    #[must_use]
    pub fn of_model(self, model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    /// How long to wait before the head.
    #[must_use]
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// How long to wait before each event.
    #[must_use]
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_millis(self.pace_ms)
    }

    /// What is sent instead of `body`.
    pub(crate) fn replace(&self, body: Bytes) -> Bytes {
        match (&self.body, self.garbage) {
            (Some(other), _) => Bytes::from(other.clone().into_bytes()),
            (None, true) => Bytes::from_static(b"\x00\xff\xfe<html>{\"id\": ]]]\n\ndata: {{{\n\nevent\n\n\x80"),
            (None, false) => body,
        }
    }
}
