//! The one place where a typed cause becomes a status and a body in the client's dialect.

use crate::body::ReplyBody;
use crate::identity::AuthError;
use crate::upstream::SendError;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use pillion_llm::{Dialect, ErrorInfo, ErrorKind, encode_error, error_headers};
use std::time::Duration;

/// Names the cause in replies.
pub(crate) const ERROR_HEADER: HeaderName = HeaderName::from_static("x-pillion-error");

/// Tells SDKs that another try would only repeat ours.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Client,
    Gateway,
    Upstream,
}

impl Fault {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

/// What may follow a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing: it would fail in the same way, or the request may have been acted on.
    Never,
    /// Another backend may do better; this one will not.
    Elsewhere,
    /// Nothing was sent: any backend, this one included.
    Anywhere,
}

/// Why a call was not answered with success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("host '{0}' is not one that this sidecar answers to")]
    HostRefused(String),
    #[error("{}", .0.message)]
    BadRequest(Box<ErrorInfo>),
    #[error("the request body is larger than {limit} bytes")]
    BodyTooLarge { limit: u64 },
    #[error("failed to read the request body: {0}")]
    BodyUnreadable(String),
    #[error("no more of the request body came within {0:?}")]
    BodyTimeout(Duration),
    #[error("content-encoding '{0}' is not supported; send identity, gzip, deflate, br or zstd")]
    UnsupportedEncoding(String),
    #[error("the sidecar holds as many bytes of calls as its memory allows")]
    Overloaded,
    #[error("the sidecar has no configuration yet")]
    NoSnapshot,
    #[error("no route takes {0}")]
    NoRoute(String),
    #[error("model '{0}' is not one that this workload may call")]
    ModelNotFound(String),
    #[error("the route leads to provider '{0}', which does not exist or may not be used from here")]
    BackendNotFound(String),
    #[error("every backend of the route has weight 0")]
    NoBackend,
    #[error("provider '{provider}' cannot serve this {operation} call")]
    Unservable { provider: String, operation: &'static str },
    #[error("provider '{provider}' cannot be told {} in its format, and the route allows no loss", lost.join(", "))]
    Untranslatable { provider: String, lost: Vec<String> },
    #[error("no credential for provider '{provider}': {source}")]
    CredentialUnavailable { provider: String, source: AuthError },
    #[error("no credential for provider '{provider}': {source}")]
    CredentialMissing { provider: String, source: AuthError },
    #[error("the credential of provider '{provider}' stays here: {source}")]
    CredentialHostRefused { provider: String, source: AuthError },
    #[error("failed to reach provider '{provider}': {why}")]
    ConnectFailed { provider: String, why: String },
    #[error("provider '{provider}' is at an address that is refused: {why}")]
    AddressRefused { provider: String, why: String },
    #[error("provider '{provider}' did not {what} in time")]
    UpstreamTimeout { provider: String, what: &'static str },
    #[error("the connection to provider '{provider}' broke: {why}")]
    UpstreamReset { provider: String, why: String },
    #[error("the reply of provider '{provider}' ended before it was complete")]
    UpstreamTruncated { provider: String },
    #[error("the reply of provider '{provider}' could not be understood: {why}")]
    UpstreamGarbage { provider: String, why: String },
    #[error("the reply of provider '{provider}' is larger than {limit} bytes")]
    UpstreamTooLarge { provider: String, limit: u64 },
    #[error("provider '{provider}' answered with a redirect ({status}), which is not followed")]
    UpstreamRedirect { provider: String, status: u16 },
    /// The provider said so itself; its words, its status.
    #[error("{}", .0.message)]
    UpstreamError(Box<ErrorInfo>),
}

/// What a cause means to everyone who has to act on it.
struct Meaning {
    name: &'static str,
    status: u16,
    kind: ErrorKind,
    fault: Fault,
    again: Again,
}

impl Cause {
    pub(crate) fn name(&self) -> &'static str {
        self.meaning().name
    }

    pub(crate) fn fault(&self) -> Fault {
        self.meaning().fault
    }

    pub(crate) fn again(&self) -> Again {
        self.meaning().again
    }

    #[rustfmt::skip]
    fn meaning(&self) -> Meaning {
        use Again::{Anywhere, Elsewhere, Never};
        use ErrorKind as Kind;
        use Fault::{Client, Gateway, Upstream};
        let (name, status, kind, fault, again) = match self {
            Self::HostRefused(_)               => ("host_refused",           403, Kind::Permission,     Client,   Never),
            Self::BadRequest(info)             => ("bad_request",            info.status, info.kind,    Client,   Never),
            Self::BodyTooLarge { .. }          => ("body_too_large",         413, Kind::TooLarge,       Client,   Never),
            Self::BodyUnreadable(_)            => ("body_unreadable",        400, Kind::InvalidRequest, Client,   Never),
            Self::BodyTimeout(_)               => ("body_timeout",           408, Kind::InvalidRequest, Client,   Never),
            Self::UnsupportedEncoding(_)       => ("unsupported_encoding",   415, Kind::InvalidRequest, Client,   Never),
            Self::Overloaded                   => ("overloaded",             503, Kind::Overloaded,     Gateway,  Never),
            Self::NoSnapshot                   => ("no_snapshot",            503, Kind::Overloaded,     Gateway,  Never),
            Self::NoRoute(_)                   => ("no_route",               404, Kind::NotFound,       Client,   Never),
            Self::ModelNotFound(_)             => ("model_not_found",        404, Kind::NotFound,       Client,   Never),
            Self::BackendNotFound(_)           => ("backend_not_found",      503, Kind::Server,         Gateway,  Never),
            Self::NoBackend                    => ("no_backend",             503, Kind::Server,         Gateway,  Never),
            Self::Unservable { .. }            => ("unservable",             400, Kind::InvalidRequest, Gateway,  Elsewhere),
            Self::Untranslatable { .. }        => ("untranslatable",         400, Kind::InvalidRequest, Client,   Elsewhere),
            Self::CredentialUnavailable { .. } => ("credential_unavailable", 503, Kind::Server,         Gateway,  Elsewhere),
            Self::CredentialMissing { .. }     => ("credential_missing",     401, Kind::Authentication, Client,   Elsewhere),
            Self::CredentialHostRefused { .. } => ("credential_host_refused", 502, Kind::Server,        Gateway,  Elsewhere),
            Self::ConnectFailed { .. }         => ("connect_failed",         502, Kind::Server,         Upstream, Anywhere),
            Self::AddressRefused { .. }        => ("address_refused",        502, Kind::Server,         Gateway,  Elsewhere),
            Self::UpstreamTimeout { .. }       => ("upstream_timeout",       504, Kind::Timeout,        Upstream, Never),
            Self::UpstreamReset { .. }         => ("upstream_reset",         502, Kind::Server,         Upstream, Never),
            Self::UpstreamTruncated { .. }     => ("upstream_truncated",     502, Kind::Server,         Upstream, Never),
            Self::UpstreamGarbage { .. }       => ("upstream_garbage",       502, Kind::Server,         Upstream, Never),
            Self::UpstreamTooLarge { .. }      => ("upstream_too_large",     502, Kind::Server,         Upstream, Never),
            Self::UpstreamRedirect { .. }      => ("upstream_redirect",      502, Kind::Server,         Upstream, Never),
            Self::UpstreamError(info)          => ("upstream_error",         info.status, info.kind,    Upstream, Never),
        };
        Meaning { name, status, kind, fault, again }
    }

    /// After how many seconds the same call may do better, where that is known.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Overloaded | Self::NoSnapshot => Some(1),
            Self::CredentialUnavailable { source: AuthError::Unavailable(why), .. } => {
                Some(why.retry_in().as_secs_f64().ceil().max(1.0) as u64)
            }
            _ => None,
        }
    }

    /// As the client's dialect will be told.
    pub(crate) fn info(&self) -> ErrorInfo {
        if let Self::BadRequest(info) | Self::UpstreamError(info) = self {
            return (**info).clone();
        }
        let Meaning { name, status, kind, .. } = self.meaning();
        let param = match self {
            Self::Untranslatable { lost, .. } => lost.first().cloned(),
            _ => None,
        };
        ErrorInfo { status, kind, message: self.to_string(), code: Some(name.into()), param }
    }

    /// What a log line may say. `None` where the text may repeat what a client or a provider wrote.
    pub(crate) fn detail(&self) -> Option<String> {
        let repeats = matches!(
            self,
            Self::BadRequest(_) | Self::UpstreamError(_) | Self::HostRefused(_) | Self::Untranslatable { .. }
        );
        (!repeats).then(|| self.to_string())
    }

    /// Tells the failures of one attempt to send.
    pub(crate) fn of_send(error: SendError, provider: &str) -> Self {
        let provider = provider.to_owned();
        match error {
            SendError::Connect(why) => Self::ConnectFailed { provider, why },
            SendError::ConnectTimeout(after) => {
                Self::ConnectFailed { provider, why: format!("no connection within {after:?}") }
            }
            SendError::Refused(why) => Self::AddressRefused { provider, why },
            SendError::Timeout => Self::UpstreamTimeout { provider, what: "answer" },
            SendError::Broken(why) => Self::UpstreamReset { provider, why },
        }
    }

    /// Tells the failures of adding a credential.
    pub(crate) fn of_auth(source: AuthError, provider: &str) -> Self {
        let provider = provider.to_owned();
        match source {
            AuthError::ClientSentNone => Self::CredentialMissing { provider, source },
            AuthError::HostRefused(_) => Self::CredentialHostRefused { provider, source },
            source => Self::CredentialUnavailable { provider, source },
        }
    }
}

