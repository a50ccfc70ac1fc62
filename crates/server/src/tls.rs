//! TLS by rustls: certificates from files, and the authority of its own that dev mode and `init` make.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{path}: not a readable PEM file ({reason})")]
    Pem {
        /// Which file.
        path: String,
        /// What the reader says.
        reason: String,
    },
    /// Certificate and key do not go together, or one is of a kind that rustls does not take.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Generation(#[from] rcgen::Error),
}

/// A certificate chain and its key, in PEM.
pub(crate) struct Identity {
    /// The authority that signed it, for clients to trust.
    pub authority: String,
    /// The server's own certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Makes an authority and a certificate of it for `names` (host names and addresses).
///
/// The authority's key is thrown away: it signs this one certificate and nothing after.
///
/// # Errors
/// When a name is not one that a certificate can hold.
pub(crate) fn generate(names: Vec<String>) -> Result<Identity, TlsError> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Cholla local authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Cholla");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?;
    Ok(Identity { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() })
}

impl Identity {
    /// An acceptor that offers this certificate.
    ///
    /// # Errors
    /// When rustls refuses it.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let pem = |reason: rustls::pki_types::pem::Error| TlsError::Pem {
            path: "generated".into(),
            reason: reason.to_string(),
        };
        let chain =
            CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<_, _>>().map_err(pem)?;
        acceptor(chain, PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(pem)?)
    }
}

/// An acceptor that offers the certificate and key of two files.
///
/// # Errors
/// When one cannot be read, or they do not go together.
pub(crate) fn acceptor_from_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let pem = |path: &Path| {
        let path = path.display().to_string();
        move |reason: rustls::pki_types::pem::Error| TlsError::Pem { path: path.clone(), reason: reason.to_string() }
    };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(pem(certificate))?;
    acceptor(chain, PrivateKeyDer::from_pem_file(key).map_err(pem(key))?)
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
