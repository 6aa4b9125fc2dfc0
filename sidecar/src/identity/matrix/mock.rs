//! The token services of all clouds, each answering as its documentation says, or as a case wants it to. They tell the
//! true time, whatever our clock says, and refuse what is dated otherwise.

use super::flows::Flow;
use crate::identity::lifetime::timestamp;
use crate::identity::transport::{Dial, Stream};
use crate::upstream::{ConnectError, Guard};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use ring::signature::{self, KeyPair as _, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A certificate and its key, made for these tests and known to nobody else.
pub(super) const APPLICATION: &str = include_str!("application.pem");
/// When the mocks' world begins.
const BEGIN: u64 = 1_800_000_000;

/// How a service answers when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Entra,
    EntraCertificate,
    AzureImds,
    Sts(&'static str),
    PodIdentity,
    ImdsSession,
    ImdsRole,
    ImdsKeys,
    OAuth,
    GoogleMetadata,
    GoogleKey,
    Impersonation,
}

/// What a service does instead.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection is never accepted.
    Silence,
    /// It is accepted, and nothing is answered.
    Hang,
    Reset,
    Refused,
    /// 200 with this body.
    Says(String),
    Huge,
    /// The good answer, ending so many seconds from now.
    Lasts(i64),
    /// The good answer, its numbers as strings.
    Strings,
    /// The good answer, cut in the middle.
    Half,
}

/// A request as a service saw it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) step: usize,
    pub(super) at: Instant,
    method: Method,
    target: String,
    headers: HeaderMap,
    pub(super) body: String,
}

/// All services, in the hands of a case.
pub(super) struct Services {
    pub(super) flow: &'static Flow,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fault: Option<(usize, Fault)>,
    asked: Vec<Asked>,
    dialled: usize,
    /// Requests that belong to no step: there must be none.
    astray: Vec<String>,
    given: u64,
    /// The token that is given again, and when it ends.
    kept: Option<(u64, Instant)>,
    keeps: Option<Duration>,
    on_ask: Option<Box<dyn FnMut() + Send>>,
}

impl Services {
    pub(super) fn new(flow: &'static Flow) -> Arc<Self> {
        Arc::new(Self { flow, began: Instant::now(), state: Mutex::default() })
    }

