//! Certificates of webhooks and config server: kept in a Secret, signed in memory by every replica, renewed by
//! themselves; and the bundle in the webhook configurations, repaired whenever it is not ours.

mod authority;
mod keyring;
mod seal;
mod store;

pub use authority::{Authority, AuthorityError};
pub use keyring::{AUTHORITY_LIFE, Keyring};
pub(crate) use seal::Sealer;
pub(crate) use store::{CertificateNames, keep};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// Life of a server certificate: seven days.
const LEAF_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What this replica serves with, and what others trust it by.
#[derive(Clone, Debug)]
pub struct ServingIdentity {
    /// PEM of every authority to be trusted.
    pub bundle: String,
    /// Knows the images that were injected.
    pub(crate) sealer: Sealer,
    key: Arc<CertifiedKey>,
    signed_by: String,
    renew_at: SystemTime,
    not_after: SystemTime,
}

impl ServingIdentity {
    /// Signs a new server certificate.
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub fn issue(keyring: &Keyring, names: &[String], now: SystemTime) -> Result<Self, AuthorityError> {
        let not_after = now + LEAF_LIFE;
        Ok(Self {
            bundle: keyring.bundle(),
            sealer: Sealer::new(keyring),
            key: keyring.current().issue(names, now, not_after)?,
            signed_by: keyring.current().certificate().to_owned(),
            renew_at: now + LEAF_LIFE * 2 / 3,
            not_after,
        })
    }

    /// Whether it still is what `keyring` would give at this time.
    fn is_fresh(&self, keyring: &Keyring, now: SystemTime) -> bool {
        self.signed_by == keyring.current().certificate()
            && self.bundle == keyring.bundle()
            && now < self.renew_at
            // A clock that was set back would leave a certificate that is not valid yet.
            && now + LEAF_LIFE > self.renew_at
    }

    /// When the server certificate expires.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

/// Hands the newest certificate to every handshake.
#[derive(Debug)]
pub(crate) struct NewestCertificate(pub(crate) watch::Receiver<Option<Arc<ServingIdentity>>>);

impl ResolvesServerCert for NewestCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.borrow().as_ref().map(|identity| identity.key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    /// Whether a client that trusts `bundle` by `name` takes what `identity` serves with.
    async fn is_trusted(bundle: &str, name: &'static str, identity: ServingIdentity) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (_sender, receiver) = watch::channel(Some(Arc::new(identity)));
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(NewestCertificate(receiver)));
        let (near, far) = tokio::io::duplex(64 * 1024);
        let connect = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name.try_into().unwrap(), near);
        let accept = tokio_rustls::TlsAcceptor::from(Arc::new(server)).accept(far);
        let (connected, _) = futures::future::join(connect, accept).await;
        connected.is_ok()
    }

    #[tokio::test]
    async fn a_pod_of_before_a_rotation_trusts_what_is_signed_after_it() {
        let now = SystemTime::now();
        let before = Keyring::generate(now).unwrap();
        let after = before.rotated(now + AUTHORITY_LIFE).unwrap().unwrap();
        let foreign = Keyring::generate(now).unwrap();
        let issue = |keyring| ServingIdentity::issue(keyring, &["a.b.svc".into(), "127.0.0.1".into()], now).unwrap();
        assert!(is_trusted(&before.bundle(), "a.b.svc", issue(&before)).await);
        assert!(is_trusted(&before.bundle(), "127.0.0.1", issue(&before)).await);
        assert!(is_trusted(&before.bundle(), "a.b.svc", issue(&after)).await);
        assert!(is_trusted(&after.bundle(), "a.b.svc", issue(&before)).await);
        assert!(!is_trusted(&before.bundle(), "other.svc", issue(&before)).await);
        assert!(!is_trusted(&foreign.bundle(), "a.b.svc", issue(&before)).await);
    }

    #[test]
    fn a_certificate_is_renewed_by_age_by_authority_and_by_a_clock_set_back() {
        let now = SystemTime::now();
        let keyring = Keyring::generate(now).unwrap();
        let identity = ServingIdentity::issue(&keyring, &["a.b.svc".into(), "127.0.0.1".into()], now).unwrap();
        assert!(identity.is_fresh(&keyring, now));
        assert!(!identity.is_fresh(&keyring, now + LEAF_LIFE * 3 / 4));
        assert!(!identity.is_fresh(&keyring, now - LEAF_LIFE));
        let rotated = keyring.rotated(now + AUTHORITY_LIFE).unwrap().unwrap();
        assert!(!identity.is_fresh(&rotated, now));
    }
}
