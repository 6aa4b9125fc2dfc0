//! OpenAI's error shape, and those of servers that imitate it.

use crate::{ErrorInfo, ErrorKind};
use serde_json::{Value, json};

/// The body of an error.
#[must_use]
pub fn error_body(error: &ErrorInfo) -> Value {
    json!({"error": {
        "message": error.message,
        "type": kind_name(error.kind),
        "param": error.param,
        "code": error.code.as_deref().or_else(|| default_code(error.kind)),
    }})
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge | ErrorKind::NotFound => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Billing => "insufficient_quota",
        ErrorKind::Permission => "permission_denied",
        ErrorKind::RateLimited => "rate_limit_exceeded",
        ErrorKind::Server | ErrorKind::Overloaded => "server_error",
        ErrorKind::Timeout => "timeout",
    }
}

fn default_code(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Authentication => Some("invalid_api_key"),
        ErrorKind::Billing => Some("insufficient_quota"),
        ErrorKind::NotFound => Some("model_not_found"),
        ErrorKind::RateLimited => Some("rate_limit_exceeded"),
        ErrorKind::TooLarge => Some("request_too_large"),
        _ => None,
    }
}

/// The error that a body or an event reports, `None` when it reports none. Beside OpenAI's own shape:
/// `{"error": "text"}`, `{"object": "error", "message": …}` (vLLM), `{"detail": …}` (FastAPI), `{"message": …}`
/// without `choices`; `code` may be a number. `status` is that of
/// the reply, or 502 for an error inside a 200.
#[must_use]
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    let error = value.get("error").filter(|error| !error.is_null());
    let body = match error {
        Some(Value::String(message)) => return Some(build(message.clone(), value, status)),
        Some(error) => error,
        None if value.get("object").and_then(Value::as_str) == Some("error") => value,
        None if value.get("choices").is_none() && value.get("message").is_some_and(Value::is_string) => value,
        None => return value.get("detail").map(|detail| build(plain(detail), value, status)),
    };
    let message = match body.get("message") {
        Some(message) => plain(message),
        None => plain(body),
    };
    Some(build(message, body, status))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The status of an error inside of a 200.
const WITHIN_A_REPLY: u16 = 502;
/// Codes that blame the request, whoever writes them.
const BLAMES: [&str; 2] = ["context_length_exceeded", "invalid_prompt"];

fn build(message: String, body: &Value, status: u16) -> ErrorInfo {
    let code = body.get("code").filter(|code| !code.is_null()).map(plain);
    let param = body.get("param").and_then(Value::as_str).map(str::to_owned);
    let status = told_status(body).unwrap_or(status);
    let names = [code.as_deref().unwrap_or_default(), body.get("type").and_then(Value::as_str).unwrap_or_default()];
    let named = names.into_iter().find_map(kind_of_name);
    // Inside of a 200 no status says what the name does.
    let within = status == WITHIN_A_REPLY;
    let status = match named {
        Some(ErrorKind::InvalidRequest) if within && BLAMES.contains(&names[0]) => 400,
        Some(kind) if within && !matches!(kind, ErrorKind::InvalidRequest | ErrorKind::Server) => kind.status(),
        _ => status,
    };
    let kind = match named {
        // Imitators call everything an invalid request or an error of the API (Ollama: a 401); the status knows better.
        None | Some(ErrorKind::InvalidRequest | ErrorKind::Server) => ErrorKind::of_status(status),
        Some(kind) => kind,
    };
    ErrorInfo { status, kind, message, code, param }
}

/// Errors inside a 200 carry their status as `code` (OpenRouter), `status_code` (Groq) or `status`.
fn told_status(body: &Value) -> Option<u16> {
    ["status", "status_code", "code"]
        .into_iter()
        .filter_map(|key| body.get(key)?.as_u64())
        .filter_map(|status| u16::try_from(status).ok())
        .find(|status| (400..600).contains(status))
}

fn kind_of_name(name: &str) -> Option<ErrorKind> {
    Some(match name {
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_error" => ErrorKind::Billing,
        "invalid_api_key" | "authentication_error" => ErrorKind::Authentication,
        "permission_denied" | "permission_error" | "insufficient_permissions" => ErrorKind::Permission,
        "model_not_found" | "not_found_error" | "not_found" => ErrorKind::NotFound,
        "rate_limit_exceeded" | "rate_limit_error" | "requests" | "tokens" => ErrorKind::RateLimited,
        "context_length_exceeded" | "invalid_request_error" | "invalid_prompt" => ErrorKind::InvalidRequest,
        "overloaded_error" | "engine_overloaded" => ErrorKind::Overloaded,
        "server_error" | "api_error" | "internal_server_error" | "internal_error" => ErrorKind::Server,
        "timeout" | "timeout_error" => ErrorKind::Timeout,
        _ => return None,
    })
}
