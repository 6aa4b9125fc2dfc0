//! A provider of models that answers with recorded replies, checks every request as the vendor would, keeps what it received, and
//! misbehaves when told to.
//!
//! ```text
//! request ─▶ behaviour? ─▶ key ─▶ schema, conversation ─▶ choose a case ─▶ replay, event by event
//!                └────────── kept: GET /_received ──────────┘
//! ```

mod behaviour;
mod call;
mod choose;
mod conversation;
mod corpus;
mod fault;
mod frames;
mod received;
#[cfg_attr(not(feature = "schemas"), path = "no_schemas.rs")]
mod schema;
mod serve;
mod wish;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::pki::Authority;
use crate::workspace;
pub use behaviour::Behaviour;
pub use corpus::{Case, Corpus};
pub use received::Received;
pub use schema::Schemas;

/// The key that a request must carry unless [`Options::keys`] says otherwise.
pub const KEY: &str = "sk-recorded-provider";

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 chooses one.
    pub address: SocketAddr,
    /// Folders of recorded cases, the preferred one first.
    pub folders: Vec<std::path::PathBuf>,
    /// The folder of the vendors' schemas; without it requests are not checked.
    pub specs: Option<std::path::PathBuf>,
    /// The API keys, one of which every request must carry; none: any key will do.
    pub keys: Vec<String>,
    /// Texts that no request may carry in its head: placeholders and clients' own keys.
    pub forbidden: Vec<String>,
    /// HTTPS with a certificate for these names, from an authority made for it.
    pub tls_names: Vec<String>,
}

impl Default for Options {
    /// Plain HTTP on a free loopback port, our own samples before the corpus, the vendors' schemas where they are found.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folders: vec![workspace::samples(), workspace::corpus()],
            // The demo is built without them.
            specs: Some(workspace::specs()).filter(|folder| cfg!(feature = "schemas") && folder.is_dir()),
            keys: vec![KEY.into()],
            forbidden: vec!["injected-by-pillion".into()],
            tls_names: Vec::new(),
        }
    }
}

/// A running server; it ends on drop.
pub struct RecordedProvider {
    address: SocketAddr,
    authority: Option<String>,
    state: Arc<serve::State>,
    _stop: oneshot::Sender<()>,
}

impl RecordedProvider {
    /// Starts the server on the current async runtime.
    ///
    /// # Errors
    /// When there is no case to replay, a schema cannot be read, or the address is taken.
    pub async fn start(options: Options) -> Result<Self> {
        let corpus = Corpus::load(&options.folders)?;
        let schemas = options.specs.as_deref().map(Schemas::load).transpose()?;
        let (acceptor, authority) = tls(&options.tls_names)?.unzip();
        let listener =
            TcpListener::bind(options.address).await.with_context(|| format!("listening on {}", options.address))?;
        let address = listener.local_addr()?;
        let state = Arc::new(serve::State::new(corpus, schemas, options.keys, options.forbidden));
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(serve::accept(listener, acceptor, Arc::clone(&state), stopped));
        Ok(Self { address, authority, state, _stop: stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate (PEM) of the authority that signed its own, when it serves HTTPS.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// From now on, misbehaves so, until told otherwise or the behaviour's `times` are used up.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state.behave(behaviour);
    }

    /// Behaves well again, and forgets what it received.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// The requests received so far, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state.received()
    }

    /// The one request received.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn only_request(&self) -> Received {
        let mut all = self.received();
        assert_eq!(all.len(), 1, "expected one request upstream: {all:#?}");
        all.remove(0)
    }

    /// What was wrong with the requests received: leaked credentials, violations of the vendor's schema.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.received().into_iter().flat_map(|request| request.problems).collect()
    }
}

fn tls(names: &[String]) -> Result<Option<(TlsAcceptor, String)>> {
    if names.is_empty() {
        return Ok(None);
    }
    let authority = Authority::new("recorded provider")?;
    let identity = authority.server(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some((TlsAcceptor::from(Arc::new(config)), authority.pem())))
}

/// The member of a JSON object, or null.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}
