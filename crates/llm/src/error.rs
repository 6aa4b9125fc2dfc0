//! Errors as values: what a client did wrong, what an upstream did wrong, and the one shape both take before a
//! dialect encodes them.

use crate::formats;
use crate::framing::{FrameError, MAX_FRAME};
use crate::{Dialect, Envelope, Format, Wire};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// What kind of error, in words that every vendor has one for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong.
    InvalidRequest,
    /// No, or a wrong, credential.
    Authentication,
    /// Not paid.
    Billing,
    /// Not allowed.
    Permission,
    /// No such model or resource.
    NotFound,
    /// The body is too large.
    TooLarge,
    /// Too many requests or tokens.
    RateLimited,
    /// The server failed.
    Server,
    /// The server has no capacity now.
    Overloaded,
    /// The server took too long.
    Timeout,
}

impl ErrorKind {
    /// The kind that a status alone tells.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            500.. => Self::Server,
            _ => Self::InvalidRequest,
        }
    }

    /// The status that is sent when upstream gave none.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Authentication => 401,
            Self::Billing => 402,
            Self::Permission => 403,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Server => 500,
            Self::Overloaded => 503,
            Self::Timeout => 504,
        }
    }
}

/// An error before a dialect gives it a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorInfo {
    /// HTTP status for the client.
    pub status: u16,
    /// What kind it is.
    pub kind: ErrorKind,
    /// For a human; upstream's own words where there are any.
    pub message: String,
    /// The vendor's or our machine-readable code (`model_not_found`).
    pub code: Option<String>,
    /// The field of the request that is wrong.
    pub param: Option<String>,
}

impl ErrorInfo {
    /// An error of this kind with the kind's own status.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { status: kind.status(), kind, message: message.into(), code: None, param: None }
    }

    /// The same error with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same error with the status that clients of `dialect` know for it: 529 is Anthropic's alone.
    #[must_use]
    pub(crate) fn for_dialect(mut self, dialect: Dialect) -> Self {
        if self.status == 529 && dialect != Dialect::Anthropic {
            self.status = 503;
        }
        self
    }
}

/// The JSON body of an error in a dialect, `content-type: application/json`.
#[must_use]
pub fn encode_error(dialect: Dialect, error: &ErrorInfo) -> Bytes {
    crate::json::bytes(&error_body(dialect, error))
}

pub(crate) fn error_body(dialect: Dialect, error: &ErrorInfo) -> Value {
    match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI => formats::openai::error_body(error),
        Dialect::Anthropic => formats::anthropic::error_body(error),
        Dialect::Gemini | Dialect::VertexAI => formats::gemini::error_body(error),
        Dialect::Bedrock => formats::bedrock::error_body(error),
        Dialect::Cohere => formats::cohere::error_body(error),
    }
}

/// Headers of an error that the dialect's SDKs read.
#[must_use]
pub fn error_headers(dialect: Dialect, error: &ErrorInfo) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if dialect == Dialect::Bedrock {
        let name = HeaderName::from_static("x-amzn-errortype");
        headers.insert(name, HeaderValue::from_static(formats::bedrock::error_type(error.kind)));
    }
    headers
}

/// An upstream's reply that is not 2xx, in whatever shape it came. Never fails: what says nothing gives the status.
/// Where a cloud is around a vendor's format, the error may be either's.
pub(crate) fn decode_error(wire: Wire, status: u16, headers: &HeaderMap, body: &[u8]) -> ErrorInfo {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let around = match wire.envelope {
        Envelope::None => None,
        Envelope::BedrockInvoke => Some(Format::BedrockConverse),
        Envelope::VertexRawPredict => Some(Format::GeminiGenerateContent),
    };
    let read = |format| parsed.as_ref().and_then(|value| formats::read_error(format, value, status));
    let mut found = around.and_then(read).or_else(|| read(wire.format));
    if around.unwrap_or(wire.format) == Format::BedrockConverse
        && let (Some(error), Some(name)) = (&mut found, headers.get("x-amzn-errortype"))
        && let Some(kind) = name.to_str().ok().and_then(formats::bedrock::kind_of)
    {
        error.kind = kind;
    }
    let fallback = || ErrorInfo {
        status,
        kind: ErrorKind::of_status(status),
        message: plain_message(status, body),
        code: None,
        param: None,
    };
    let mut error = found.unwrap_or_else(fallback);
    error.status = if (400..600).contains(&status) { status } else { 502 };
    error
}

