//! Rows to records.

use cholla_domain::id::SecretId;
use cholla_domain::payload::Sealed;
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{NameTag, RecordVersion, ScopeTag};
use cholla_domain::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use thiserror::Error;

/// A column does not hold what this program writes there.
#[derive(Debug, Error)]
#[error("a column holds what was never written there")]
pub(super) struct Defect;

pub(super) fn defect(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(Defect))
}

/// The blob in `column`, of exactly `N` bytes.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    row.get_ref(column)?.as_blob().ok().and_then(|blob| blob.try_into().ok()).ok_or_else(|| defect(column))
}

/// `id, version, created_at, expires_at` in four columns from `first` on.
pub(super) fn header(row: &Row<'_>, first: usize) -> rusqlite::Result<RecordHeader> {
    let id = row.get_ref(first)?.as_blob().ok().and_then(SecretId::from_suffix).ok_or_else(|| defect(first))?;
    Ok(RecordHeader {
        id,
        version: RecordVersion::from_bytes(bytes(row, first + 1)?),
        created_at: Timestamp::from_unix(row.get(first + 2)?),
        expires_at: row.get::<_, Option<i64>>(first + 3)?.map(Timestamp::from_unix),
    })
}

/// The header from `first` on, then the sealed record.
pub(super) fn secret(row: &Row<'_>, first: usize, scope: ScopeTag, name: NameTag) -> rusqlite::Result<StoredSecret> {
    let header = header(row, first)?;
    let sealed = row.get_ref(first + 4)?.as_blob().map_err(|_| defect(first + 4))?;
    Ok(StoredSecret { scope, name, header, sealed: Sealed::assertion(sealed.to_vec()) })
}

/// The number in `column`, which is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| defect(column))
}

/// The bound of rows before number `before`.
pub(super) fn before(before: Option<u64>) -> i64 {
    before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX))
}

/// A LIMIT of `max` rows.
pub(super) fn most(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
