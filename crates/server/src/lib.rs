//! The server: HTTP/1.1 and HTTP/2, TLS, credentials, the admin listener, the sweeper.
//!
//! Start reading in `service.rs`, one request from head to answer, then `api/set.rs`. [`dev::start`] and [`production::start`]
//! put a server together from the same parts.

pub mod config;
pub mod dev;
pub mod init;
pub mod platform;
pub mod production;
pub mod running;
pub mod tls;
pub mod world;

mod admin;
mod api;
mod assembly;
mod authenticate;
mod clock;
mod cors;
mod entropy;
mod files;
mod header_names;
mod http2;
mod in_flight;
mod large_bodies;
mod listener;
mod metrics;
mod panics;
mod progress;
mod receive;
mod respond;
mod service;
mod state;
mod sweep;
mod unread;
mod workers;
