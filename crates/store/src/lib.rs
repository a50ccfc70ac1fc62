//! Sealed records at rest: `SQLite` behind the domain's storage ports.
//!
//! This crate sees keyed hashes, sealed bytes, ids and times. It depends on nothing that could open a record (law 3), and writes no
//! tag and no byte of a record into a log or an error.

pub mod sqlite;
