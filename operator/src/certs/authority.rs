//! Certificate authorities and what they sign; the clock is passed in, nothing is stored.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Clocks of a cluster's machines differ.
const BACKDATED: Duration = Duration::from_secs(3600);

/// Why an authority cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Making or reading keys and certificates.
    #[error("failed to make a certificate: {0}")]
    Make(#[source] rcgen::Error),
    /// What is stored is not a certificate.
    #[error("failed to read a stored certificate: {0}")]
    Read(String),
    /// TLS does not take it.
    #[error("failed to use a certificate: {0}")]
    Use(#[source] rustls::Error),
}

/// An ECDSA P-256 key and the self-signed certificate by which others trust it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    certificate: String,
    key: String,
    not_after: SystemTime,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new one, valid until `not_after`.
    ///
    /// # Errors
    /// [`AuthorityError::Make`], where the system gives no randomness.
    pub fn generate(now: SystemTime, not_after: SystemTime) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityError::Make)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(AuthorityError::Make)?;
        params.distinguished_name = common_name("pillion operator CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = (now - BACKDATED).into();
        params.not_after = not_after.into();
        let certificate = params.self_signed(&key).map_err(AuthorityError::Make)?.pem();
        Self::parse(&certificate, &key.serialize_pem())
    }

    /// One that was stored, as two PEM texts.
    ///
    /// # Errors
    /// [`AuthorityError`], where the texts are not a certificate and its key.
    pub fn parse(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let parsed = KeyPair::from_pem(key).map_err(AuthorityError::Make)?;
        Issuer::from_ca_cert_pem(certificate, parsed).map_err(AuthorityError::Make)?;
        Ok(Self { certificate: certificate.into(), key: key.into(), not_after: not_after(certificate)? })
    }

    /// The certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The key, as PEM; for the Secret alone.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// When it expires.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Signs a server certificate for `names` (DNS names and addresses) with a key made for it.
    ///
    /// # Errors
    /// [`AuthorityError`], where a name cannot stand in a certificate.
    pub fn issue(
        &self,
        names: &[String],
        now: SystemTime,
        not_after: SystemTime,
    ) -> Result<Arc<CertifiedKey>, AuthorityError> {
        let authority_key = KeyPair::from_pem(&self.key).map_err(AuthorityError::Make)?;
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, authority_key).map_err(AuthorityError::Make)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityError::Make)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(AuthorityError::Make)?;
        params.distinguished_name = common_name("pillion operator");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = (now - BACKDATED).into();
        params.not_after = not_after.min(self.not_after).into();
        let certificate = params.signed_by(&key, &issuer).map_err(AuthorityError::Make)?;
        let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| AuthorityError::Read(why.into()))?;
        let signer = rustls::crypto::ring::sign::any_supported_type(&der).map_err(AuthorityError::Use)?;
        Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signer)))
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn not_after(pem: &str) -> Result<SystemTime, AuthorityError> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|why| AuthorityError::Read(why.to_string()))?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|why| AuthorityError::Read(why.to_string()))?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or_default();
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}
