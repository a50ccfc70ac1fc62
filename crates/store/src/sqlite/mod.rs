//! The embedded store: one `SQLite` file, one process.
//!
//! ```text
//! find, list, header ── cache of sealed records ── a read connection per thread ──┐
//!                            ▲ after COMMIT,                                      ├─ cholla.db, cholla.db-wal
//! set, delete, sweep ─ queue ─ writer thread, one transaction per batch ──────────┤
//!                                                            checkpointer thread ─┘
//! ```
//!
//! Reading order: `migrations/`, [`mod@open`], `transaction` (what one write does), `writer` (how writes share a commit), `cache`,
//! `checkpoint`; then what stands around the secrets: `directory`, `outbox`, `notices`, `keys`, `scope`, `erasure`, `inventory`.

mod cache;
mod checkpoint;
mod closed;
mod connection;
mod directory;
mod erasure;
mod error;
#[cfg(test)]
mod faults;
mod idempotency;
mod inventory;
mod job;
mod kept_record;
mod keys;
mod notices;
pub mod open;
mod outbox;
mod ports;
mod reader;
mod row;
mod scope;
pub mod statistics;
mod store;
mod transaction;
mod writer;

pub use open::OpenError;
pub use statistics::Statistics;
pub use store::{Options, Store};
