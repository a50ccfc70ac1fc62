//! What `SQLite`'s errors mean to a caller.

use std::sync::Arc;

use cholla_domain::error::StoreError;
use rusqlite::ErrorCode;
use thiserror::Error;

/// One failure that several callers are told of.
#[derive(Clone, Debug, Error)]
#[error("SQLite: {0}")]
pub(super) struct Failure(Arc<rusqlite::Error>);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        if is_corruption(&failure.0) { Self::Corrupt(Box::new(failure)) } else { Self::Unavailable(Box::new(failure)) }
    }
}

/// For `map_err`: what a failed statement means to its caller.
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    Failure::from(error).into()
}

/// Whether the file, not the machine, is what is wrong.
pub(super) fn is_corruption(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => true,
        _ => false,
    }
}

/// The writer is gone: it was told to stop, or it panicked.
#[derive(Clone, Copy, Debug, Error)]
#[error("the store is closed")]
pub(super) struct Closed;

impl From<Closed> for StoreError {
    fn from(closed: Closed) -> Self {
        Self::Unavailable(Box::new(closed))
    }
}