/// Some words for a body without any of its own shape: its text if it is short text, never markup.
fn plain_message(status: u16, body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST)]);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return format!("upstream answered {status}");
    }
    let short: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    format!("upstream answered {status}: {short}")
}

/// A mistake of the client in its body: a 400 that names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BodyError {
    /// What is wrong, for the client.
    pub message: String,
    /// Path of the field that is wrong (`messages[2].content`).
    pub param: Option<String>,
    /// Machine-readable code, where the mistake has a name.
    pub code: Option<String>,
    /// What it is in, where the encoder that refuses it no longer knows its place in the body.
    pub(crate) within: Option<Box<Within>>,
}

/// A thing of the client's body, whole, and the member of it that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) thing: Value,
    pub(crate) member: String,
}

impl BodyError {
    /// A mistake in the whole body.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), param: None, code: None, within: None }
    }

    /// A mistake in one field.
    #[must_use]
    pub fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()), code: None, within: None }
    }

    /// Something that the client's format has and the target's has not.
    #[must_use]
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: Some("unsupported_parameter".to_owned()), ..Self::field(param, message) }
    }

    /// A part or tool that only the client's format knows; `field` names it where its place is not found.
    pub(crate) fn foreign(field: impl Into<String>, thing: Value, message: impl Into<String>) -> Self {
        // Bedrock's stand within a name for reports.
        let thing = thing.get("whole").cloned().unwrap_or(thing);
        // Formats that have no `type` tell kinds by members.
        let member = if thing.get("type").is_some() { "type" } else { crate::json::kind(&thing) };
        let member = if thing.get(member).is_some() { member.to_owned() } else { String::new() };
        Self::unsupported(field, message).within(thing, member)
    }

    /// The same mistake, in this thing.
    pub(crate) fn within(mut self, thing: Value, member: impl Into<String>) -> Self {
        self.within = Some(Box::new(Within { thing, member: member.into() }));
        self
    }
}

impl From<BodyError> for ErrorInfo {
    fn from(error: BodyError) -> Self {
        let BodyError { message, param, code, .. } = error;
        // Most dialects have no place for the field but the message.
        let message = match &param {
            Some(param) if !message.contains(param.as_str()) => format!("{param}: {message}"),
            _ => message,
        };
        Self { status: 400, kind: ErrorKind::InvalidRequest, message, code, param }
    }
}

/// An upstream that answered 2xx and then broke its word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    /// The reply is not of the format that was asked for.
    #[error("upstream's reply is not {wire}: {reason}")]
    Malformed {
        /// The format that was expected.
        wire: Format,
        /// What is wrong with it; no content of the reply.
        reason: String,
    },
    /// The stream ended before its terminal event.
    #[error("upstream's stream ended before it was complete")]
    Truncated,
    /// One event of the stream is larger than is held.
    #[error("an event of upstream's stream is larger than {limit} bytes")]
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// Upstream reported an error after it had answered 2xx.
    #[error("upstream reported an error in its reply: {}", .0.message)]
    Reported(ErrorInfo),
}

impl UpstreamFault {
    pub(crate) fn malformed(wire: Format, reason: impl Into<String>) -> Self {
        Self::Malformed { wire, reason: reason.into() }
    }

