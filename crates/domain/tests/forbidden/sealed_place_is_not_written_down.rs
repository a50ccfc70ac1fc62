//! A place for the store cannot be written down from the hashes of another.

use std::marker::PhantomData;

use cholla_domain::place::SealedPlace;
use cholla_domain::policy::{Read, Write};

fn promote(at: &SealedPlace<Read>) -> SealedPlace<Write> {
    SealedPlace { namespace: at.namespace(), scope: at.scope(), action: PhantomData }
}

fn main() {}