/// A failed call: its cause, and what the reply says beside it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// Every attempt that the rule allows was made: SDKs should not repeat them.
    pub(crate) spent: bool,
    /// Headers of the upstream that may go back (`retry-after`, request ids).
    pub(crate) headers: Box<HeaderMap>,
    /// The provider's own words, where the client speaks its dialect.
    pub(crate) raw: Option<Box<RawBody>>,
}

/// An error as a provider wrote it.
#[derive(Debug)]
pub(crate) struct RawBody {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
}

impl RawBody {
    /// An error in our words for it.
    fn of(dialect: Dialect, info: &ErrorInfo) -> Self {
        Self {
            status: StatusCode::from_u16(info.status).unwrap_or(StatusCode::BAD_GATEWAY),
            content_type: HeaderValue::from_static("application/json"),
            body: encode_error(dialect, info),
        }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, spent: false, headers: Box::default(), raw: None }
    }
}

impl Failure {
    /// The whole reply, save the headers that every reply carries.
    pub(crate) fn into_response(self, dialect: Dialect) -> Response<ReplyBody> {
        let mut own = *self.headers;
        let told = match self.raw {
            // Which error its words are the provider's own header says; there are more of them than we have kinds.
            Some(raw) => *raw,
            None => {
                let info = self.cause.info();
                own.extend(error_headers(dialect, &info));
                RawBody::of(dialect, &info)
            }
        };
        let mut response = Response::new(ReplyBody::full(told.body));
        *response.status_mut() = told.status;
        let headers = response.headers_mut();
        *headers = own;
        headers.insert(header::CONTENT_TYPE, told.content_type);
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.cause.name()));
        if self.spent {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.cause.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
