//! The contract's bytes: parameters in, objects and errors out.
//!
//! Only this crate knows Stripe's field names, JSON and form encoding (law 2). It decides nothing about secrets, reads no clock and
//! knows no HTTP library: it turns bytes into the domain's types and the domain's answers into bytes. "Contract 4.7" is rule 4.7 of
//! `docs/spec/wire.md`.
//!
//! Read it in the order of a request: [`auth`] and [`headers`], then [`form`] (bytes to a tree of [`params`]), then [`secrets`]
//! and [`installs`] and [`oauth`] (the tree to typed parameters), then [`object`] or [`error`]. [`client`] is the other direction: what a
//! client sends. [`jose`] is what is signed with public keys: embedded keys of a platform, and receipts.

mod field;
mod json;
mod json_scan;
mod text;

pub mod auth;
pub mod headers;

mod expand;
pub mod form;
pub mod params;
mod scope;

pub mod installs;
pub mod oauth;
pub mod secrets;
pub mod signature;

pub mod jose;

pub mod error;
pub mod event;
pub mod object;

pub mod client;
