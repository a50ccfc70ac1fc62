//! Embedded keys that a platform signs by itself: JWTs of ES256, `EdDSA` or RS256, whose keys stand in a configured JWK set.
//!
//! Whoever withdraws a key must be able to rely on it: what the file does not say any more counts no more. A set without keys trusts
//! nobody, and so does a file that cannot be read; one that was read half-written is put right when it is read again.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use cholla_domain::directory::access::Refused;
use cholla_domain::directory::credential::Credential;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::AppId;
use cholla_domain::operator::app_named;
use cholla_domain::time::Timestamp;
use cholla_seal::VerificationKey;
use cholla_wire::auth::PresentedKey;
use cholla_wire::jose::{ClaimsError, EmbeddedClaims, JwkError, JwkSet, PublicKey, TokenType};
use tokio::sync::watch;

use crate::state::Api;

/// Who signs, for whom, and with which keys.
pub(crate) struct PlatformTokens {
    issuer: String,
    audience: String,
    file: PathBuf,
    /// `None`: nobody is trusted.
    keys: ArcSwapOption<JwkSet<VerificationKey>>,
    seen: Mutex<Seen>,
}

/// How the file was found the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// What it held; absent: it could not be read.
    text: Option<String>,
    /// Why no key of it counts.
    fault: Option<String>,
    /// Keys that count.
    trusted: usize,
}

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(5);

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

/// A set, and how many keys it has. A set in which no key can sign is none.
type Keys = (Option<JwkSet<VerificationKey>>, usize);

fn text(path: &Path) -> Result<String, KeySetError> {
    std::fs::read_to_string(path).map_err(|source| KeySetError::Unreadable { path: path.to_owned(), source })
}

fn keys(path: &Path, text: &str) -> Result<Keys, KeySetError> {
    let count = Cell::new(0);
    let key = |key| {
        count.set(count.get() + 1);
        match key {
            PublicKey::Es256 { x, y } => VerificationKey::es256(&x, &y),
            PublicKey::Ed25519 { x } => VerificationKey::ed25519(&x),
            PublicKey::Rs256 { n, e } => VerificationKey::rs256(&n, &e),
        }
    };
    match JwkSet::parse(text, key) {
        Ok(set) => Ok((Some(set), count.get())),
        Err(JwkError::Empty) => Ok((None, 0)),
        Err(source) => Err(KeySetError::Unusable { path: path.to_owned(), source }),
    }
}

impl PlatformTokens {
    /// Reads the keys. A set without keys is legal: it trusts nobody.
    ///
    /// # Errors
    /// When the file is no JWK set of public keys.
    pub(crate) fn open(issuer: String, audience: String, file: PathBuf) -> Result<Self, KeySetError> {
        let text = text(&file)?;
        let (keys, trusted) = keys(&file, &text)?;
        if keys.is_none() {
            tracing::warn!(file = %file.display(), "no key of the JWK set can sign: no token of the platform counts");
        }
        let seen = Mutex::new(Seen { text: Some(text), fault: None, trusted });
        Ok(Self { issuer, audience, file, keys: ArcSwapOption::new(keys.map(Arc::new)), seen })
    }

    /// Reads the keys again: the platform may have withdrawn some. Where the file cannot be read, or is no JWK set, nobody is trusted
    /// until it is one again.
    pub(crate) fn reload(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = text(&self.file);
        if let Ok(text) = &read
            && seen.text.as_ref() == Some(text)
        {
            return;
        }
        let text = read.as_ref().ok().cloned();
        let found = read.and_then(|text| keys(&self.file, &text));
        let (now, keys) = match found {
            Ok((keys, trusted)) => (Seen { text, fault: None, trusted }, keys),
            Err(error) => (Seen { text, fault: Some(error.to_string()), trusted: 0 }, None),
        };
        self.keys.store(keys.map(Arc::new));
        if now.fault != seen.fault || now.text != seen.text {
            if let Some(fault) = &now.fault {
                tracing::error!(fault, "no token of the platform counts until its keys can be read");
            } else {
                tracing::info!(keys = now.trusted, "the platform's keys have changed");
            }
        }
        *seen = now;
    }

    /// How many keys count, and whether the file can be read.
    fn standing(&self) -> (usize, bool) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.trusted, seen.fault.is_none())
    }

    /// What a token says, if the platform signed it for this server and it has not expired. To be asked before the directory is read: a
    /// signature takes longer than all that is looked up there, and changes would wait for it.
    ///
    /// # Errors
    /// [`Refused::Expired`] for one that has; [`Refused::Unknown`] for anything else.
    pub(crate) fn verify(&self, key: &PresentedKey, now: Timestamp) -> Result<EmbeddedClaims, Refused> {
        let token = key.as_str().filter(|text| text.contains('.')).ok_or(Refused::Unknown)?;
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or_else(|| refused(&"no key of the platform counts", Refused::Unknown))?;
        let claims = keys.verify(token, TokenType::Jwt, VerificationKey::verify);
        let claims = claims.map_err(|error| refused(&error, Refused::Unknown))?;
        EmbeddedClaims::read(&claims, &self.issuer, &self.audience, now).map_err(|error| {
            let is_expired = error == ClaimsError::Expired;
            refused(&error, if is_expired { Refused::Expired } else { Refused::Unknown })
        })
    }
}

/// The session that verified claims are, as a credential without state: it is judged by whether its app is installed now (contract 14.4).
///
/// # Errors
/// [`Refused::Unknown`] where the offboarding of its user has revoked it (contract 14.8).
pub(crate) fn session(claims: EmbeddedClaims, directory: &Directory, now: Timestamp) -> Result<Credential, Refused> {
    if directory.is_signed_before_offboarding((&claims.account, &claims.user), claims.issued_at) {
        return Err(Refused::Unknown);
    }
    // One that nobody knows is installed nowhere, and refused like one that is not installed.
    let app = app_named(directory, &claims.app).map_or_else(|_| AppId::new(claims.app), |app| app.id.clone());
    let (whom, times) = ((claims.account, claims.livemode), (now, claims.expires_at));
    Ok(directory.signed_session((app, claims.user), whom, times))
}

/// Says why a token is refused to whoever runs the server: its bearer hears that it is refused, and nothing more. No reason has a value.
fn refused(reason: &dyn std::fmt::Display, refused: Refused) -> Refused {
    tracing::debug!(%reason, "a token that a platform signed is refused");
    refused
}

/// Looks after the keys of a server until `stopping` turns true, whatever else the server has to do.
pub(crate) async fn watch(api: Arc<Api>, mut stopping: watch::Receiver<bool>) {
    loop {
        let at_work = Arc::clone(&api);
        let read = tokio::task::spawn_blocking(move || {
            let Some(tokens) = &at_work.platform_tokens else { return };
            tokens.reload();
            let (trusted, is_readable) = tokens.standing();
            at_work.metrics.platform_keys.set(i64::try_from(trusted).unwrap_or(i64::MAX));
            at_work.metrics.platform_keys_unreadable.set(i64::from(!is_readable));
        });
        if read.await.is_err() {
            tracing::error!("the platform's keys could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

#[cfg(test)]
mod tests;
