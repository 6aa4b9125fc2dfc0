//! The operator's stream: snapshots down, acks up, over one HTTP/2 connection. Comes back after every failure, and never
//! gives up what it has.

use super::lines::{Lines, TooLong};
use super::state::StateFile;
use super::{Live, Origin};
use crate::identity::CredentialStates;
use crate::upstream::{add_pem, config_with};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pillion_snapshot::{Ack, CredentialState, Credentials, Line, Outcome, ProviderKey, ReadError, Report, read_line};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

const BACKOFF: std::ops::Range<Duration> = Duration::from_millis(10)..Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);
const PING_EVERY: Duration = Duration::from_secs(10);
/// The operator says something every 10 s; three times nothing is no operator.
const SILENCE: Duration = Duration::from_secs(35);
/// How often credentials are looked at; the operator hears of them when they are other than it was told.
const LOOK_AT_CREDENTIALS: Duration = Duration::from_secs(1);
const LONGEST_LINE: usize = 32 << 20;
/// Without a stream for this long after start, the last good snapshot is served.
const BEFORE_LAST_GOOD: Duration = Duration::from_secs(1);

/// Where the operator is and how it is known.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// `https://host:port` of the config server.
    pub url: String,
    /// PEM of the certificates that may have signed the config server's.
    pub ca: String,
    /// File with this pod's token; read again for every connection.
    pub token_file: PathBuf,
    /// Folder for the last good snapshot.
    pub state_dir: PathBuf,
}

/// Why a stream could not be had, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The URL is not `https://host[:port]`.
    #[error("config server URL '{0}' is not https://host:port")]
    Url(String),
    /// The CA bundle holds no certificate.
    #[error("failed to read the config server's CA: {0}")]
    Ca(String),
    /// The token could not be read.
    #[error("failed to read token file '{path}': {source}")]
    Token {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The token is no header value.
    #[error("the token in '{0}' is not a token")]
    BadToken(PathBuf),
    /// No connection.
    #[error("failed to connect to the config server at '{at}': {why}")]
    Connect {
        /// Host and port.
        at: String,
        /// Why.
        why: String,
    },
    /// The config server refuses us.
    #[error("the config server answered {status}: {why}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        why: String,
    },
    /// The stream broke.
    #[error("the snapshot stream ended: {0}")]
    Broken(String),
    /// A line that is not what it says it is.
    #[error("{0}")]
    Corrupt(ReadError),
}

