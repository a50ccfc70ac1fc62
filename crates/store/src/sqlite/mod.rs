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
//! `checkpoint`.

mod cache;
mod checkpoint;
mod connection;
mod error;
#[cfg(test)]
mod faults;
mod idempotency;
mod job;
mod kept_record;
pub mod open;
mod ports;
mod reader;
mod row;
pub mod statistics;
mod store;
mod transaction;
mod writer;

pub use open::OpenError;
pub use statistics::Statistics;
pub use store::{Options, Store};
