//! Errors of upstreams, in the client's dialect: shape, status and words kept.

use http::HeaderMap;
use pillion_llm::{Dialect, ErrorInfo, ErrorKind, Format, encode_error, error_headers};
use serde_json::{Value, json};

use crate::corpus::Case;
use crate::drive::exchange;
use crate::excluded::over_pairs;
use crate::parties::{FORMATS, dialects, vendor};
use crate::replies::equal;
use crate::schema::{self, Book, What};

#[test]
fn recorded_errors_keep_status_and_words_in_every_dialect() {
    over_pairs(
        "error",
        |case| !case.ok(),
        |_| FORMATS,
        |case, client| {
            let error =
                exchange(**client, case.provider(), case.wire).error(case.status, &case.headers, &case.response);
            let status = if case.status == 529 && **client != Format::AnthropicMessages { 503 } else { case.status };
            equal("status", &error.status, &status)?;
            let dialect = client.dialect();
            let body: Value = serde_json::from_slice(&encode_error(dialect, &error)).map_err(|e| e.to_string())?;
            shape(dialect, &error, &body)?;
            fits(dialect, case.status, &kind(dialect, &error, &body))?;
            let message = message(dialect, &body);
            match words(case) {
                Some(words) if !message.contains(&words) => Err(format!("'{words}' is lost in '{message}'")),
                None if message.contains('<') => Err(format!("markup reaches the client: {message}")),
                None if !message.contains(&case.status.to_string()) => Err(format!("no status in '{message}'")),
                _ => Ok(()),
            }
        },
    );
}

/// What a dialect calls an error: its type, its gRPC status, its exception.
fn kind(dialect: Dialect, error: &ErrorInfo, body: &Value) -> String {
    let kind = match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI | Dialect::Anthropic => body["error"]["type"].as_str(),
        Dialect::Gemini | Dialect::VertexAI => body["error"]["status"].as_str(),
        Dialect::Bedrock => {
            return error_headers(dialect, error)["x-amzn-errortype"].to_str().unwrap().to_owned();
        }
        Dialect::Cohere => None,
    };
    kind.unwrap_or_default().to_owned()
}

/// Whether a status has the kind that the vendor's documents have for it.
fn fits(dialect: Dialect, status: u16, kind: &str) -> Result<(), String> {
    let kinds: &[&str] = match (dialect, status) {
        // The words may say more than the status: Google answers a wrong key with 400, OpenAI an unknown model.
        (Dialect::Anthropic, 400 | 422) => &["invalid_request_error", "authentication_error", "not_found_error"],
        (Dialect::Anthropic, 401) => &["authentication_error"],
        (Dialect::Anthropic, 403) => &["permission_error", "authentication_error"],
        (Dialect::Anthropic, 404) => &["not_found_error"],
        (Dialect::Anthropic, 429) => &["rate_limit_error", "billing_error"],
        (Dialect::Anthropic, 529) => &["overloaded_error"],
        (Dialect::Anthropic, 500..) => &["api_error", "overloaded_error", "timeout_error"],
        (Dialect::Gemini | Dialect::VertexAI, 400 | 422) => {
            &["INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNAUTHENTICATED", "NOT_FOUND"]
        }
        (Dialect::Gemini | Dialect::VertexAI, 401) => &["UNAUTHENTICATED"],
        (Dialect::Gemini | Dialect::VertexAI, 403) => &["PERMISSION_DENIED", "UNAUTHENTICATED"],
        (Dialect::Gemini | Dialect::VertexAI, 404) => &["NOT_FOUND"],
        (Dialect::Gemini | Dialect::VertexAI, 429) => &["RESOURCE_EXHAUSTED"],
        (Dialect::Gemini | Dialect::VertexAI, 500..) => &["INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN"],
        (Dialect::Bedrock, 400 | 422) => {
            &["ValidationException", "ResourceNotFoundException", "UnrecognizedClientException"]
        }
        (Dialect::Bedrock, 401 | 403) => {
            &["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"]
        }
        (Dialect::Bedrock, 404) => &["ResourceNotFoundException"],
        (Dialect::Bedrock, 429) => &["ThrottlingException", "ServiceQuotaExceededException"],
        (Dialect::Bedrock, 500..) => {
            &["InternalServerException", "ServiceUnavailableException", "ModelErrorException", "ModelTimeoutException"]
        }
        _ => return Ok(()),
    };
    if kinds.contains(&kind) { Ok(()) } else { Err(format!("{status} is told as '{kind}'")) }
}

