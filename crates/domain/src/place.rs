//! Where a secret lives: a closed, typed tuple. No paths, no globs, no aliases, no lookup by id alone.

use std::marker::PhantomData;

use crate::id::{AccountId, UserId};
use crate::livemode::Livemode;
use crate::policy::Authorized;
use crate::ports::NamespaceCipher;
use crate::tag::{NamespaceTag, ScopeTag};

/// What the apps of one developer share on one installing account, in one mode (contract 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// The account that owns the apps.
    pub developer: AccountId,
    /// The account that installed one of them; the developer's own account without an install.
    pub account: AccountId,
    /// The mode of the credential.
    pub livemode: Livemode,
}

impl Namespace {
    /// An injective encoding: no two namespaces have the same bytes. Part of the sealed format (`docs/spec/sealed-v1.md`).
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + self.developer.as_str().len() + self.account.as_str().len());
        push_field(&mut bytes, self.developer.as_str().as_bytes());
        push_field(&mut bytes, self.account.as_str().as_bytes());
        bytes.push(u8::from(self.livemode.is_live()));
        bytes
    }
}

/// Whose secrets: the whole account's or one user's (contract 4.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One per namespace.
    Account,
    /// One per user of the account.
    User(UserId),
}

impl Scope {
    /// `account` or `user`, as on the wire and in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::User(_) => "user",
        }
    }

    /// An injective encoding. Part of the sealed format.
    pub fn canonical(&self) -> Vec<u8> {
        match self {
            Self::Account => vec![0],
            Self::User(user) => {
                let mut bytes = Vec::with_capacity(5 + user.as_str().len());
                bytes.push(1);
                push_field(&mut bytes, user.as_str().as_bytes());
                bytes
            }
        }
    }
}

/// Appends `field` behind its length as four bytes, most significant first.
pub fn push_field(bytes: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).expect("fields are bounded by the body limit, far below 4 GiB");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(field);
}

/// An authorized scope as the storage layer sees it: two keyed hashes.
///
/// It is made from an [`Authorized`] value only (law 4), so a store call cannot forget the permission check or check one place
/// and touch another.
pub struct SealedPlace<A> {
    namespace: NamespaceTag,
    scope: ScopeTag,
    action: PhantomData<A>,
}

impl<A> SealedPlace<A> {
    /// Hashes the authorized scope under its namespace's keys.
    pub fn new(authorized: &Authorized<'_, A>, cipher: &dyn NamespaceCipher) -> Self {
        Self { namespace: cipher.namespace_tag(), scope: cipher.scope_tag(authorized.scope()), action: PhantomData }
    }

    /// The namespace's keyed hash.
    pub fn namespace(&self) -> NamespaceTag {
        self.namespace
    }

    /// The scope's keyed hash.
    pub fn scope(&self) -> ScopeTag {
        self.scope
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn namespace(developer: &str, account: &str, live: bool) -> Namespace {
        Namespace {
            developer: AccountId::new(developer),
            account: AccountId::new(account),
            livemode: if live { Livemode::Live } else { Livemode::Test },
        }
    }

    proptest! {
        #[test]
        fn rule_5_1_namespaces_encode_injectively(
            a in (".{0,12}", ".{0,12}", any::<bool>()), b in (".{0,12}", ".{0,12}", any::<bool>()),
        ) {
            let (left, right) = (namespace(&a.0, &a.1, a.2), namespace(&b.0, &b.1, b.2));
            prop_assert_eq!(left == right, left.canonical() == right.canonical());
        }
    }

    #[test]
    fn neighbours_that_join_to_the_same_text_differ() {
        assert_ne!(namespace("acct_a", "b", false).canonical(), namespace("acct_", "ab", false).canonical());
        assert_ne!(namespace("a", "b", false).canonical(), namespace("a", "b", true).canonical());
        assert_ne!(Scope::Account.canonical(), Scope::User(UserId::new("")).canonical());
    }
}
