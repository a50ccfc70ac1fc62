//! TLS by rustls: certificates from files, and the authority of its own that dev mode and `init` make.

use std::path::Path;
use std::sync::Arc;

use cholla_domain::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use time::OffsetDateTime;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::files;

/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// How long before its making a certificate begins to be valid, for clients whose clocks are behind.
const VALID_BEFORE_SECONDS: i64 = DAY_SECONDS;
/// How long after its making a certificate ends: Apple's clients refuse one that is valid for more than 825 days in all.
const VALID_AFTER_SECONDS: i64 = 820 * DAY_SECONDS;
const _: () = assert!(VALID_BEFORE_SECONDS + VALID_AFTER_SECONDS < 825 * DAY_SECONDS);

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
    /// Others than its owner can read the key.
    #[error(
        "{path} holds a private key and can be read by others (mode {mode:04o}); run `chmod 600` on it, and ask yourself who may have read it"
    )]
    Exposed {
        /// Which file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Certificate and key do not go together, or one is of a kind that rustls does not take.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Generation(#[from] rcgen::Error),
    /// No certificate can be valid at the time that the clock shows.
    #[error("a certificate cannot be made for the time that the clock shows")]
    Clock,
}

/// A certificate chain and its key, in PEM.
pub(crate) struct Identity {
    /// The authority that signed it, for clients to trust.
    pub authority: String,
    /// The server's own certificate.
    pub certificate: String,
    /// Its key.
    pub key: Zeroizing<String>,
}

/// What a certificate names unless it is told otherwise: this machine (contract 8.1).
pub(crate) fn local_names() -> Vec<String> {
    ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec()
}

/// Makes an authority and a certificate of it for `names` (host names and addresses), both valid from the day before `now` for 821 days.
///
/// The authority's key is thrown away: it signs this one certificate and nothing after.
///
/// # Errors
/// When a name is not one that a certificate can hold.
pub(crate) fn generate(names: Vec<String>, now: Timestamp) -> Result<Identity, TlsError> {
    let date = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.as_unix()).map_err(|_| TlsError::Clock);
    let (not_before, not_after) = (date(now.plus(-VALID_BEFORE_SECONDS))?, date(now.plus(VALID_AFTER_SECONDS))?);
    let mut authority = CertificateParams::default();
    (authority.not_before, authority.not_after) = (not_before, not_after);
    authority.distinguished_name.push(DnType::CommonName, "Cholla local authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut params = CertificateParams::new(names)?;
    (params.not_before, params.not_after) = (not_before, not_after);
    params.distinguished_name.push(DnType::CommonName, "Cholla");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?;
    let key = Zeroizing::new(key.serialize_pem());
    Ok(Identity { authority: authority.pem(), certificate: certificate.pem(), key })
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
/// When one cannot be read, others than its owner can read the key, or they do not go together.
pub(crate) fn acceptor_from_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let pem = |path: &Path| {
        let path = path.display().to_string();
        move |reason: rustls::pki_types::pem::Error| TlsError::Pem { path: path.clone(), reason: reason.to_string() }
    };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(pem(certificate))?;
    let shown = || key.display().to_string();
    let unreadable = |error: std::io::Error| TlsError::Pem { path: shown(), reason: error.to_string() };
    let (text, mode) = files::read_secret(key).map_err(unreadable)?;
    if let Some(mode) = mode.exposed() {
        return Err(TlsError::Exposed { path: shown(), mode });
    }
    acceptor(chain, PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(pem(key))?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The two times of a certificate: in DER a tag, a length and `YYMMDDHHMMSSZ`.
    fn validity(pem: &str) -> Vec<String> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let times = der.windows(15).filter(|window| window.starts_with(&[0x17, 13]) && window[14] == b'Z');
        times.map(|window| String::from_utf8(window[2..].to_vec()).unwrap()).collect()
    }

    #[test]
    fn certificates_are_valid_for_less_than_825_days() {
        // 2032-01-01T00:00:00Z
        let identity = generate(local_names(), Timestamp::from_unix(1_956_528_000)).unwrap();
        for pem in [&identity.authority, &identity.certificate] {
            assert_eq!(validity(pem), ["311231000000Z", "340331000000Z"]);
        }
        let never = generate(local_names(), Timestamp::from_unix(i64::MAX)).map(|_| ());
        assert!(matches!(never, Err(TlsError::Clock)));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let identity = generate(local_names(), Timestamp::from_unix(1_956_528_000)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let (certificate, key) = (home.path().join("c.pem"), home.path().join("k.pem"));
        std::fs::write(&certificate, &identity.certificate).unwrap();
        assert!(matches!(acceptor_from_files(&certificate, &key), Err(TlsError::Pem { .. })), "there is no key yet");
        files::write_new_private(&key, identity.key.as_bytes()).unwrap();
        assert!(acceptor_from_files(&certificate, &key).is_ok());
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o640)).unwrap();
        let refused = acceptor_from_files(&certificate, &key).map(|_| ());
        assert!(matches!(refused, Err(TlsError::Exposed { mode: 0o640, .. })), "{refused:?}");
    }
}
