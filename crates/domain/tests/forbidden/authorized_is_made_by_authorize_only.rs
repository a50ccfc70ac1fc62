//! An authorization cannot be made by hand: only `authorize` makes one (contract 5.6, 5.7).

use std::marker::PhantomData;

use cholla_domain::place::Scope;
use cholla_domain::policy::{Authorized, Write};
use cholla_domain::principal::Principal;

fn forge(principal: &Principal) -> Authorized<'_, Write> {
    Authorized { principal, scope: Scope::Account, action: PhantomData }
}

fn main() {}
