//! Anthropic's error shape.

use crate::{ErrorInfo, ErrorKind, threads};
use serde_json::{Value, json};

/// The body of an error, and the data of an `error` event.
#[must_use]
pub fn error_body(error: &ErrorInfo) -> Value {
    let mut body = json!({
        "type": "error",
        "error": {"type": kind_name(error.kind), "message": error.message},
        "request_id": null,
    });
    if error.code.as_deref() == Some(threads::UNSUPPORTED) {
        body["error"]["details"] = json!({"error_code": threads::UNSUPPORTED, "unsupported": ["thread"]});
    }
    body
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Billing => "billing_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::Server => "api_error",
        ErrorKind::Overloaded => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
    }
}

/// The error that a body or an event reports, `None` when it reports none. `status` is that of the
/// reply, or 502 for an error inside a 200.
#[must_use]
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    let body = value.get("error").filter(|error| !error.is_null())?;
    let message = match body.get("message").unwrap_or(body) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = kind_of_name(name);
    let code = (kind.is_none() && !name.is_empty()).then(|| name.to_owned());
    let status = match kind {
        Some(kind) if status == 502 => kind.status(),
        _ => status,
    };
    let kind = kind.unwrap_or_else(|| ErrorKind::of_status(status));
    Some(ErrorInfo { status, kind, message, code, param: None })
}

fn kind_of_name(name: &str) -> Option<ErrorKind> {
    Some(match name {
        "invalid_request_error" => ErrorKind::InvalidRequest,
        "authentication_error" => ErrorKind::Authentication,
        "billing_error" => ErrorKind::Billing,
        "permission_error" => ErrorKind::Permission,
        "not_found_error" => ErrorKind::NotFound,
        "request_too_large" => ErrorKind::TooLarge,
        "rate_limit_error" => ErrorKind::RateLimited,
        "api_error" => ErrorKind::Server,
        "overloaded_error" => ErrorKind::Overloaded,
        "timeout_error" => ErrorKind::Timeout,
        _ => return None,
    })
}