    pub(crate) fn of_frame(wire: Format, error: FrameError) -> Self {
        match error {
            FrameError::TooLarge => Self::TooLarge { limit: MAX_FRAME },
            FrameError::Corrupt(_) => Self::malformed(wire, error.to_string()),
        }
    }

    pub(crate) fn not_json(wire: Format, error: &serde_json::Error) -> Self {
        Self::malformed(wire, format!("not its JSON, at line {} column {}", error.line(), error.column()))
    }
}

impl From<&UpstreamFault> for ErrorInfo {
    fn from(fault: &UpstreamFault) -> Self {
        let code = match fault {
            UpstreamFault::Reported(error) => return error.clone(),
            UpstreamFault::Malformed { .. } => "upstream_malformed",
            UpstreamFault::Truncated => "upstream_truncated",
            UpstreamFault::TooLarge { .. } => "upstream_too_large",
        };
        Self { status: 502, ..Self::new(ErrorKind::Server, fault.to_string()).with_code(code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(wire: Format, status: u16, body: &str, kind: ErrorKind, message: &str) -> ErrorInfo {
        let error = decode_error(wire.into(), status, &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
        error
    }

    #[test]
    fn upstream_errors_of_any_shape_become_one() {
        use ErrorKind::{Billing, InvalidRequest, NotFound, Overloaded, RateLimited, Server};
        use Format::{AnthropicMessages, OpenAIChat};
        let openai = r#"{"error":{"message":"no","type":"invalid_request_error","param":"n","code":null}}"#;
        let error = check(OpenAIChat, 400, openai, InvalidRequest, "no");
        assert_eq!(error.param.as_deref(), Some("n"));
        let error = check(OpenAIChat, 404, r#"{"error":{"message":"gone","code":404}}"#, NotFound, "gone");
        assert_eq!(error.code.as_deref(), Some("404"));
        check(OpenAIChat, 429, r#"{"error":{"message":"x","code":"insufficient_quota"}}"#, Billing, "x");
        check(OpenAIChat, 429, r#"{"error":{"message":"x","type":"requests"}}"#, RateLimited, "x");
        check(OpenAIChat, 422, r#"{"detail":"bad"}"#, InvalidRequest, "bad");
        check(OpenAIChat, 400, r#"{"object":"error","message":"old vllm","code":400}"#, InvalidRequest, "old vllm");
        check(OpenAIChat, 400, r#"{"error":"just text"}"#, InvalidRequest, "just text");
        check(OpenAIChat, 500, "<html><body>boom</body></html>", Server, "upstream answered 500");
        check(OpenAIChat, 503, "", Overloaded, "upstream answered 503");
        check(OpenAIChat, 502, "bad gateway\n", Server, "upstream answered 502: bad gateway");
        let anthropic = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        check(AnthropicMessages, 529, anthropic, Overloaded, "Overloaded");
        check(AnthropicMessages, 418, r#"{"error":{"type":"tea_error","message":"t"}}"#, InvalidRequest, "t");
    }

    #[test]
    fn errors_are_encoded_in_each_dialect() {
        let error = ErrorInfo::new(ErrorKind::RateLimited, "slow").with_code("c");
        let body: Value = serde_json::from_slice(&encode_error(Dialect::OpenAI, &error)).unwrap();
        assert_eq!(
            body,
            json!({"error": {"message": "slow", "type": "rate_limit_exceeded", "param": null, "code": "c"}})
        );
        let body: Value = serde_json::from_slice(&encode_error(Dialect::Anthropic, &error)).unwrap();
        assert_eq!(
            body,
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}, "request_id": null})
        );
    }

    #[test]
    fn a_529_is_a_503_for_clients_that_do_not_know_it() {
        let error = decode_error(Format::AnthropicMessages.into(), 529, &HeaderMap::new(), b"");
        assert_eq!(error.clone().for_dialect(Dialect::OpenAI).status, 503);
        assert_eq!(error.for_dialect(Dialect::Anthropic).status, 529);
    }
}
