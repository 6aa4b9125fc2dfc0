//! TLS towards providers: the web's roots compiled in, and what the operator of this sidecar adds.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the trusted certificates could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read certificates from '{path}': {why}")]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

/// Trusts webpki's roots, and the PEM files in `SSL_CERT_FILE` and `ca_file` where given. Speaks HTTP/2 and HTTP/1.1.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let from_environment = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    for path in from_environment.as_deref().into_iter().chain(ca_file) {
        let unreadable = |why: String| TlsError { path: path.to_owned(), why };
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        add_pem(&mut roots, &pem).map_err(unreadable)?;
    }
    Ok(Arc::new(config_with(roots, &[b"h2", b"http/1.1"])))
}

/// Trusts exactly these roots and offers these protocols.
pub(crate) fn config_with(roots: RootCertStore, protocols: &[&[u8]]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

/// Adds every certificate of a PEM text; one without any is an error.
pub(crate) fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found = true;
    }
    if found { Ok(()) } else { Err("no certificate in it".into()) }
}
