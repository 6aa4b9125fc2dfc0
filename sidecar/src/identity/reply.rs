//! What a reply of a token service means where its own protocol says nothing more precise.

use super::error::{ExchangeError, Pace};
use super::lifetime;
use super::transport::Reply;
use serde_json::Value;
use std::time::Duration;

impl Reply {
    /// How long the service asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        lifetime::retry_after(&self.headers, self.received.wall)
    }

    /// A JSON object, or why there is none. The text of the reply is not repeated.
    pub(crate) fn json(&self, who: &str) -> Result<Value, ExchangeError> {
        let value: Value =
            serde_json::from_slice(&self.body).map_err(|_| ExchangeError::garbage(who, "it is not JSON"))?;
        if value.is_object() { Ok(value) } else { Err(ExchangeError::garbage(who, "it is not a JSON object")) }
    }

    /// The failure that its status tells. `code` is the service's own word for it, from a list that we know.
    pub(crate) fn failure(&self, who: &str, code: Option<&str>) -> ExchangeError {
        let (reason, pace) = match self.status.as_u16() {
            429 => ("throttled", Pace::Soon),
            // Azure's metadata service is being updated.
            410 => ("updating", Pace::Soon),
            408 | 500.. => ("server_error", Pace::Soon),
            401 | 403 => ("denied", Pace::Later),
            404 => ("not_found", Pace::Later),
            200..=299 => ("garbage", Pace::Soon),
            300..=399 => ("redirected", Pace::Rarely),
            _ => ("rejected", Pace::Later),
        };
        let code = code.map(|code| format!(" {code}")).unwrap_or_default();
        let what = format!("{who} answered {}{code}", self.status.as_u16());
        ExchangeError::new(reason, pace, what).after(self.retry_after())
    }
}

/// A word that an error code may be: short, and of letters, digits and a few signs only, so that nothing else of a
/// reply is ever repeated.
pub(crate) fn code(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    (plain && (1..=64).contains(&text.len())).then_some(text)
}
