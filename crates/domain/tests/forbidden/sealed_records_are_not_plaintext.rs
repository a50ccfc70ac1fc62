//! A payload in clear is not stored: a new secret holds a sealed record.

use cholla_domain::payload::{Plaintext, Sealed};

fn store(payload: Plaintext) -> Sealed {
    payload.into()
}

fn main() {}
