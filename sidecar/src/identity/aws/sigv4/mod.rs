//! Signature Version 4 over the final request, by `aws-sigv4`. Pure: the time is passed in.

use crate::identity::clock::{seconds_between, shifted};
use crate::identity::credential::AwsKeys;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign as calculate};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use std::time::SystemTime;

/// AWS takes requests whose date is less than this off; a greater offset is corrected.
const TAKEN: i64 = 4 * 60;

/// What a request is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl<'a> Scope<'a> {
    /// For a host of Bedrock, which has two services.
    pub(crate) fn of(host: &str, region: &'a str) -> Self {
        let mantle = host.split('.').any(|label| label == "bedrock-mantle");
        Self { region, service: if mantle { "bedrock-mantle" } else { "bedrock" } }
    }
}

/// A request that cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignError {
    #[error("a header that is signed is not text")]
    Header,
    #[error("the request is not one that can be signed")]
    Request,
    #[error("the request is sent as it comes, and AWS wants a signature over its whole body")]
    Streamed,
}

/// Signs a request as it will be sent: method, URL, content type, `x-amz-*` headers and body, none of which may change
/// afterwards. Each path segment is encoded once more than in the URL, as all services but S3 want it. A former
/// signature is replaced.
pub(crate) fn sign(
    method: &Method,
    url: &Uri,
    headers: &mut HeaderMap,
    body: &[u8],
    keys: &AwsKeys,
    scope: &Scope<'_>,
    time: SystemTime,
) -> Result<(), SignError> {
    for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        headers.remove(name);
    }
    let is_signed = |name: &HeaderName| *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz");
    let mut signed = Vec::new();
    for (name, value) in headers.iter().filter(|(name, _)| is_signed(name)) {
        signed.push((name.as_str(), value.to_str().map_err(|_| SignError::Header)?));
    }
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let request = Signable { method: method.as_str(), url: url.to_string(), headers: signed, body };
    for (name, value) in signature(request, keys, scope, time, settings)? {
        headers.insert(name, value);
    }
    Ok(())
}

struct Signable<'a> {
    method: &'a str,
    url: String,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

/// The headers that make the request a signed one.
fn signature(
    request: Signable<'_>,
    keys: &AwsKeys,
    scope: &Scope<'_>,
    time: SystemTime,
    settings: SigningSettings,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignError> {
    let credentials = Credentials::new(
        keys.access_key_id.expose(),
        keys.secret_access_key.expose(),
        keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "pillion",
    );
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|_| SignError::Request)?
        .into();
    let headers = request.headers.into_iter();
    let signable = SignableRequest::new(request.method, request.url, headers, SignableBody::Bytes(request.body))
        .map_err(|_| SignError::Request)?;
    let (instructions, _) = calculate(signable, &parameters).map_err(|_| SignError::Request)?.into_parts();
    let (headers, _) = instructions.into_parts();
    let mut ready = Vec::with_capacity(headers.len());
    for header in &headers {
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| SignError::Header)?;
        value.set_sensitive(header.sensitive() || header.name() == "authorization");
        ready.push((HeaderName::from_static(header.name()), value));
    }
    Ok(ready)
}

/// Whether an error's code says that our clock may be wrong: those that AWS's own SDKs go by, and some of older services.
/// Bedrock refuses some old dates as if a permission were missing.
pub(crate) fn tells_skew(code: &str) -> bool {
    const CODES: [&str; 8] = [
        "AccessDeniedException",
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "SignatureExpired",
    ];
    CODES.contains(&code)
}

/// Whether an error's code says that the keys are no longer good.
pub(crate) fn tells_bad_keys(code: &str) -> bool {
    const CODES: [&str; 5] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
    ];
    CODES.contains(&code)
}

/// The offset to sign with from now on, in seconds, after a refusal that carried this date; `None` where the clocks agree
/// well enough, so that another signature would fail as well.
pub(crate) fn offset_after(date: Option<SystemTime>, wall: SystemTime, signed_with: i64) -> Option<i64> {
    let offset = seconds_between(date?, wall);
    let was_off = seconds_between(date?, shifted(wall, signed_with));
    (was_off.abs() > TAKEN).then_some(offset)
}

#[cfg(test)]
mod tests;
