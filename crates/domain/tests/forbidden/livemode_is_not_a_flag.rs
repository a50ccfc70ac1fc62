//! The mode is a type of its own: no stray boolean becomes live (contract 4.9).

use cholla_domain::id::AccountId;
use cholla_domain::place::Namespace;

fn live(developer: AccountId, account: AccountId) -> Namespace {
    Namespace { developer, account, livemode: true }
}

fn main() {}
