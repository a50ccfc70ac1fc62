//! A payload is not printed.

use cholla_domain::payload::Plaintext;

fn print(payload: &Plaintext) -> String {
    format!("{payload}")
}

fn main() {}
