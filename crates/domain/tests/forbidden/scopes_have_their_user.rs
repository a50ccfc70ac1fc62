//! A user scope has its user, an account scope has none (contract 4.6).

use cholla_domain::id::UserId;
use cholla_domain::place::Scope;

fn account_of(user: UserId) -> Scope {
    Scope::Account(user)
}

fn user_without_id() -> Scope {
    Scope::User
}

fn main() {}
