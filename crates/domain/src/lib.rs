//! The rules of the secret store: types, policy, the four operations and the ports they need.
//!
//! This crate does no I/O, reads no clock, draws no randomness, and knows no HTTP, JSON or SQL. Read it in the order below.
//!
//! The ten laws of the house, each checked by a named test in `testkit/tests/laws.rs`:
//!
//! 1. `domain` does no I/O, reads no clock, draws no randomness, knows no HTTP, JSON or SQL.
//! 2. Only `wire` knows Stripe's field names, JSON and form encoding. Domain types are not `Serialize`.
//! 3. Only `seal` names an AEAD. `store` does not depend on `seal`: the storage layer *cannot* decrypt.
//! 4. A store call on secrets needs an [`place::SealedPlace`], made only from an [`policy::Authorized`] value.
//! 5. A tenant's place is computed from the principal, never read from the request alone.
//! 6. Plaintext is exposed to the namespace's cipher (to be sealed, or fingerprinted), to the renderer of a response, and nowhere else.
//! 7. Every limit is a named constant in [`limits`]; every loop, queue, page and body has one.
//! 8. Rules that must hold under concurrency are decided inside one store transaction.
//! 9. Another tenant's secret and a missing secret produce identical bytes (request id apart).
//! 10. Time, id randomness, storage and keys are parameters; any failing test replays from a seed.

pub mod limits;

mod card_number;
pub mod id;
pub mod livemode;
pub mod name;
pub mod payload;
pub mod time;

pub mod place;
pub mod tag;

pub mod policy;
pub mod principal;

pub mod directory;
pub mod installs;
pub mod oauth;
pub mod operator;

pub mod idempotency;
pub mod precondition;
pub mod record;

pub mod error;
pub mod ports;

pub mod delete;
pub mod find;
pub mod list;
pub mod set;
