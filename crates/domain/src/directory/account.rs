//! Accounts, their users and their connections.

use std::collections::BTreeSet;

use super::codec::layout;
use crate::id::{AccountId, UserId};
use crate::time::Timestamp;

/// An account: an app developer, an installing merchant, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, for people.
    pub name: Option<String>,
    /// Developers who may install their own apps here through `Stripe-Account`: it stands for a Connect relation (contract 12.6).
    pub connected_to: BTreeSet<AccountId>,
    /// Whether dev mode made it up for a key or a header that nobody declared.
    pub made_up: bool,
    /// When it was created.
    pub created_at: Timestamp,
}
layout!(Account { id, name, connected_to, made_up, created_at });

/// A user of an account, as far as one is listed: users that are named on the wire need not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub id: UserId,
    /// When the user was added.
    pub added_at: Timestamp,
}
layout!(User { account, id, added_at });