impl From<TooLong> for StreamError {
    fn from(error: TooLong) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Follows the operator.
pub(crate) struct StreamClient {
    host: String,
    port: u16,
    tls: TlsConnector,
    token_file: PathBuf,
    state: StateFile,
    live: Arc<Live>,
    credentials: CredentialStates,
}

/// What this stream is called by the operator, and how it was told that the credentials are.
#[derive(Default)]
struct Told {
    stream: Option<String>,
    credentials: Option<BTreeMap<ProviderKey, CredentialState>>,
}

impl StreamClient {
    pub(crate) fn new(
        settings: StreamSettings,
        live: Arc<Live>,
        credentials: CredentialStates,
    ) -> Result<Self, StreamError> {
        let wrong = || StreamError::Url(settings.url.clone());
        let url: Uri = settings.url.parse().map_err(|_| wrong())?;
        let host = url.host().filter(|_| url.scheme_str() == Some("https")).ok_or_else(wrong)?;
        let mut roots = RootCertStore::empty();
        add_pem(&mut roots, settings.ca.as_bytes()).map_err(StreamError::Ca)?;
        credentials.keys.streamed.has_operator();
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_u16().unwrap_or(443),
            tls: TlsConnector::from(Arc::new(config_with(roots, &[b"h2"]))),
            token_file: settings.token_file,
            state: StateFile::new(settings.state_dir),
            live,
            credentials,
        })
    }

    /// Never ends: each stream that ends is followed by another, soon after one that worked and ever later after
    /// failures.
    pub(crate) async fn follow(self) {
        tokio::join!(self.serve_last_good(), self.follow_streams());
    }

    async fn serve_last_good(&self) {
        let mut serving = self.live.watch();
        if tokio::time::timeout(BEFORE_LAST_GOOD, serving.wait_for(Option::is_some)).await.is_ok() {
            return;
        }
        if let Some(snapshot) = self.state.load() {
            // What is refused was logged and counted.
            let _ = self.live.apply_first(snapshot, Origin::LastGood);
        }
    }

    async fn follow_streams(&self) {
        let mut pause = BACKOFF.start;
        loop {
            let mut worked = false;
            match self.stream(&mut worked).await {
                Ok(reason) => tracing::info!(reason, "the operator closed the snapshot stream"),
                Err(error) => tracing::warn!(%error, "no snapshot stream"),
            }
            if worked {
                pause = BACKOFF.start;
            }
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(BACKOFF.end);
        }
    }

    /// One stream from its connection to its end. `worked` is set once it brought a line.
    async fn stream(&self, worked: &mut bool) -> Result<String, StreamError> {
        let token = self.token()?;
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
        let (mut sender, connection) = connected.unwrap_or_else(|_| Err(self.unreachable("no answer in time")))?;
        // The connection lives as long as this stream.
        let _connection = connection;
        let request = self.request(Method::GET, "/v1/snapshot", &token, Bytes::new());
        let answer = tokio::time::timeout(SILENCE, sender.send_request(request)).await;
        let response = answer.map_err(|_| silence())?.map_err(broken)?;
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(StreamError::Refused { status, why: first_words(response.into_body()).await });
        }
        tracing::info!(host = self.host, "snapshot stream opened");
        let mut body = response.into_body();
        let mut lines = Lines::new(LONGEST_LINE);
        let mut told = Told::default();
        let mut look = interval(LOOK_AT_CREDENTIALS);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            while let Some(line) = lines.next()? {
                *worked = true;
                if let Some(reason) = self.take(&line, &mut told, &mut sender, &token).await? {
                    return Ok(reason);
                }
            }
            let silent = Instant::now() + SILENCE;
            let frame = loop {
                tokio::select! {
                    frame = timeout_at(silent, body.frame()) => break frame.map_err(|_| silence())?,
                    _ = look.tick() => self.tell_credentials(&mut told, &mut sender, &token).await,
                    () = self.credentials.keys.streamed.to_ask() => self.ask_for_keys(&mut sender, &token).await,
                }
            };
            let frame = frame.ok_or_else(|| StreamError::Broken("end of stream".into()))?.map_err(broken)?;
            if let Some(bytes) = frame.data_ref() {
                lines.push(bytes);
            }
        }
    }

    /// Tells how credentials are where that is news; what could not be told is told at the next look.
    async fn tell_credentials(&self, told: &mut Told, sender: &mut SendRequest<Full<Bytes>>, token: &HeaderValue) {
        let (Some(stream), Some(prepared)) = (&told.stream, self.live.load()) else { return };
        let providers = self.credentials.of(&prepared.snapshot);
        if told.credentials.as_ref() == Some(&providers) {
            return;
        }
        let credentials = Some(Credentials { stream: stream.clone(), providers: providers.clone() });
        if self.report(Report { credentials, ..Report::default() }, sender, token).await {
            told.credentials = Some(providers);
        }
    }

    /// Tells which keys were refused, so that the operator looks for others now.
    async fn ask_for_keys(&self, sender: &mut SendRequest<Full<Bytes>>, token: &HeaderValue) {
        let refused_keys = self.credentials.keys.streamed.questions();
        if !refused_keys.is_empty() {
            self.report(Report { refused_keys, ..Report::default() }, sender, token).await;
        }
    }

    /// Acts on one line; the reason of a goodbye.
    async fn take(
        &self,
        line: &Bytes,
        told: &mut Told,
        sender: &mut SendRequest<Full<Bytes>>,
        token: &HeaderValue,
    ) -> Result<Option<String>, StreamError> {
        let (stream, version, outcome) = match read_line(line) {
            Ok(Line::KeepAlive | Line::Unknown) => return Ok(None),
            Ok(Line::Goodbye { reason }) => return Ok(Some(reason)),
            Ok(Line::Keys(keys)) => {
                self.credentials.keys.streamed.take(keys);
                return Ok(None);
            }
            Ok(Line::Snapshot { stream, snapshot }) => {
                let version = snapshot.version.clone();
                let outcome = match self.live.apply(*snapshot, Origin::Stream) {
                    Ok(()) => {
                        self.forget_keys();
                        self.save(line).await;
                        Outcome::Applied
                    }
                    Err(error) => Outcome::Refused { reason: error.to_string() },
                };
                (stream, version, outcome)
            }
            Err(error @ ReadError::Malformed(_)) => {
                self.live.refuse();
                tracing::warn!(%error, "snapshot refused");
                let Some((stream, version)) = named(line) else { return Ok(None) };
                (stream, version, Outcome::Refused { reason: error.to_string() })
            }
            Err(error @ ReadError::Corrupt { .. }) => {
                self.live.refuse();
                return Err(StreamError::Corrupt(error));
            }
        };
        let serving = self.live.load().map(|prepared| prepared.snapshot.sources.clone()).unwrap_or_default();
        told.stream = Some(stream.clone());
        let ack = Some(Ack { stream, version, outcome, serving });
        self.report(Report { ack, ..Report::default() }, sender, token).await;
        Ok(None)
    }

    /// Those that the snapshot which is served now does not name.
    fn forget_keys(&self) {
        if let Some(prepared) = self.live.load() {
            self.credentials.keys.streamed.keep_only(&prepared.snapshot.streamed_keys());
        }
    }

    async fn save(&self, line: &Bytes) {
        let (state, line) = (self.state.clone(), line.clone());
        let saved = tokio::task::spawn_blocking(move || state.save(&line)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "failed to save the last good snapshot; it is served all the same");
        }
    }

    /// Whether the operator has taken it.
    async fn report(&self, report: Report, sender: &mut SendRequest<Full<Bytes>>, token: &HeaderValue) -> bool {
        let report = Report { sidecar_version: env!("CARGO_PKG_VERSION").into(), ..report };
        let Ok(body) = serde_json::to_vec(&report) else { return false };
        let request = self.request(Method::POST, "/v1/reports", token, body.into());
        let why = match tokio::time::timeout(REPORT_TIMEOUT, sender.send_request(request)).await {
            Ok(Ok(response)) if response.status().is_success() => return true,
            Ok(Ok(response)) => response.status().to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".into(),
        };
        tracing::warn!(why, "failed to report to the operator");
        false
    }

    fn request(&self, method: Method, path: &'static str, token: &HeaderValue, body: Bytes) -> Request<Full<Bytes>> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let uri = Uri::builder().scheme("https").authority(format!("{host}:{}", self.port)).path_and_query(path);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.build().unwrap_or_else(|_| Uri::from_static(path));
        request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        request
    }

    fn token(&self) -> Result<HeaderValue, StreamError> {
        let path = &self.token_file;
        let token =
            std::fs::read_to_string(path).map_err(|source| StreamError::Token { path: path.clone(), source })?;
        let bad = |_| StreamError::BadToken(path.clone());
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(bad)?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn connect(&self) -> Result<(SendRequest<Full<Bytes>>, AbortOnDropHandle<()>), StreamError> {
        let why = |error: &dyn std::error::Error| self.unreachable(&error.to_string());
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|error| why(&error))?;
        tcp.set_nodelay(true).map_err(|error| why(&error))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| why(&error))?;
        let tls = self.tls.connect(name, tcp).await.map_err(|error| why(&error))?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .handshake(TokioIo::new(tls))
            .await
            .map_err(|error| why(&error))?;
        let driving = tokio::spawn(async move {
            // Its end is seen by the stream's reader.
            let _ = connection.await;
        });
        Ok((sender, AbortOnDropHandle::new(driving)))
    }

    fn unreachable(&self, why: &str) -> StreamError {
        StreamError::Connect { at: format!("{}:{}", self.host, self.port), why: why.to_owned() }
    }
}

/// Stream and version of a snapshot whose content this version cannot read, so that it can still be refused by name.
fn named(line: &[u8]) -> Option<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Named {
        stream: String,
        version: String,
    }
    serde_json::from_slice(line).ok().map(|Named { stream, version }| (stream, version))
}

async fn first_words(body: hyper::body::Incoming) -> String {
    let limited = http_body_util::Limited::new(body, 4096).collect();
    let bytes = match tokio::time::timeout(Duration::from_secs(1), limited).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        _ => Bytes::new(),
    };
    String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(300).collect()
}

fn broken(error: hyper::Error) -> StreamError {
    StreamError::Broken(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
}

fn silence() -> StreamError {
    StreamError::Broken(format!("nothing came for {SILENCE:?}"))
}
