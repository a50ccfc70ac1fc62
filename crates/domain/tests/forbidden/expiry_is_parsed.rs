//! An expiry that nobody has held against the clock does not exist (contract 4.3).

use cholla_domain::time::{Expiry, Timestamp};

fn yesterday() -> Expiry {
    Expiry(Timestamp::from_unix(1))
}

fn main() {}
