//! Why an operation did not happen, by cause. Nothing here knows a status code; `wire` gives each cause its meaning.

use thiserror::Error;

use crate::id::RequestId;
use crate::list::Cursor;
use crate::policy::Denied;
use crate::time::ExpiryError;

/// A private cause: for the log, never for the client.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation did not happen.
#[derive(Debug, Error)]
pub enum Error {
    /// Contract 6.23 and 5.7.
    #[error("denied: {0:?}")]
    Denied(Denied),
    /// Contract 6.14 and 6.15.
    #[error("expiry refused: {0:?}")]
    Expiry(ExpiryError),
    /// Contract 6.17: the scope holds its ten secrets.
    #[error("the scope is full")]
    ScopeFull,
    /// Contract 6.18: there is no such secret, or none that this caller may know of.
    #[error("no such secret")]
    NotFound,
    /// Contract 6.19: the cursor names nothing in this scope.
    #[error("unknown cursor")]
    UnknownCursor(Cursor),
    /// Contract 6.20.
    #[error("both cursors")]
    BothCursors,
    /// Contract 6.32.
    #[error("precondition failed")]
    PreconditionFailed,
    /// Contract 6.25.
    #[error("idempotency key used with other parameters")]
    IdempotencyMismatch {
        /// The request that came first.
        original: RequestId,
    },
    /// Contract 6.26.
    #[error("idempotency key in flight")]
    IdempotencyInFlight {
        /// The request that came first.
        original: RequestId,
    },
    /// Contract 6.30: storage or the key provider does not answer; a retry may help.
    #[error("unavailable")]
    Unavailable(#[source] Cause),
    /// Contract 6.31: something that must not happen did, such as a record that does not open.
    #[error("internal")]
    Internal(#[source] Cause),
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot now: full disk, no connection, shutting down.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// What it holds cannot be right.
    #[error("the store is corrupt")]
    Corrupt(#[source] Cause),
}

/// Why sealing or opening failed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The record does not open at this place with this key. Never says why.
    #[error("the record was tampered with")]
    Tampered,
    /// The key provider or the store of wrapped keys does not answer.
    #[error("keys are unavailable")]
    Unavailable(#[source] Cause),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(Box::new(error)),
            StoreError::Corrupt(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Unavailable(_) => Self::Unavailable(Box::new(error)),
            SealError::Tampered => Self::Internal(Box::new(error)),
        }
    }
}
