use super::*;
use crate::identity::credential::{Habit, Issued};
use crate::identity::engine::Exchange;
use crate::identity::error::Pace;
use crate::identity::secret::Secret;
use futures::future::BoxFuture;
use http::HeaderValue;
use pillion_snapshot::{AzureCloud, AzureIdentity, AzureSource, ExtraHosts};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Gives `token-1`, `token-2` and so on, or keys, or fails.
struct Script {
    given: AtomicU64,
    credential: fn(u64) -> Result<Credential, ExchangeError>,
}

impl Exchange for Script {
    fn exchange<'a>(&'a self, _: &'a Source) -> BoxFuture<'a, Result<Issued, ExchangeError>> {
        Box::pin(async {
            let credential = (self.credential)(self.given.fetch_add(1, Ordering::Relaxed) + 1)?;
            let deadline = Instant::now() + Duration::from_secs(3600);
            Ok(Issued { credential, deadline, refresh_in: None, habit: Habit::default() })
        })
    }

    fn fingerprint(&self, _: &Source) -> u64 {
        0
    }

    fn forget_clocks(&self) {}
}

fn mounted(key: &str) -> CredentialSource {
    CredentialSource::Mounted { key: key.into() }
}

fn secret(text: &str) -> Secret {
    Secret::parse(text.as_bytes()).unwrap()
}

fn token(n: u64) -> Result<Credential, ExchangeError> {
    Ok(Credential::Bearer(secret(&format!("token-{n}"))))
}

fn aws_keys(n: u64) -> Result<Credential, ExchangeError> {
    Ok(Credential::Aws(Arc::new(AwsKeys {
        access_key_id: secret(&format!("AKID{n}")),
        secret_access_key: secret("secret-canary"),
        session_token: Some(secret("session-canary")),
    })))
}

fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn identity(credential: fn(u64) -> Result<Credential, ExchangeError>) -> Identity {
    let keys = Keys::default();
    keys.give(
        [("k".into(), b"sk-1".to_vec()), ("aws".into(), br#"{"AccessKeyId":"AK","SecretAccessKey":"s"}"#.to_vec())]
            .into(),
    );
    let clock = Clock::of(wall);
    Identity {
        keys: Arc::new(keys),
        engine: Engine::new(Arc::new(Script { given: AtomicU64::new(0), credential }), clock.clone()),
        skews: Arc::new(Skews::default()),
        clock,
    }
}

fn azure() -> Auth {
    let source = AzureSource::ManagedIdentity { id: None };
    Auth::Cloud(Arc::new(Source::Azure(AzureIdentity { cloud: AzureCloud::Public, source })), Arc::default())
}

fn aws(source: AwsSource) -> Auth {
    let identity = AwsIdentity { region: "us-east-1".into(), source, assume_roles: vec![] };
    Auth::Cloud(Arc::new(Source::Aws(identity)), Arc::default())
}

const BEDROCK: &str = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2%3A1/invoke";

struct Case {
    identity: Identity,
    uri: Uri,
    headers: HeaderMap,
}

impl Case {
    fn new(credential: fn(u64) -> Result<Credential, ExchangeError>, uri: &'static str) -> Self {
        Self { identity: identity(credential), uri: Uri::from_static(uri), headers: HeaderMap::new() }
    }

    async fn authorise(&mut self, auth: &Auth, client: &HeaderMap, body: Option<&[u8]>) -> Result<Stamp, AuthError> {
        let request = Outgoing { method: &Method::POST, uri: &mut self.uri, headers: &mut self.headers, body };
        self.identity.authorise(auth, client, request, Instant::now() + Duration::from_secs(30)).await
    }

    async fn refused(&self, auth: &Auth, stamp: Stamp, status: u16, headers: &[(&'static str, String)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let refusal = (StatusCode::from_u16(status).unwrap(), &headers);
        let host = self.uri.host().unwrap();
        self.identity.may_pass_now(auth, stamp, host, refusal, Instant::now() + Duration::from_secs(30)).await
    }
}

#[tokio::test]
async fn a_key_goes_where_its_placement_says_and_replaces_what_was_there() {
    let mut case = Case::new(token, "https://h/v1/x?a=b");
    case.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer client"));
    let auth = Auth::Header { key: mounted("k"), name: header::AUTHORIZATION, prefix: "Bearer ".into() };
    case.authorise(&auth, &HeaderMap::new(), None).await.unwrap();
    assert_eq!(case.headers[header::AUTHORIZATION], "Bearer sk-1");
    let auth = Auth::Query { key: mounted("k"), name: "key".into() };
    case.authorise(&auth, &HeaderMap::new(), None).await.unwrap();
    assert_eq!(case.uri, "https://h/v1/x?a=b&key=sk-1");
}

#[tokio::test]
async fn passthrough_forwards_the_clients_credential_but_never_our_placeholder() {
    let mut client = HeaderMap::new();
    client.insert("x-api-key", HeaderValue::from_static("mine"));
    client.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer injected-by-pillion"));
    let mut case = Case::new(token, "https://h/");
    case.authorise(&Auth::Passthrough, &client, None).await.unwrap();
    assert_eq!(case.headers.len(), 1);
    assert_eq!(case.headers["x-api-key"], "mine");
    client.remove("x-api-key");
    let error = case.authorise(&Auth::Passthrough, &client, None).await.unwrap_err();
    assert!(matches!(error, AuthError::ClientSentNone));
}

#[tokio::test]
async fn a_clouds_credential_goes_to_its_own_hosts_over_https_and_to_nobody_else() {
    for (uri, auth, expected) in [
        ("https://res.openai.azure.com/openai/v1/chat/completions", azure(), true),
        ("https://res.openai.azure.com:8443/x", azure(), true),
        ("http://res.openai.azure.com/x", azure(), false),
        ("https://evil.example/x", azure(), false),
        ("https://res.openai.azure.com.evil.example/x", azure(), false),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/x", azure(), false),
        ("https://127.0.0.1/x", aws(AwsSource::PodIdentity), false),
        ("https://bucket.s3.amazonaws.com/x", aws(AwsSource::PodIdentity), false),
    ] {
        let mut case = Case::new(token, uri);
        let authorised = case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await;
        match expected {
            true => assert_eq!(case.headers[header::AUTHORIZATION], "Bearer token-1", "{uri}"),
            false => {
                assert!(matches!(authorised, Err(AuthError::HostRefused(_))), "{uri} {authorised:?}");
                assert!(case.headers.is_empty(), "{uri}");
            }
        }
    }
}

#[tokio::test]
async fn a_host_of_the_operators_own_list_gets_credentials_of_its_cloud_only_and_over_https_only() {
    let listed = ExtraHosts { azure: vec!["*.ai.corp.example".into()], ..ExtraHosts::default() };
    let listing = |auth| match auth {
        Auth::Cloud(source, _) => Auth::Cloud(source, Arc::new(listed.clone())),
        other => other,
    };
    for (uri, auth, expected) in [
        ("https://east.ai.corp.example/openai", azure(), true),
        ("https://res.openai.azure.com/x", azure(), true),
        ("http://east.ai.corp.example/openai", azure(), false),
        ("https://ai.corp.example/openai", azure(), false),
        ("https://east.ai.corp.example/x", aws(AwsSource::PodIdentity), false),
    ] {
        let mut case = Case::new(token, uri);
        let authorised = case.authorise(&listing(auth), &HeaderMap::new(), Some(b"{}")).await;
        assert_eq!(!matches!(authorised, Err(AuthError::HostRefused(_))), expected, "{uri} {authorised:?}");
        assert_eq!(case.headers.is_empty(), !expected, "{uri}");
    }
}

#[tokio::test]
async fn aws_requests_are_signed_over_their_whole_body_and_refused_without_one() {
    let mut case = Case::new(aws_keys, BEDROCK);
    let auth = aws(AwsSource::WebIdentity { role_arn: None });
    case.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=client"));
    case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await.unwrap();
    let signed = case.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    assert!(signed.contains("Credential=AKID1/20270115/us-east-1/bedrock/aws4_request"), "{signed}");
    assert!(case.headers[header::AUTHORIZATION].is_sensitive());
    assert!(!format!("{:?}", case.headers).contains("canary"), "{:?}", case.headers);
    let streamed = case.authorise(&auth, &HeaderMap::new(), None).await;
    assert!(matches!(streamed, Err(AuthError::Sign(SignError::Streamed))));
}

#[tokio::test]
async fn keys_in_a_file_are_read_for_each_request() {
    let mut case = Case::new(|_| Err(ExchangeError::misconfigured("never asked")), BEDROCK);
    let auth = aws(AwsSource::Static { credential: mounted("aws") });
    let stamp = case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await.unwrap();
    assert!(case.headers[header::AUTHORIZATION].to_str().unwrap().contains("Credential=AK/"));
    assert!(!case.headers.contains_key("x-amz-security-token"));
    let expired = ("x-amzn-errortype", "ExpiredTokenException".to_owned());
    assert!(!case.refused(&auth, stamp, 403, &[expired]).await, "there is no newer one to be had");
    case.identity.keys.give(Default::default());
    let gone = case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await;
    assert!(matches!(gone, Err(AuthError::Key(KeyError::Missing(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_and_other_refusals_stand() {
    let mut case = Case::new(token, "https://res.openai.azure.com/x");
    let stamp = case.authorise(&azure(), &HeaderMap::new(), Some(b"{}")).await.unwrap();
    assert!(!case.refused(&azure(), stamp, 403, &[]).await);
    assert!(!case.refused(&azure(), stamp, 429, &[]).await);
    assert!(case.refused(&azure(), stamp, 401, &[]).await);
    let stamp = case.authorise(&azure(), &HeaderMap::new(), Some(b"{}")).await.unwrap();
    assert_eq!(case.headers[header::AUTHORIZATION], "Bearer token-2");
    assert!(!case.refused(&azure(), stamp, 401, &[]).await, "a second time within ten seconds");
}

#[tokio::test(start_paused = true)]
async fn aws_refusals_are_told_by_their_code_and_a_wrong_clock_is_corrected_once() {
    let auth = aws(AwsSource::PodIdentity);
    let code = |code: &str| ("x-amzn-errortype", format!("{code}:http://internal.amazon.com/coral/"));
    let date = |seconds: u64| ("date", httpdate::fmt_http_date(wall() + Duration::from_secs(seconds)));
    for (status, headers, expected) in [
        (403, vec![code("AccessDeniedException")], false),
        (403, vec![code("ExpiredTokenException")], true),
        (403, vec![code("UnrecognizedClientException")], true),
        (403, vec![code("InvalidSignatureException"), date(0)], false),
        (403, vec![code("InvalidSignatureException"), date(200)], false),
        (403, vec![code("InvalidSignatureException")], false),
        (403, vec![code("InvalidSignatureException"), date(600)], true),
        (403, vec![code("AccessDeniedException"), date(600)], true),
        (403, vec![code("AccessDeniedException"), date(30)], false),
        (403, vec![code("RequestTimeTooSkewed"), date(600), ("age", "3600".into())], false),
        (400, vec![code("ValidationException"), date(600)], false),
    ] {
        let mut case = Case::new(aws_keys, BEDROCK);
        let stamp = case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await.unwrap();
        assert_eq!(case.refused(&auth, stamp, status, &headers).await, expected, "{headers:?}");
        if headers.len() == 2 && expected {
            let stamp = case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await.unwrap();
            assert_eq!(case.headers["x-amz-date"], "20270115T081000Z");
            assert!(!case.refused(&auth, stamp, status, &headers).await, "it was not the clock");
            // The clock is set right: the next reply tells, and the request after it is dated by it again.
            for (seconds, expected) in [(590, "20270115T081000Z"), (20, "20270115T080000Z")] {
                let (name, value) = date(seconds);
                let reply = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
                case.identity.accepted(stamp, case.uri.host().unwrap(), &reply);
                case.authorise(&auth, &HeaderMap::new(), Some(b"{}")).await.unwrap();
                assert_eq!(case.headers["x-amz-date"], expected);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_credential_the_reason_is_told_at_once_and_when_to_try_again() {
    let denied = |_| Err(ExchangeError::new("denied", Pace::Later, "STS answered 403").hint("trust the pod"));
    let mut case = Case::new(denied, "https://res.openai.azure.com/x");
    let error = case.authorise(&azure(), &HeaderMap::new(), Some(b"{}")).await.unwrap_err();
    assert_eq!(error.to_string(), "STS answered 403 (trust the pod)");
    let AuthError::Unavailable(why) = error else { panic!("{error}") };
    assert!((7.0..=15.0).contains(&why.retry_in().as_secs_f64()), "{why:?}");
}
