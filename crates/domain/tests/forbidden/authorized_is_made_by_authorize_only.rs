//! An authorization cannot be made by hand: only `authorize` makes one (contract 5.6, 5.7).

use std::marker::PhantomData;

use cholla_domain::place::{Namespace, Scope};
use cholla_domain::policy::{Authorized, Write};
use cholla_domain::principal::Reach;

fn forge(namespace: Namespace) -> Authorized<Write> {
    Authorized { namespace, scope: Scope::Account, reach: Reach::Backend, action: PhantomData }
}

fn main() {}
