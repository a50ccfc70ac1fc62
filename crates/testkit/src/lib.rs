//! What tests share: the contract as data and the program that runs it against any server.

pub mod cipher;
pub mod directory_world;
pub mod entropy;
pub mod exchange;
pub mod memory;
pub mod pattern;
pub mod runner;
pub mod store_directory;
pub mod store_erasure;
pub mod store_maintenance;
pub mod store_model;
pub mod store_notices;
pub mod store_outbox;
pub mod store_readers;
pub mod store_suite;
pub mod vector;
pub mod world;
