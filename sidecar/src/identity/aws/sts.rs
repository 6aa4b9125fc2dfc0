//! The Security Token Service: what is asked of it and how its replies are read. Never sends anything.

use super::Given;
use crate::identity::credential::AwsKeys;
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::lifetime::{Expiry, timestamp};
use crate::identity::reply::code as plain_code;
use crate::identity::secret::Secret;
use crate::identity::transport::{Ask, Reply};
use http::Uri;
use pillion_snapshot::AssumeRole;

/// The longest that a chained session may last; every role allows it.
const DURATION: &str = "3600";
const VERSION: (&str, &str) = ("Version", "2011-06-15");

/// Asks for keys of a role with a token of the pod. Not signed.
pub(super) fn web_identity(region: &str, role: &str, session: &str, token: &Secret) -> Result<Ask, ExchangeError> {
    let pairs = [
        ("Action", "AssumeRoleWithWebIdentity"),
        VERSION,
        ("RoleArn", role),
        ("RoleSessionName", session),
        ("WebIdentityToken", token.expose()),
        ("DurationSeconds", DURATION),
    ];
    Ok(Ask::form(endpoint(region)?, pairs))
}

/// Asks for keys of a role; to be signed.
pub(super) fn assume_role(region: &str, role: &AssumeRole, session: &str) -> Result<Ask, ExchangeError> {
    let session = role.session_name.as_deref().unwrap_or(session);
    let mut pairs = vec![
        ("Action", "AssumeRole"),
        VERSION,
        ("RoleArn", role.role_arn.as_str()),
        ("RoleSessionName", session),
        ("DurationSeconds", DURATION),
    ];
    pairs.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    let numbered = |i: usize, part: &str| format!("Tags.member.{}.{part}", i + 1);
    let names: Vec<_> = (0..role.tags.len()).map(|i| (numbered(i, "Key"), numbered(i, "Value"))).collect();
    for ((key_name, value_name), (key, value)) in names.iter().zip(&role.tags) {
        pairs.extend([(key_name.as_str(), key.as_str()), (value_name.as_str(), value.as_str())]);
    }
    Ok(Ask::form(endpoint(region)?, pairs))
}

/// The service of a region, by its partition.
fn endpoint(region: &str) -> Result<Uri, ExchangeError> {
    let suffix = match region.split('-').next().unwrap_or_default() {
        "cn" => "amazonaws.com.cn",
        "eusc" => "amazonaws.eu",
        "us" if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        "us" if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        "us" if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ => "amazonaws.com",
    };
    let plain = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let url = format!("https://sts.{region}.{suffix}/");
    url.parse().ok().filter(|_| plain).ok_or_else(|| ExchangeError::misconfigured(format!("'{region}' is no region")))
}

/// Keys, or why there are none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if !reply.status.is_success() {
        return Err(failure(reply));
    }
    let text = std::str::from_utf8(&reply.body).map_err(|_| ExchangeError::garbage("STS", "it is not text"))?;
    let missing = |tag: &str| ExchangeError::garbage("STS", format!("it has no {tag}"));
    let secret = |tag: &str| {
        let value = element(text, tag).ok_or_else(|| missing(tag))?;
        Secret::parse(value.as_bytes()).map_err(|why| ExchangeError::garbage("STS", format!("{tag}: {why}")))
    };
    let end = element(text, "Expiration").ok_or_else(|| missing("Expiration"))?;
    let end = timestamp(&end).ok_or_else(|| ExchangeError::garbage("STS", "Expiration is no time"))?;
    Ok(Given {
        keys: AwsKeys {
            access_key_id: secret("AccessKeyId")?,
            secret_access_key: secret("SecretAccessKey")?,
            session_token: Some(secret("SessionToken")?),
        },
        expiry: Expiry::At(end),
    })
}

/// The code of an error, where the reply has one.
pub(super) fn code(reply: &Reply) -> Option<String> {
    let text = std::str::from_utf8(&reply.body).ok()?;
    element(text, "Code").and_then(|code| plain_code(&code).map(str::to_owned))
}

