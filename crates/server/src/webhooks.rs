//! Webhooks on their way out: from the durable queue to the endpoints, at least once (contract 17.5, 17.6).
//!
//! `dispatcher` takes what is due and runs the tries, `schedule` says when the next one is, `signature` signs each, `client` makes the
//! request, `target` reads the endpoint's URL, and `address` says where requests may go at all.

pub(crate) mod address;
pub(crate) mod client;
pub(crate) mod dispatcher;
pub(crate) mod schedule;
pub(crate) mod signature;
pub(crate) mod target;
