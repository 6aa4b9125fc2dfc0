//! Errors in the vendors' own words: as a reply, and in the middle of a stream.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Format, Vendor};
use super::frames;

/// What a stream that breaks says.
pub(super) const BROKEN: &str = "the recorded provider was told to break";

/// The body of an error, and the header that goes with it.
pub(super) fn body(vendor: Vendor, status: StatusCode, message: &str) -> (Value, Option<(&'static str, &'static str)>) {
    let code = status.as_u16();
    let body = match vendor {
        Vendor::OpenAI | Vendor::AzureOpenAI => {
            json!({"error": {"message": message, "type": kind(code), "param": null, "code": null}})
        }
        Vendor::Anthropic => {
            json!({"type": "error", "error": {"type": kind(code), "message": message}, "request_id": "req_011Pillion"})
        }
        Vendor::Gemini | Vendor::VertexAI => {
            json!({"error": {"code": code, "message": message, "status": google_status(code)}})
        }
        Vendor::Bedrock => return (json!({"message": message}), Some(("x-amzn-errortype", exception(code)))),
        Vendor::Cohere => json!({"id": "00000000-0000-4000-8000-000000000000", "message": message}),
    };
    (body, None)
}

/// OpenAI's and Anthropic's word.
fn kind(code: u16) -> &'static str {
    match code {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn google_status(code: u16) -> &'static str {
    match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

fn exception(code: u16) -> &'static str {
    match code {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    }
}

/// Google's error, as the last element of an array.
pub(super) fn google_error() -> String {
    json!({"error": {"code": 503, "message": BROKEN, "status": "UNAVAILABLE"}}).to_string()
}

/// The event with which a stream breaks: a message of an AWS event stream where `binary`, else a server-sent event.
pub(super) fn event(vendor: Vendor, format: Format, binary: bool) -> Bytes {
    if binary {
        let headers = [
            (":exception-type", "modelStreamErrorException"),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        let payload = json!({"message": BROKEN, "originalMessage": BROKEN, "originalStatusCode": 500});
        return frames::message(&headers, &payload.to_string());
    }
    let (name, data) = match vendor {
        Vendor::OpenAI | Vendor::AzureOpenAI if format == Format::Responses => (
            Some("error"),
            json!({"type": "error", "sequence_number": 99, "code": "server_error", "message": BROKEN, "param": null}),
        ),
        Vendor::OpenAI | Vendor::AzureOpenAI => {
            (None, json!({"error": {"message": BROKEN, "type": "server_error", "param": null, "code": null}}))
        }
        Vendor::Anthropic | Vendor::Bedrock => {
            (Some("error"), json!({"type": "error", "error": {"type": "overloaded_error", "message": BROKEN}}))
        }
        // Vertex AI serves Anthropic's models in their own format.
        Vendor::VertexAI if format == Format::Messages => return event(Vendor::Anthropic, format, binary),
        // Bare JSON, as Google's servers write it in the midst of events.
        Vendor::Gemini | Vendor::VertexAI => return format!("{}\n\n", google_error()).into(),
        Vendor::Cohere => {
            (Some("message-end"), json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": BROKEN}}))
        }
    };
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into()
}
