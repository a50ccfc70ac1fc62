//! The claims of an embedded key that a platform signs itself (contract 5.5).

use cholla_domain::id::{AccountId, UserId};
use cholla_domain::limits::{CLOCK_SKEW_SECONDS_MAX, EMBEDDED_KEY_SECONDS_MAX};
use cholla_domain::livemode::Livemode;
use cholla_domain::name::is_legal;
use cholla_domain::time::{Timestamp, is_expired};
use serde::Deserialize;
use thiserror::Error;

use super::object;

/// For whom an embedded key is. The platform writes it as these claims of a JWT:
///
/// | Claim | Holds |
/// | --- | --- |
/// | `iss` | the issuer, as this server knows it |
/// | `aud` | the name of this server, alone or in a list |
/// | `sub` | the user: 1 to 5,000 characters without NUL |
/// | `app` | the app, in any of its names |
/// | `account` | the installing account |
/// | `mode` | `test` or `live` |
/// | `exp` | from this second on it is expired; at most [`EMBEDDED_KEY_SECONDS_MAX`] after `iat`, or, where there is none, after now |
/// | `iat`, `nbf` | each where given: at most [`CLOCK_SKEW_SECONDS_MAX`] in the future |
///
/// Times are whole Unix seconds. Other claims are ignored; none of these may occur twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedClaims {
    /// The app, in any of its names.
    pub app: String,
    /// The account on which it is installed.
    pub account: AccountId,
    /// The user who sees the UI extension.
    pub user: UserId,
    /// The mode.
    pub livemode: Livemode,
    /// When it was signed, where it says so.
    pub issued_at: Option<Timestamp>,
    /// When the key expires.
    pub expires_at: Timestamp,
}

/// Why claims were refused. Says nothing of what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClaimsError {
    /// Something that must be there is not, or is something else.
    #[error("a claim is missing, malformed or there twice")]
    Malformed,
    /// `iss` is another.
    #[error("another issuer")]
    Issuer,
    /// `aud` does not name this server.
    #[error("for another audience")]
    Audience,
    /// `exp` has come (contract 6.3).
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("not yet valid")]
    NotYetValid,
    /// `exp` lies too far ahead.
    #[error("lives longer than {EMBEDDED_KEY_SECONDS_MAX} seconds")]
    Lifetime,
}

/// The claims as they are written.
#[derive(Deserialize)]
struct Written {
    iss: String,
    aud: Audience,
    sub: String,
    app: String,
    account: String,
    mode: String,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
}

/// Whom a token is for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Any(Vec<String>),
}

impl EmbeddedClaims {
    /// Reads the payload of a verified token.
    ///
    /// # Errors
    /// When it is not for this server, not now, or not whole. Whether app, account and install exist is the directory's to say.
    pub fn read(claims: &[u8], issuer: &str, audience: &str, now: Timestamp) -> Result<Self, ClaimsError> {
        let written: Written = object(claims).ok_or(ClaimsError::Malformed)?;
        let livemode = Livemode::ALL.into_iter().find(|mode| mode.as_str() == written.mode);
        let livemode = livemode.ok_or(ClaimsError::Malformed)?;
        if ![&written.sub, &written.app, &written.account].into_iter().all(|text| is_legal(text)) {
            return Err(ClaimsError::Malformed);
        }
        if written.iss != issuer {
            return Err(ClaimsError::Issuer);
        }
        if !written.aud.names(audience) {
            return Err(ClaimsError::Audience);
        }
        Ok(Self {
            expires_at: written.expiry(now)?,
            issued_at: written.iat.map(Timestamp::from_unix),
            app: written.app,
            account: AccountId::new(written.account),
            user: UserId::new(written.sub),
            livemode,
        })
    }
}

impl Written {
    /// When the key expires, if it is valid at `now`.
    fn expiry(&self, now: Timestamp) -> Result<Timestamp, ClaimsError> {
        let latest_now = now.plus(CLOCK_SKEW_SECONDS_MAX);
        if [self.nbf, self.iat].into_iter().flatten().any(|start| Timestamp::from_unix(start) > latest_now) {
            return Err(ClaimsError::NotYetValid);
        }
        let expires_at = Timestamp::from_unix(self.exp);
        if is_expired(Some(expires_at), now) {
            return Err(ClaimsError::Expired);
        }
        let issued_at = self.iat.map_or(latest_now, Timestamp::from_unix);
        if expires_at > issued_at.plus(EMBEDDED_KEY_SECONDS_MAX) { Err(ClaimsError::Lifetime) } else { Ok(expires_at) }
    }
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(name) => name == audience,
            Self::Any(names) => names.iter().any(|name| name == audience),
        }
    }
}
