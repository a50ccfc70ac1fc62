//! Find: one secret by its name, or nothing (contract 4.5).

use crate::error::Error;
use crate::name::SecretName;
use crate::place::{Scope, SealedPlace};
use crate::policy::{Denied, Read, authorize};
use crate::ports::Ports;
use crate::principal::Principal;
use crate::record::SecretView;
use crate::time::Timestamp;

/// A find as a client asked for it.
#[derive(Debug)]
pub struct FindRequest {
    /// Which.
    pub name: SecretName,
    /// Where.
    pub scope: Scope,
    /// Whether the payload is part of the answer.
    pub expand_payload: bool,
}

/// Finds a secret. A neighbour's secret is exactly like a missing one (law 9).
///
/// # Errors
/// [`Error::NotFound`], or why it could not be looked up.
pub async fn find(
    ports: &Ports,
    caller: &Principal,
    request: &FindRequest,
    now: Timestamp,
) -> Result<SecretView, Error> {
    let authorized = match authorize::<Read>(caller, request.scope.clone()) {
        Ok(authorized) => authorized,
        Err(Denied::ForeignUser | Denied::BeingErased) => return Err(Error::NotFound),
        Err(denied @ Denied::PermissionMissing) => return Err(Error::Denied(denied)),
    };
    let cipher = ports.keys.find(authorized.namespace()).await?.ok_or(Error::NotFound)?;
    let at = SealedPlace::new(&authorized, &*cipher);
    let name = cipher.name_tag(at.scope(), &request.name);
    let stored = ports.store.find(&at, name, now).await?.ok_or(Error::NotFound)?;
    let opened = cipher.open(&stored)?;
    if opened.name != request.name || opened.scope != *authorized.scope() {
        return Err(Error::Internal("a record was found under a name that is not its own".into()));
    }
    if request.expand_payload {
        ports.reads.note(&stored, now);
    }
    let payload = request.expand_payload.then_some(opened.payload);
    Ok(SecretView { header: stored.header, name: opened.name, scope: opened.scope, payload })
}
