//! The bytes of an idempotency record.

use cholla_domain::id::{RequestId, SecretId};
use cholla_domain::idempotency::{KeptRecord, KeptResult};
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::{Fingerprint, RecordVersion};
use cholla_domain::time::Timestamp;

use super::idempotency::RECORD_BYTES_MAX;

const SET: u8 = 1;
const DELETED: u8 = 2;
const NOT_FOUND: u8 = 3;
const PRECONDITION_FAILED: u8 = 4;
const SCOPE_FULL: u8 = 5;

/// ```text
/// kind 1 │ request 14 │ fingerprint 16 │ then for set and deleted: id 30 │ version 16 │ created_at 8 │ expires_at 8, if it has one
/// ```
pub(super) fn encode(record: &KeptRecord) -> Vec<u8> {
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

pub(super) fn decode(bytes: &[u8]) -> Option<KeptRecord> {
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
