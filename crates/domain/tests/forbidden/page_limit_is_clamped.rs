//! A page limit outside 1..=100 does not exist (contract 4.7).

use cholla_domain::list::PageLimit;

fn everything() -> PageLimit {
    PageLimit(1_000_000)
}

fn main() {}
