//! Errors of upstreams, in the client's dialect: shape, status and words kept.

use pillion_llm::{Dialect, ErrorInfo, ErrorKind, Format, encode_error};
use serde_json::{Value, json};

use crate::corpus::Case;
use crate::drive::exchange;
use crate::excluded::over_cases;
use crate::replies::equal;

#[test]
fn recorded_errors_keep_status_and_words_in_both_dialects() {
    over_cases(
        "error",
        |case| !case.ok(),
        |case| {
            for client in [case.format, case.other()] {
                let error = exchange(client, case.provider(), case.format).error(case.status, &case.response);
                let status = if case.status == 529 && client == Format::OpenAIChat { 503 } else { case.status };
                equal("status", &error.status, &status)?;
                let body: Value =
                    serde_json::from_slice(&encode_error(client.dialect(), &error)).map_err(|e| e.to_string())?;
                shape(client.dialect(), &body)?;
                if client == Format::AnthropicMessages
                    && !fits(case.status, body["error"]["type"].as_str().unwrap_or_default())
                {
                    return Err(format!("{} is told as {body}", case.status));
                }
                let message = body["error"]["message"].as_str().unwrap_or_default();
                match words(case) {
                    Some(words) if !message.contains(&words) => {
                        return Err(format!("'{words}' is lost in '{message}'"));
                    }
                    None if message.contains('<') => return Err(format!("markup reaches the client: {message}")),
                    None if !message.contains(&case.status.to_string()) => {
                        return Err(format!("no status in '{message}'"));
                    }
                    _ => {}
                }
            }
            Ok(())
        },
    );
}

/// The type that the table of errors has for a status.
fn fits(status: u16, kind: &str) -> bool {
    match status {
        400 | 422 => kind == "invalid_request_error",
        401 => kind == "authentication_error",
        403 => kind == "permission_error",
        404 => kind == "not_found_error",
        429 => ["rate_limit_error", "billing_error"].contains(&kind),
        529 => kind == "overloaded_error",
        500.. => ["api_error", "overloaded_error", "timeout_error"].contains(&kind),
        _ => true,
    }
}

/// Upstream's own words; `None` where it sent markup or nothing.
fn words(case: &Case) -> Option<String> {
    let Ok(body) = serde_json::from_slice::<Value>(&case.response) else {
        let text = String::from_utf8_lossy(&case.response).trim().to_owned();
        return (!text.is_empty() && !text.starts_with('<')).then_some(text);
    };
    let found = [&body["error"]["message"], &body["message"], &body["error"], &body["detail"]];
    found.into_iter().find_map(|value| value.as_str().map(str::to_owned))
}

fn shape(dialect: Dialect, body: &Value) -> Result<(), String> {
    let error = &body["error"];
    let told = |key: &str| error.get(key).is_some();
    let ok = match dialect {
        Dialect::OpenAI => {
            error["message"].is_string()
                && error["type"].is_string()
                && told("param")
                && told("code")
                && body.get("type").is_none()
        }
        Dialect::Anthropic => {
            body["type"] == "error"
                && error["message"].is_string()
                && ANTHROPIC.contains(&error["type"].as_str().unwrap_or_default())
        }
    };
    if ok { Ok(()) } else { Err(format!("not the shape of {dialect}: {body}")) }
}

const ANTHROPIC: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
];

#[test]
fn each_kind_has_the_words_of_both_dialects() {
    use ErrorKind::{
        Authentication, Billing, InvalidRequest, NotFound, Overloaded, Permission, RateLimited, Server, Timeout,
        TooLarge,
    };
    // The table of errors: type or code of OpenAI, type of Anthropic, status.
    let rows = [
        (InvalidRequest, "invalid_request_error", "invalid_request_error", 400),
        (Authentication, "invalid_api_key", "authentication_error", 401),
        (Billing, "insufficient_quota", "billing_error", 402),
        (Permission, "permission_denied", "permission_error", 403),
        (NotFound, "model_not_found", "not_found_error", 404),
        (TooLarge, "request_too_large", "request_too_large", 413),
        (RateLimited, "rate_limit_exceeded", "rate_limit_error", 429),
        (Server, "server_error", "api_error", 500),
        (Overloaded, "server_error", "overloaded_error", 503),
        (Timeout, "timeout", "timeout_error", 504),
    ];
    for (kind, openai, anthropic, status) in rows {
        let error = ErrorInfo::new(kind, "words");
        assert_eq!(error.status, status);
        let body: Value = serde_json::from_slice(&encode_error(Dialect::OpenAI, &error)).unwrap();
        shape(Dialect::OpenAI, &body).unwrap();
        assert!(body["error"]["type"] == openai || body["error"]["code"] == openai, "{kind:?}: {body}");
        let body: Value = serde_json::from_slice(&encode_error(Dialect::Anthropic, &error)).unwrap();
        shape(Dialect::Anthropic, &body).unwrap();
        assert_eq!(body["error"], json!({"type": anthropic, "message": "words"}));
    }
}

#[test]
fn anthropics_own_words_become_openais_kinds() {
    for (kind, status, code) in [
        ("authentication_error", 401, "invalid_api_key"),
        ("not_found_error", 404, "model_not_found"),
        ("rate_limit_error", 429, "rate_limit_exceeded"),
        ("request_too_large", 413, "request_too_large"),
        ("billing_error", 402, "insufficient_quota"),
    ] {
        let upstream = json!({"type": "error", "error": {"type": kind, "message": "words"}}).to_string();
        let provider = crate::corpus::vendor(Format::AnthropicMessages);
        let error =
            exchange(Format::OpenAIChat, provider, Format::AnthropicMessages).error(status, upstream.as_bytes());
        let body: Value = serde_json::from_slice(&encode_error(Dialect::OpenAI, &error)).unwrap();
        assert_eq!((error.status, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    }
}
