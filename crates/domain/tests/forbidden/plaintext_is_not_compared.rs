//! Payloads are not compared: equality would leak through timing, and no rule needs it.

use cholla_domain::payload::Plaintext;

fn guess(payload: &Plaintext, other: &Plaintext) -> bool {
    payload == other
}

fn main() {}
