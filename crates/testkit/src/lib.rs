//! What tests share: the contract as data and the program that runs it against any server.

pub mod cipher;
pub mod entropy;
pub mod exchange;
pub mod memory;
pub mod pattern;
pub mod runner;
pub mod store_model;
pub mod store_readers;
pub mod store_suite;
pub mod vector;
pub mod world;