/// Upstream's own words; `None` where it sent markup or nothing.
fn words(case: &Case) -> Option<String> {
    let Ok(body) = serde_json::from_slice::<Value>(&case.response) else {
        let text = String::from_utf8_lossy(&case.response).trim().to_owned();
        return (!text.is_empty() && !text.starts_with('<')).then_some(text);
    };
    // Streams of Google's wrap their errors in an array.
    let body = body.get(0).unwrap_or(&body);
    let found = [&body["error"]["message"], &body["message"], &body["Message"], &body["error"], &body["detail"]];
    found.into_iter().find_map(|value| value.as_str().map(str::to_owned))
}

pub(crate) fn message(dialect: Dialect, body: &Value) -> String {
    let message = match dialect {
        Dialect::Bedrock | Dialect::Cohere => &body["message"],
        _ => &body["error"]["message"],
    };
    message.as_str().unwrap_or_default().to_owned()
}

fn shape(dialect: Dialect, info: &ErrorInfo, body: &Value) -> Result<(), String> {
    let error = &body["error"];
    let told = |key: &str| error.get(key).is_some();
    let ok = match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI => {
            error["type"].is_string() && told("param") && told("code") && body.get("type").is_none()
        }
        Dialect::Anthropic => {
            body["type"] == "error" && ANTHROPIC.contains(&error["type"].as_str().unwrap_or_default())
        }
        // google.rpc.Status as Google's APIs write it.
        Dialect::Gemini | Dialect::VertexAI => error["code"] == json!(info.status) && error["status"].is_string(),
        // The kind is told in a header.
        Dialect::Bedrock => error.is_null() && error_headers(dialect, info).contains_key("x-amzn-errortype"),
        Dialect::Cohere => error.is_null(),
    };
    if !ok || message(dialect, body).is_empty() {
        return Err(format!("not the shape of {dialect}: {body}"));
    }
    if kind(dialect, info, body) == "request_too_large" {
        // Anthropic's page of errors has it, its document has not.
        return Ok(());
    }
    let format = FORMATS.iter().find(|format| format.dialect() == dialect);
    format.map_or(Ok(()), |format| schema::check(Book::of(*format), What::Error, body))
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
fn each_kind_has_the_words_of_every_dialect() {
    use ErrorKind::{
        Authentication, Billing, InvalidRequest, NotFound, Overloaded, Permission, RateLimited, Server, Timeout,
        TooLarge,
    };
    // The table of errors: type or code of OpenAI, type of Anthropic, status of Google, exception of AWS, HTTP's status.
    let rows = [
        (
            InvalidRequest,
            "invalid_request_error",
            "invalid_request_error",
            "INVALID_ARGUMENT",
            "ValidationException",
            400,
        ),
        (
            Authentication,
            "invalid_api_key",
            "authentication_error",
            "UNAUTHENTICATED",
            "UnrecognizedClientException",
            401,
        ),
        (Billing, "insufficient_quota", "billing_error", "FAILED_PRECONDITION", "ServiceQuotaExceededException", 402),
        (Permission, "permission_denied", "permission_error", "PERMISSION_DENIED", "AccessDeniedException", 403),
        (NotFound, "model_not_found", "not_found_error", "NOT_FOUND", "ResourceNotFoundException", 404),
        (TooLarge, "request_too_large", "request_too_large", "INVALID_ARGUMENT", "ValidationException", 413),
        (RateLimited, "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException", 429),
        (Server, "server_error", "api_error", "INTERNAL", "InternalServerException", 500),
        (Overloaded, "server_error", "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", 503),
        (Timeout, "timeout", "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException", 504),
    ];
    for (kind, openai, anthropic, google, aws, status) in rows {
        let error = ErrorInfo::new(kind, "words");
        assert_eq!(error.status, status);
        for dialect in dialects() {
            let body: Value = serde_json::from_slice(&encode_error(dialect, &error)).unwrap();
            shape(dialect, &error, &body).unwrap();
            assert_eq!(message(dialect, &body), "words");
            let name = self::kind(dialect, &error, &body);
            let expected = match dialect {
                Dialect::OpenAI | Dialect::AzureOpenAI if body["error"]["code"] == openai => continue,
                Dialect::OpenAI | Dialect::AzureOpenAI => openai,
                Dialect::Anthropic => anthropic,
                Dialect::Gemini | Dialect::VertexAI => google,
                Dialect::Bedrock => aws,
                Dialect::Cohere => continue,
            };
            assert_eq!(name, expected, "{dialect}: {body}");
        }
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
        let wire = Format::AnthropicMessages;
        let error =
            exchange(Format::OpenAIChat, vendor(wire), wire).error(status, &HeaderMap::new(), upstream.as_bytes());
        let body: Value = serde_json::from_slice(&encode_error(Dialect::OpenAI, &error)).unwrap();
        assert_eq!((error.status, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    }
}
