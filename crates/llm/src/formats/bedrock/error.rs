//! Errors of AWS: a message in the body, the kind in the header `x-amzn-errortype`, or in the name of a stream's
//! exception.

use crate::framing::event_stream;
use crate::{ErrorInfo, ErrorKind};
use bytes::Bytes;
use serde_json::{Value, json};

/// The body of an error.
#[must_use]
pub fn error_body(error: &ErrorInfo) -> Value {
    json!({"message": error.message})
}

/// What the header `x-amzn-errortype` says of a kind.
#[must_use]
pub fn error_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "ValidationException",
        ErrorKind::Authentication => "UnrecognizedClientException",
        ErrorKind::Billing => "ServiceQuotaExceededException",
        ErrorKind::Permission => "AccessDeniedException",
        ErrorKind::NotFound => "ResourceNotFoundException",
        ErrorKind::RateLimited => "ThrottlingException",
        ErrorKind::Server => "InternalServerException",
        ErrorKind::Overloaded => "ServiceUnavailableException",
        ErrorKind::Timeout => "ModelTimeoutException",
    }
}

/// The kind of a name as the header, a body's `__type` or a stream's exception has it: a namespace may stand before
/// it, an address behind it, and streams begin it in lower case.
pub(crate) fn kind_of(name: &str) -> Option<ErrorKind> {
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().trim();
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    const KINDS: &[(ErrorKind, &[&str])] = &[
        (ErrorKind::InvalidRequest, &["ValidationException", "ConflictException", "SerializationException"]),
        (
            ErrorKind::Authentication,
            &[
                "ExpiredTokenException",
                "IncompleteSignatureException",
                "InvalidSignatureException",
                "MissingAuthenticationTokenException",
                "UnrecognizedClientException",
            ],
        ),
        (ErrorKind::Permission, &["AccessDeniedException", "OptInRequired"]),
        (ErrorKind::NotFound, &["ResourceNotFoundException", "UnknownOperationException"]),
        (ErrorKind::TooLarge, &["RequestEntityTooLargeException"]),
        (ErrorKind::RateLimited, &["ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"]),
        (ErrorKind::Overloaded, &["ServiceUnavailableException", "ServiceUnavailable", "ModelNotReadyException"]),
        (ErrorKind::Timeout, &["ModelTimeoutException", "RequestTimeoutException"]),
        (
            ErrorKind::Server,
            &["InternalServerException", "InternalFailure", "ModelErrorException", "ModelStreamErrorException"],
        ),
    ];
    KINDS.iter().find(|(_, names)| is(names)).map(|(kind, _)| *kind)
}

/// The error that a body reports, `None` when it reports none. `status` is that of the reply, or 502 for an error
/// inside a 200.
#[must_use]
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    if value.get("output").is_some() {
        return None;
    }
    let message = ["message", "Message"].iter().find_map(|key| value.get(*key)?.as_str())?;
    let name = ["__type", "code"].iter().find_map(|key| value.get(*key)?.as_str()).unwrap_or_default();
    let kind = kind_of(name);
    let told = kind.filter(|_| status == 502).map(ErrorKind::status);
    let kind = kind.unwrap_or_else(|| of_status(status));
    Some(ErrorInfo { status: told.unwrap_or(status), kind, message: message.to_owned(), code: None, param: None })
}

/// 424 is the model's own failure.
fn of_status(status: u16) -> ErrorKind {
    if status == 424 { ErrorKind::Server } else { ErrorKind::of_status(status) }
}

/// The error of a stream's exception.
pub(crate) fn exception(name: &str, value: &Value) -> ErrorInfo {
    let kind = kind_of(name).unwrap_or(ErrorKind::Server);
    let told = value.get("originalStatusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = told.filter(|status| (400..600).contains(status)).unwrap_or(kind.status());
    let message = ["message", "Message", "originalMessage"].iter().find_map(|key| value.get(*key)?.as_str());
    let message = message.unwrap_or(if name.is_empty() { "the stream broke" } else { name }).to_owned();
    ErrorInfo { status, kind, message, code: None, param: None }
}

/// An error as the last frame of a client's stream: one of the exceptions that such a stream may hold.
#[must_use]
pub fn error_frame(error: &ErrorInfo) -> Bytes {
    let mut body = error_body(error);
    let name = match error.kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "validationException",
        ErrorKind::RateLimited => "throttlingException",
        ErrorKind::Overloaded => "serviceUnavailableException",
        ErrorKind::Server => "internalServerException",
        ErrorKind::Authentication
        | ErrorKind::Billing
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::Timeout => {
            body["originalStatusCode"] = json!(error.status);
            body["originalMessage"] = json!(error.message);
            "modelStreamErrorException"
        }
    };
    event_stream::write_exception(name, &crate::json::bytes(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_names_in_every_spelling() {
        let header = "UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral.service/";
        assert_eq!(kind_of(header), Some(ErrorKind::Authentication));
        assert_eq!(kind_of("com.amazon.coral.service#AccessDeniedException"), Some(ErrorKind::Permission));
        assert_eq!(kind_of("throttlingException"), Some(ErrorKind::RateLimited));
        assert_eq!(kind_of("TomorrowsException"), None);
        use ErrorKind::*;
        for kind in [InvalidRequest, Authentication, Permission, NotFound, RateLimited, Server, Overloaded, Timeout] {
            assert_eq!(kind_of(error_type(kind)), Some(kind));
        }
    }

    #[test]
    fn a_body_with_a_message_and_no_output_is_an_error() {
        let read = |value: Value, status| read_error(&value, status).map(|error| (error.kind, error.status));
        assert_eq!(read(json!({"message": "no"}), 400), Some((ErrorKind::InvalidRequest, 400)));
        assert_eq!(read(json!({"Message": "no"}), 403), Some((ErrorKind::Permission, 403)));
        assert_eq!(read(json!({"message": "m", "originalStatusCode": 500}), 424), Some((ErrorKind::Server, 424)));
        assert_eq!(
            read(json!({"message": "slow", "__type": "ThrottlingException"}), 502),
            Some((ErrorKind::RateLimited, 429))
        );
        assert_eq!(read(json!({"output": {"message": {}}}), 502), None);
        assert_eq!(read(json!({"message": {}}), 502), None);
    }
}
