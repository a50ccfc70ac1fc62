//! A payload is reached through `expose_secret` only, so that every place that does can be listed.

use cholla_domain::payload::Plaintext;

fn reach(payload: &Plaintext) -> &str {
    &payload.0
}

fn main() {}