    /// The true time.
    pub(super) fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN) + self.began.elapsed()
    }

    /// From now on this step goes wrong so.
    pub(super) fn break_step(&self, step: usize, fault: Fault) {
        self.state.lock().unwrap().fault = Some((step, fault));
    }

    pub(super) fn heal(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// From now on the same token is given until so long before its end.
    pub(super) fn keep_tokens_until(&self, before: Duration) {
        self.state.lock().unwrap().keeps = Some(before);
    }

    /// Called with each request, before it is answered.
    pub(super) fn on_ask(&self, call: impl FnMut() + Send + 'static) {
        self.state.lock().unwrap().on_ask = Some(Box::new(call));
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How often somebody tried to connect.
    pub(super) fn dialled(&self) -> usize {
        self.state.lock().unwrap().dialled
    }

    pub(super) fn astray(&self) -> Vec<String> {
        self.state.lock().unwrap().astray.clone()
    }

    fn note(&self, asked: Asked) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        if let Some(call) = &mut state.on_ask {
            call();
        }
        let fault = state.fault.clone().filter(|(step, _)| *step == asked.step).map(|(_, fault)| fault);
        state.asked.push(asked);
        fault
    }

    /// The number of the next token, and how long it lasts.
    fn issue(&self, lasts: i64) -> (u64, i64) {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        if let (Some(before), Some((number, end))) = (state.keeps, state.kept)
            && now + before < end
        {
            return (number, i64::try_from((end - now).as_secs()).unwrap());
        }
        state.given += 1;
        let end = now + Duration::from_secs(u64::try_from(lasts).unwrap_or_default());
        state.kept = Some((state.given, end));
        (state.given, lasts)
    }

    async fn answer(&self, host: &str, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8(body.collect().await.ok()?.to_bytes().to_vec()).unwrap();
        let target = parts.uri.path_and_query().unwrap().to_string();
        let is_step =
            |step: &super::flows::Step| step.host == host && step.path == parts.uri.path() && body.contains(step.says);
        let Some(step) = self.flow.steps.iter().position(is_step) else {
            self.state.lock().unwrap().astray.push(format!("{} {host}{target}", parts.method));
            return Some(respond(404, &[], "nobody asks here".into()));
        };
        let (method, headers) = (parts.method, parts.headers);
        let asked = Asked { host: host.into(), step, at: Instant::now(), method, target, headers, body };
        let date = httpdate::fmt_http_date(self.time());
        let fault = self.note(asked.clone());
        let (mut status, mut more, mut said) = (200, vec![], String::new());
        let answer = self.flow.steps[step].answer;
        match fault {
            Some(Fault::Silence | Fault::Refused) => unreachable!("the connection was not made"),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Reset) => return None,
            Some(Fault::Status(code, headers, body)) => (status, more, said) = (code, headers, body),
            Some(Fault::Says(body)) => said = body,
            Some(Fault::Huge) => said = format!("{{\"access_token\":\"{}\"}}", "x".repeat(300 << 10)),
            Some(Fault::Lasts(seconds)) => (status, said) = self.good(answer, &asked, seconds, false),
            Some(Fault::Strings) => (status, said) = self.good(answer, &asked, 3600, true),
            Some(Fault::Half) => {
                (status, said) = self.good(answer, &asked, 3600, false);
                said.truncate(said.len() / 2);
            }
            None => (status, said) = self.good(answer, &asked, 3600, false),
        }
        if answer == Answer::GoogleMetadata {
            more.push(("metadata-flavor", "Google".into()));
        }
        // A service whose fault says a date says no other.
        if !more.iter().any(|(name, _)| *name == "date") {
            more.push(("date", date));
        }
        Some(respond(status, &more, said))
    }

    /// The answer of a service that is well.
    fn good(&self, answer: Answer, asked: &Asked, lasts: i64, strings: bool) -> (u16, String) {
        if let Some(refusal) = self.refusal(answer, asked) {
            return refusal;
        }
        match answer {
            Answer::ImdsSession => return (200, "imds-session".into()),
            Answer::ImdsRole => return (200, "node-role".into()),
            _ => {}
        }
        let (number, lasts) = self.issue(lasts);
        let number_or_text = |value: i64| if strings { json!(value.to_string()) } else { json!(value) };
        let end = self.time() + Duration::from_secs(u64::try_from(lasts.max(0)).unwrap());
        let end = end - Duration::from_secs(lasts.min(0).unsigned_abs());
        let end = k8s_openapi::jiff::Timestamp::try_from(end).unwrap();
        let keys = json!({
            "Code": "Success", "AccessKeyId": format!("ASIA{number}"), "SecretAccessKey": format!("canary-secret-{number}"),
            "Token": format!("canary-token-{number}"), "Expiration": format!("{end:.0}"),
        });
        let said = match answer {
            Answer::Sts(action) => format!(
                "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <{action}Result>\n    <Credentials>\
                 \n      <AccessKeyId>ASIA{number}</AccessKeyId>\n      <SecretAccessKey>canary-secret-{number}</SecretAccessKey>\
                 \n      <SessionToken>canary-token-{number}</SessionToken>\n      <Expiration>{end:.0}</Expiration>\
                 \n    </Credentials>\n  </{action}Result>\n</{action}Response>"
            ),
            Answer::PodIdentity | Answer::ImdsKeys => keys.to_string(),
            Answer::Impersonation => {
                json!({"accessToken": format!("canary-token-{number}"), "expireTime": format!("{end:.0}")}).to_string()
            }
            _ => json!({
                "token_type": "Bearer", "expires_in": number_or_text(lasts), "ext_expires_in": number_or_text(lasts),
                "access_token": format!("canary-token-{number}"),
            })
            .to_string(),
        };
        (200, said)
    }

    /// What a service refuses by itself: another session, another time, another signature.
    fn refusal(&self, answer: Answer, asked: &Asked) -> Option<(u16, String)> {
        let header = |name: &str| asked.headers.get(name).map(|value| value.to_str().unwrap());
        let now = self.time().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().cast_signed();
        match answer {
            Answer::ImdsRole | Answer::ImdsKeys if header("x-aws-ec2-metadata-token") != Some("imds-session") => {
                Some((401, String::new()))
            }
            Answer::Sts("AssumeRole") => {
                let date = header("x-amz-date").unwrap();
                let (day, time) = date.trim_end_matches('Z').split_once('T').unwrap();
                let signed = format!(
                    "{}-{}-{}T{}:{}:{}Z",
                    &day[..4],
                    &day[4..6],
                    &day[6..],
                    &time[..2],
                    &time[2..4],
                    &time[4..]
                );
                let signed = timestamp(&signed).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
                let code = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>\
                            <Message>Signature expired</Message></Error></ErrorResponse>";
                ((now - signed.cast_signed()).abs() > 300).then(|| (403, code.to_owned()))
            }
            Answer::GoogleKey => {
                let (claims, good) = self.verify(asked, "assertion", &signature::RSA_PKCS1_2048_8192_SHA256);
                let (from, to) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
                let timely = from <= now && now < to && to - from <= 3600;
                let said =
                    r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token"}"#;
                (!timely || !good).then(|| (400, said.to_owned()))
            }
            Answer::EntraCertificate => {
                let (claims, good) = self.verify(asked, "client_assertion", &signature::RSA_PSS_2048_8192_SHA256);
                let (from, to) = (claims["nbf"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
                let timely = from <= now + 300 && now < to + 300;
                let (code, text) =
                    if good { (700_024, "not within its valid time range") } else { (700_027, "signature") };
                let said = json!({"error": "invalid_client", "error_codes": [code], "error_description": text});
                (!timely || !good).then(|| (401, said.to_string()))
            }
            _ => None,
        }
    }

    /// The claims of a token in a form, and whether its signature is that of our key.
    fn verify(&self, asked: &Asked, field: &str, by: &'static signature::RsaParameters) -> (Value, bool) {
        let token = form(&asked.body).into_iter().find(|(name, _)| name == field).unwrap().1;
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let der = PrivatePkcs8KeyDer::from_pem_slice(APPLICATION.as_bytes()).unwrap();
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        let key = UnparsedPublicKey::new(by, pair.public_key().as_ref().to_vec());
        let good = key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_ok();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        (serde_json::from_slice(&claims).unwrap(), good)
    }
}

impl Asked {
    /// The request as `flows.rs` writes it: first line, the headers that mean something, and the body, a form's pairs
    /// decoded and sorted.
    pub(super) fn shown(&self) -> String {
        const MEANINGFUL: [&str; 6] = [
            "authorization",
            "content-type",
            "metadata",
            "metadata-flavor",
            "x-aws-ec2-metadata-token",
            "x-aws-ec2-metadata-token-ttl-seconds",
        ];
        let mut lines = vec![format!("{} {}", self.method, decode(&self.target, self.target.contains('?')))];
        for name in MEANINGFUL {
            let value = self.headers.get(name).map(|value| value.to_str().unwrap());
            lines.extend(value.map(|value| format!("{name}: {value}")));
        }
        if self.body.contains('=') && !self.body.starts_with('{') {
            let mut pairs: Vec<_> =
                form(&self.body).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.sort();
            lines.extend(pairs);
        } else if !self.body.is_empty() {
            lines.push(self.body.clone());
        }
        lines.join("\n")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The pairs of a form.
pub(super) fn form(body: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (decode(name, true), decode(value, true))
    };
    body.split('&').map(pair).collect()
}

fn decode(text: &str, encoded: bool) -> String {
    if !encoded {
        return text.to_owned();
    }
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'+' => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap()
}

fn respond(status: u16, headers: &[(&'static str, String)], body: String) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(body.into())).unwrap()
}

impl Dial for Arc<Services> {
    fn dial<'a>(
        &'a self,
        url: &'a Uri,
        metadata: &'a [SocketAddr],
    ) -> BoxFuture<'a, Result<Box<dyn Stream>, ConnectError>> {
        Box::pin(async move {
            let host = url.host().unwrap().to_owned();
            let address = match host.as_str() {
                "metadata.google.internal" => "169.254.169.254",
                host if host.starts_with("169.254.") => host,
                // Somewhere on the web, where TLS is a must.
                _ => {
                    assert_eq!(url.scheme_str(), Some("https"), "{url}");
                    "198.51.100.1"
                }
            };
            let address = SocketAddr::new(address.parse().unwrap(), 80);
            // The guard is the real one: metadata is reached by who may, and by nobody else.
            if let Some(why) = Guard::new(vec![]).allowing(metadata).refusal(address) {
                return Err(ConnectError::Refused { host, address: address.ip(), why });
            }
            let fault = {
                let mut state = self.state.lock().unwrap();
                state.dialled += 1;
                state.fault.clone()
            };
            let reaches = |step: usize| self.flow.steps[step].host == host;
            match fault {
                Some((step, Fault::Silence)) if reaches(step) => std::future::pending().await,
                Some((step, Fault::Refused)) if reaches(step) => {
                    let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                    return Err(ConnectError::Tcp { address, source });
                }
                _ => {}
            }
            let (ours, theirs) = tokio::io::duplex(16 << 10);
            let services = self.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|request| {
                    let (services, host) = (services.clone(), host.clone());
                    async move {
                        // No answer is an error, which cuts the connection.
                        let answer = services.answer(&host, request).await;
                        answer.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::ConnectionReset))
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(hyper_util::rt::TokioTimer::new())
                    .serve_connection(TokioIo::new(theirs), service)
                    .await;
            });
            Ok(Box::new(TokioIo::new(ours)) as Box<dyn Stream>)
        })
    }
}
