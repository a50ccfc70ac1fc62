//! The server: HTTP/1.1 and HTTP/2, TLS, credentials, the admin listener, the sweeper.
//!
//! Start reading in `service.rs`, one request from head to answer, then `api/set.rs`. [`dev::start`] and [`production::start`]
//! put a server together from the same parts.

pub mod config;
pub mod dev;
pub mod init;
pub mod manifest;
pub mod platform;
pub mod production;
pub mod receipts;
pub mod running;
pub mod tls;
pub mod world;

mod admin;
mod api;
mod assembly;
mod authenticate;
mod clock;
mod cors;
mod cut;
mod entropy;
mod erasing;
mod files;
mod header_names;
mod http2;
mod in_flight;
mod keeper;
mod large_bodies;
mod listener;
mod metrics;
mod notices;
mod panics;
mod platform_tokens;
mod presented_tokens;
mod progress;
mod rate_limits;
mod reads;
mod receive;
mod respond;
mod rollout;
mod scripted_faults;
mod service;
mod state;
mod sweep;
#[cfg(test)]
mod testing;
mod unread;
mod webhooks;
mod workers;
