//! Embedded keys that a platform signs by itself: JWTs of ES256, `EdDSA` or RS256, whose keys stand in a configured JWK set.

use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use cholla_domain::directory::access::Refused;
use cholla_domain::directory::credential::Credential;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::AppId;
use cholla_domain::operator::app_named;
use cholla_domain::time::Timestamp;
use cholla_seal::VerificationKey;
use cholla_wire::auth::PresentedKey;
use cholla_wire::jose::{ClaimsError, EmbeddedClaims, JwkError, JwkSet, PublicKey, TokenType};

/// Who signs, for whom, and with which keys.
pub(crate) struct PlatformTokens {
    issuer: String,
    audience: String,
    file: PathBuf,
    keys: ArcSwap<JwkSet<VerificationKey>>,
}

/// Why a JWK set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; give the path of a JWK set", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no set of public keys that can be used.
    #[error("{} is no JWK set that can be used: {source}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: JwkError,
    },
}

fn read(path: &Path) -> Result<JwkSet<VerificationKey>, KeySetError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| KeySetError::Unreadable { path: path.to_owned(), source })?;
    let key = |key| match key {
        PublicKey::Es256 { x, y } => VerificationKey::es256(&x, &y),
        PublicKey::Ed25519 { x } => VerificationKey::ed25519(&x),
        PublicKey::Rs256 { n, e } => VerificationKey::rs256(&n, &e),
    };
    JwkSet::parse(&text, key).map_err(|source| KeySetError::Unusable { path: path.to_owned(), source })
}

impl PlatformTokens {
    /// Reads the keys.
    ///
    /// # Errors
    /// When the file is no JWK set of public keys.
    pub(crate) fn open(issuer: String, audience: String, file: PathBuf) -> Result<Self, KeySetError> {
        let keys = ArcSwap::from_pointee(read(&file)?);
        Ok(Self { issuer, audience, file, keys })
    }

    /// Reads the keys again: the platform may have changed them. Those that cannot be read leave the old ones in force.
    pub(crate) fn reload(&self) {
        match read(&self.file) {
            Ok(keys) => self.keys.store(std::sync::Arc::new(keys)),
            Err(error) => tracing::warn!(%error, "the platform's keys were not read again"),
        }
    }

    /// The session that a token is, if the platform signed it for this server and it has not expired.
    ///
    /// # Errors
    /// [`Refused::Expired`] for one that has; [`Refused::Unknown`] for anything else.
    pub(crate) fn credential(
        &self,
        key: &PresentedKey,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Credential, Refused> {
        let token = key.as_str().filter(|text| text.contains('.')).ok_or(Refused::Unknown)?;
        let claims = self.keys.load().verify(token, TokenType::Jwt, VerificationKey::verify);
        let claims = claims.map_err(|_| Refused::Unknown)?;
        let claims = EmbeddedClaims::read(&claims, &self.issuer, &self.audience, now).map_err(|error| match error {
            ClaimsError::Expired => Refused::Expired,
            _ => Refused::Unknown,
        })?;
        // One that nobody knows is installed nowhere, and refused like one that is not installed.
        let app = app_named(directory, &claims.app).map_or_else(|_| AppId::new(claims.app), |app| app.id.clone());
        let (whom, times) = ((claims.account, claims.livemode), (now, claims.expires_at));
        Ok(directory.signed_session((app, claims.user), whom, times))
    }
}

#[cfg(test)]
mod tests;
