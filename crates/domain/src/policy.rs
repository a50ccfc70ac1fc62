//! Who may do what (contract section 5): one exhaustive function, printed as a committed matrix.

use std::marker::PhantomData;

use crate::place::{Namespace, Scope};
use crate::principal::{Permission, Principal, Reach};

/// Marks an authorization to find and list.
#[derive(Debug)]
pub enum Read {}

/// Marks an authorization to set and delete.
#[derive(Debug)]
pub enum Write {}

/// What an authorization is for.
pub trait Action: sealed::Sealed {
    /// The permission that the action needs.
    const NEEDS: Permission;
}

impl Action for Read {
    const NEEDS: Permission = Permission::SecretRead;
}

impl Action for Write {
    const NEEDS: Permission = Permission::SecretWrite;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Read {}
    impl Sealed for super::Write {}
}

/// Proof that a principal may do `A` in one scope of its namespace. Only [`authorize`] makes one.
#[derive(Debug)]
pub struct Authorized<'p, A> {
    principal: &'p Principal,
    scope: Scope,
    action: PhantomData<A>,
}

impl<A> Authorized<'_, A> {
    /// The principal's namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.principal.namespace
    }

    /// The scope that was checked.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whose idempotency keys count: the backend's or one user's (contract 7.4).
    pub fn reach(&self) -> &Reach {
        &self.principal.reach
    }
}

/// Why a principal may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The installing account did not grant what the action needs (contract 6.23).
    PermissionMissing,
    /// A UI extension named another user's scope (contract 5.7).
    ForeignUser,
    /// The user was offboarded, and the scopes of that user are being erased: until they are, they are as if empty and take nothing
    /// (contract 14.8).
    BeingErased,
}

/// Decides whether `principal` may do `A` in `scope`. Permission comes first, then ownership of the scope, then whether it is being erased.
///
/// # Errors
/// The first reason why not.
pub fn authorize<A: Action>(principal: &Principal, scope: Scope) -> Result<Authorized<'_, A>, Denied> {
    let permitted = match A::NEEDS {
        Permission::SecretWrite => principal.permissions.write,
        Permission::SecretRead => principal.permissions.write || principal.permissions.read,
    };
    if !permitted {
        return Err(Denied::PermissionMissing);
    }
    match (&principal.reach, &scope) {
        (Reach::Backend, Scope::Account | Scope::User(_)) | (Reach::Extension(_), Scope::Account) => {}
        (Reach::Extension(own), Scope::User(named)) if own == named => {}
        (Reach::Extension(_), Scope::User(_)) => return Err(Denied::ForeignUser),
    }
    if let Scope::User(user) = &scope
        && principal.being_erased.as_ref().is_some_and(|users| users.contains(user))
    {
        return Err(Denied::BeingErased);
    }
    Ok(Authorized { principal, scope, action: PhantomData })
}
