//! Google's error shape: `google.rpc.Status` in JSON.

use crate::framing::{Framing, sse};
use crate::{ErrorInfo, ErrorKind};
use bytes::Bytes;
use serde_json::{Value, json};

/// The body of an error.
#[must_use]
pub fn error_body(error: &ErrorInfo) -> Value {
    let mut body = json!({"code": error.status, "message": error.message, "status": status_name(error)});
    let reason = error.code.as_ref().map(|code| {
        json!({"@type": ERROR_INFO, "reason": code.to_ascii_uppercase(), "domain": "pillion.dev", "metadata": {}})
    });
    let field = error.param.as_ref().map(|param| {
        let violation = json!({"field": param, "description": error.message});
        json!({"@type": BAD_REQUEST, "fieldViolations": [violation]})
    });
    let details: Vec<Value> = reason.into_iter().chain(field).collect();
    if !details.is_empty() {
        body["details"] = Value::Array(details);
    }
    json!({ "error": body })
}

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

/// An error as the last frame of a stream. Within an array it is the last element; within server-sent events it is
/// bare JSON, as Google's servers write it and as Google's SDKs raise it: of an event they would make an empty answer.
#[must_use]
pub fn error_frame(framing: Framing, error: &ErrorInfo) -> Bytes {
    let body = crate::json::bytes(&error_body(error));
    match framing {
        Framing::JsonArray => Bytes::from([b",\r\n", &body[..], b"]"].concat()),
        Framing::Sse | Framing::EventStream => Bytes::from([&body[..], b"\n\n"].concat()),
    }
}

fn status_name(error: &ErrorInfo) -> &'static str {
    match error.kind {
        ErrorKind::InvalidRequest if error.status == 409 => "ABORTED",
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Billing if error.status == 429 => "RESOURCE_EXHAUSTED",
        ErrorKind::Billing => "FAILED_PRECONDITION",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::RateLimited => "RESOURCE_EXHAUSTED",
        ErrorKind::Server => "INTERNAL",
        ErrorKind::Overloaded => "UNAVAILABLE",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
    }
}

/// The error that a body or a chunk reports, `None` when it reports none; on streams it may come as a list of one.
/// `status` is that of the reply, or 502 for an error inside a 200.
#[must_use]
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    let value = match value {
        Value::Array(items) => items.iter().find(|item| item.get("error").is_some())?,
        value => value,
    };
    let body = value.get("error").filter(|error| !error.is_null())?;
    let message = match body.get("message").unwrap_or(body) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let details = body.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = body.get("status").and_then(Value::as_str);
    let reason = details.iter().find_map(|detail| detail.get("reason")?.as_str());
    let told = body.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let told = told.filter(|code| (400..600).contains(code));
    let status =
        if status == 502 { told.or(name.and_then(kind_of).map(ErrorKind::status)).unwrap_or(502) } else { status };
    let kind = match reason {
        // A wrong key is an invalid argument to the Gemini API.
        Some("API_KEY_INVALID" | "API_KEY_EXPIRED") => Some(ErrorKind::Authentication),
        Some("BILLING_DISABLED") => Some(ErrorKind::Billing),
        _ => name.and_then(kind_of),
    };
    let fields = details.iter().filter_map(|detail| detail.get("fieldViolations")?.as_array()).flatten();
    let param = fields.filter_map(|violation| violation.get("field")?.as_str()).find(|field| !field.is_empty());
    Some(ErrorInfo {
        status,
        kind: kind.unwrap_or_else(|| ErrorKind::of_status(status)),
        message,
        code: reason.or(name).map(str::to_owned),
        param: param.map(str::to_owned),
    })
}

/// After how many seconds a call may be made again, where the error says (`google.rpc.RetryInfo`).
#[must_use]
pub fn retry_after(value: &Value) -> Option<u64> {
    let value = match value {
        Value::Array(items) => items.iter().find(|item| item.get("error").is_some())?,
        value => value,
    };
    let details = value.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (0.0..86_400.0).contains(&seconds).then(|| seconds.ceil().max(1.0) as u64)
}

/// The kind of a `google.rpc.Code`.
fn kind_of(name: &str) -> Option<ErrorKind> {
    Some(match name {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" | "ALREADY_EXISTS" | "ABORTED" => {
            ErrorKind::InvalidRequest
        }
        "UNAUTHENTICATED" => ErrorKind::Authentication,
        "PERMISSION_DENIED" => ErrorKind::Permission,
        "NOT_FOUND" => ErrorKind::NotFound,
        "RESOURCE_EXHAUSTED" => ErrorKind::RateLimited,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "UNIMPLEMENTED" => ErrorKind::Server,
        "UNAVAILABLE" => ErrorKind::Overloaded,
        "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
        _ => return None,
    })
}

/// One chunk of a stream.
pub(super) fn chunk(framing: Framing, begun: bool, value: &Value) -> Bytes {
    let body = crate::json::bytes(value);
    match framing {
        Framing::JsonArray => Bytes::from([if begun { &b",\r\n"[..] } else { b"[" }, &body[..]].concat()),
        Framing::Sse | Framing::EventStream => sse::write(None, &body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_goes_there_and_back() {
        use ErrorKind::{
            Authentication, InvalidRequest, NotFound, Overloaded, Permission, RateLimited, Server, Timeout,
        };
        for kind in [InvalidRequest, Authentication, Permission, NotFound, RateLimited, Server, Overloaded, Timeout] {
            let error = ErrorInfo { param: Some("n".to_owned()), ..ErrorInfo::new(kind, "m").with_code("SOME_CODE") };
            assert_eq!(read_error(&error_body(&error), error.status), Some(error.clone()));
            assert_eq!(read_error(&json!([error_body(&error)]), 502), Some(error));
        }
    }

    #[test]
    fn a_wrong_key_is_no_wrong_request() {
        let body = json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
            "details": [{"@type": ERROR_INFO, "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48s"}]}});
        let error = read_error(&body, 400).unwrap();
        assert_eq!((error.kind, error.status), (ErrorKind::Authentication, 400));
        assert_eq!(read_error(&json!({"candidates": []}), 502), None);
        assert_eq!(read_error(&json!([]), 502), None);
        assert_eq!(read_error(&json!({"error": "text"}), 503).unwrap().kind, ErrorKind::Overloaded);
    }
}