fn failure(reply: &Reply) -> ExchangeError {
    let code = code(reply);
    let plain = reply.failure("STS", code.as_deref());
    let typed = |reason, pace| ExchangeError { reason, pace, ..plain.clone() };
    match code.as_deref() {
        // STS could not fetch the keys of the cluster's issuer.
        Some("IDPCommunicationError") => typed("issuer_unreachable", Pace::Soon),
        Some("Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException") => {
            typed("throttled", Pace::Soon)
        }
        Some("InvalidIdentityToken" | "ExpiredTokenException" | "IDPRejectedClaim") => {
            typed("token_refused", Pace::Later)
                .hint("IAM needs an OIDC provider for this cluster's issuer, with audience sts.amazonaws.com")
        }
        Some("AccessDenied" | "AccessDeniedException") => typed("denied", Pace::Later)
            .hint("the role's trust policy must allow this caller: issuer, subject and audience, or the former role"),
        Some("ExpiredToken" | "InvalidClientTokenId" | "UnrecognizedClientException") => {
            typed("keys_refused", Pace::Later)
        }
        Some("RegionDisabledException") => {
            typed("misconfigured", Pace::Rarely).hint("activate STS in this region for the account")
        }
        Some("ValidationError" | "MalformedPolicyDocument" | "PackedPolicyTooLarge") => {
            typed("misconfigured", Pace::Rarely)
        }
        Some(code) if super::tells_skew(code) => typed("signature_refused", Pace::Later),
        _ => plain,
    }
}

/// The text of the first element of this name. Enough for STS: its elements have no attributes and these no children.
fn element(xml: &str, tag: &str) -> Option<String> {
    let start = xml.find(&format!("<{tag}>"))? + tag.len() + 2;
    let length = xml[start..].find('<')?;
    let closed = xml[start + length..].strip_prefix("</")?.strip_prefix(tag)?.starts_with('>');
    closed.then(|| unescape(xml[start..start + length].trim()))
}

fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
        out = out.replace(entity, character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_whatever_stands_around_them() {
        for (xml, expected) in [
            ("<A><Code>X</Code></A>", Some("X")),
            ("<?xml version=\"1.0\"?>\n<E xmlns=\"u\">\n <Code> a&amp;lt;b </Code>", Some("a&lt;b")),
            ("<Code></Code>", Some("")),
            ("<Code>X", None),
            ("<Code><Inner/></Code>", None),
            ("<Code>X</Codec>", None),
            ("<Codex>X</Codex>", None),
            ("", None),
        ] {
            assert_eq!(element(xml, "Code").as_deref(), expected, "{xml}");
        }
    }

    #[test]
    fn each_partition_has_a_service_of_its_own() {
        for (region, expected) in [
            ("us-east-1", Some("sts.us-east-1.amazonaws.com")),
            ("us-gov-west-1", Some("sts.us-gov-west-1.amazonaws.com")),
            ("cn-north-1", Some("sts.cn-north-1.amazonaws.com.cn")),
            ("us-iso-east-1", Some("sts.us-iso-east-1.c2s.ic.gov")),
            ("us-isob-east-1", Some("sts.us-isob-east-1.sc2s.sgov.gov")),
            ("eusc-de-east-1", Some("sts.eusc-de-east-1.amazonaws.eu")),
            ("evil.example/", None),
            ("evil@x", None),
        ] {
            let found = endpoint(region).ok();
            assert_eq!(found.as_ref().and_then(Uri::host), expected, "{region}");
        }
    }

    #[test]
    fn tags_and_external_id_travel_as_the_query_protocol_writes_them() {
        let role = AssumeRole {
            role_arn: "arn:aws:iam::1:role/r".into(),
            external_id: Some("e 1".into()),
            session_name: None,
            tags: [("b".into(), "2".into()), ("a".into(), "1 +".into())].into(),
        };
        let ask = assume_role("us-east-1", &role, "ns.pod").unwrap();
        assert_eq!(
            std::str::from_utf8(&ask.body).unwrap(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=ns.pod\
             &DurationSeconds=3600&ExternalId=e%201&Tags.member.1.Key=a&Tags.member.1.Value=1%20%2B\
             &Tags.member.2.Key=b&Tags.member.2.Value=2"
        );
    }
}
