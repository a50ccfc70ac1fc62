//! Idempotency records: their bytes, and the table that keeps them (contract 7.4).

use cholla_domain::id::{RequestId, SecretId};
use cholla_domain::idempotency::{KeptRecord, KeptResult};
use cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::{Fingerprint, IdempotencyTag, RecordVersion};
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::defect;

/// The longest record: kind, request, fingerprint, and a header with an expiry.
const RECORD_BYTES_MAX: usize = 1 + 14 + 16 + 30 + 16 + 8 + 8;
// With its tag and its time a record stays below 128 bytes: every official SDK makes one with every write.
const _: () = assert!(RECORD_BYTES_MAX + IdempotencyTag::LENGTH + 8 < 128);

const SET: u8 = 1;
const DELETED: u8 = 2;
const NOT_FOUND: u8 = 3;
const PRECONDITION_FAILED: u8 = 4;
const SCOPE_FULL: u8 = 5;

/// What was kept at `latest_gone` or before is gone at `now`.
fn latest_gone(now: Timestamp) -> i64 {
    now.as_unix().saturating_sub(IDEMPOTENCY_KEPT_SECONDS)
}

/// The record of `tag` that is kept at `now`.
pub(super) fn find(
    connection: &Connection,
    tag: IdempotencyTag,
    now: Timestamp,
) -> rusqlite::Result<Option<KeptRecord>> {
    let mut statement = connection.prepare_cached("SELECT record FROM idempotency WHERE tag = ?1 AND kept_at > ?2")?;
    statement
        .query_row(params![tag.as_bytes(), latest_gone(now)], |row| {
            row.get_ref(0)?.as_blob().ok().and_then(decode).ok_or_else(|| defect(0))
        })
        .optional()
}

/// Keeps `record` from `now` on, in the place of one that is gone by then.
pub(super) fn keep(
    connection: &Connection,
    tag: IdempotencyTag,
    record: &KeptRecord,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO idempotency (tag, kept_at, record) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![tag.as_bytes(), now.as_unix(), encode(record)])?;
    Ok(())
}

/// Erases at most `max` records that are gone at `now`, the oldest first.
pub(super) fn sweep(connection: &Connection, now: Timestamp, max: u32) -> rusqlite::Result<u32> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM idempotency WHERE tag IN (SELECT tag FROM idempotency WHERE kept_at <= ?1 ORDER BY kept_at LIMIT ?2)",
    )?;
    let erased = statement.execute(params![latest_gone(now), max])?;
    Ok(u32::try_from(erased).unwrap_or(max))
}

/// ```text
/// kind 1 │ request 14 │ fingerprint 16 │ then for set and deleted: id 30 │ version 16 │ created_at 8 │ expires_at 8, if it has one
/// ```
fn encode(record: &KeptRecord) -> Vec<u8> {
    let (kind, header) = match &record.result {
        KeptResult::Set(header) => (SET, Some(header)),
        KeptResult::Deleted(header) => (DELETED, Some(header)),
        KeptResult::NotFound => (NOT_FOUND, None),
        KeptResult::PreconditionFailed => (PRECONDITION_FAILED, None),
        KeptResult::ScopeFull => (SCOPE_FULL, None),
    };
    let mut bytes = Vec::with_capacity(RECORD_BYTES_MAX);
    bytes.push(kind);
    bytes.extend_from_slice(record.original.suffix().as_bytes());
    bytes.extend_from_slice(record.fingerprint.as_bytes());
    if let Some(header) = header {
        bytes.extend_from_slice(header.id.suffix().as_bytes());
        bytes.extend_from_slice(header.version.as_bytes());
        bytes.extend_from_slice(&header.created_at.as_unix().to_be_bytes());
        if let Some(at) = header.expires_at {
            bytes.extend_from_slice(&at.as_unix().to_be_bytes());
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<KeptRecord> {
    let (&[kind], rest) = bytes.split_first_chunk()?;
    let (original, rest) = rest.split_first_chunk::<{ RequestId::LENGTH }>()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let result = match kind {
        SET => KeptResult::Set(decode_header(rest)?),
        DELETED => KeptResult::Deleted(decode_header(rest)?),
        NOT_FOUND if rest.is_empty() => KeptResult::NotFound,
        PRECONDITION_FAILED if rest.is_empty() => KeptResult::PreconditionFailed,
        SCOPE_FULL if rest.is_empty() => KeptResult::ScopeFull,
        _ => return None,
    };
    let original = RequestId::from_suffix(original)?;
    Some(KeptRecord { original, fingerprint: Fingerprint::from_bytes(*fingerprint), result })
}

fn decode_header(bytes: &[u8]) -> Option<RecordHeader> {
    let (id, rest) = bytes.split_first_chunk::<{ SecretId::LENGTH }>()?;
    let (version, rest) = rest.split_first_chunk()?;
    let (created_at, rest) = rest.split_first_chunk()?;
    let expires_at = if rest.is_empty() { None } else { Some(i64::from_be_bytes(rest.try_into().ok()?)) };
    Some(RecordHeader {
        id: SecretId::from_suffix(id)?,
        version: RecordVersion::from_bytes(*version),
        created_at: Timestamp::from_unix(i64::from_be_bytes(*created_at)),
        expires_at: expires_at.map(Timestamp::from_unix),
    })
}
