//! Delete: one secret by its name, for good (contract 4.5).

use crate::error::Error;
use crate::id::RequestId;
use crate::idempotency::{Answer, Entry, IdempotencyKey, KeptRecord, KeptResult};
use crate::name::SecretName;
use crate::place::{Scope, SealedPlace};
use crate::policy::{Denied, Write, authorize};
use crate::ports::{DeleteOutcome, Deletion, Judgement, Ports};
use crate::precondition::Precondition;
use crate::principal::Principal;
use crate::record::{RecordHeader, SecretView};
use crate::set::{Expansion, Overtaken};
use crate::time::Timestamp;

/// A delete as a client asked for it.
#[derive(Debug)]
pub struct DeleteRequest {
    /// Which.
    pub name: SecretName,
    /// Where.
    pub scope: Scope,
    /// Which expansions were asked for.
    pub expansion: Expansion,
    /// Under which conditions.
    pub precondition: Precondition,
    /// The key that makes a retry safe.
    pub idempotency: Option<IdempotencyKey>,
    /// The id of this request.
    pub request: RequestId,
    /// On what its caller was judged.
    pub judged: Judgement,
}

/// Deletes a secret and answers what it was. A replay has no payload, whatever it asks for (contract 7.4).
///
/// # Errors
/// When the caller's judgement does not hold any more.
pub async fn delete(
    ports: &Ports,
    caller: &Principal,
    request: DeleteRequest,
    now: Timestamp,
) -> Result<Answer<SecretView>, Overtaken<DeleteRequest>> {
    Ok(match execute(ports, caller, &request, now).await {
        Ok(Done::Overtaken) => return Err(Overtaken(request)),
        Ok(Done::Now(secret)) => Ok(secret).into(),
        Ok(Done::Kept(kept, result)) => Answer {
            result: replay(result).map(|header| SecretView {
                header,
                name: request.name,
                scope: request.scope,
                payload: None,
            }),
            replay_of: Some(kept.original),
        },
        Err(error) => Err(error).into(),
    })
}

enum Done {
    Overtaken,
    Now(SecretView),
    Kept(KeptRecord, KeptResult),
}

async fn execute(ports: &Ports, caller: &Principal, request: &DeleteRequest, now: Timestamp) -> Result<Done, Error> {
    let authorized = match authorize::<Write>(caller, request.scope.clone()) {
        Ok(authorized) => authorized,
        Err(Denied::ForeignUser | Denied::BeingErased) => return Err(Error::NotFound),
        Err(denied @ Denied::PermissionMissing) => return Err(Error::Denied(denied)),
    };
    let cipher = if request.idempotency.is_some() {
        // Its result is kept, even when there is nothing to delete, so it needs a key to be hashed with.
        match ports.keys.find_or_create(authorized.namespace(), request.judged.at).await? {
            Some(cipher) => cipher,
            None => return Ok(Done::Overtaken),
        }
    } else {
        ports.keys.find(authorized.namespace()).await?.ok_or(Error::NotFound)?
    };
    let at = SealedPlace::new(&authorized, &*cipher);
    let (if_match, if_none_match) = request.precondition.canonical();
    let claim = match &request.idempotency {
        Some(key) => {
            let fields: [&[u8]; 6] = [
                b"delete",
                request.name.as_str().as_bytes(),
                &request.scope.canonical(),
                &request.expansion.as_bytes(),
                &if_match,
                &if_none_match,
            ];
            match Entry::of(ports, (&authorized, &at), &*cipher, key, &fields, request.request, now).await? {
                Entry::Execute(claim) => Some(claim),
                Entry::Kept(kept, own) => return Ok(Done::Kept(kept, kept.result_for(own.fingerprint)?)),
            }
        }
        None => None,
    };
    let deletion = Deletion {
        name: cipher.name_tag(at.scope(), &request.name),
        precondition: request.precondition.clone(),
        idempotency: claim.as_ref().map(|claim| claim.request),
        judged: request.judged,
    };
    match ports.store.delete(&at, deletion, now).await? {
        DeleteOutcome::Overtaken => Ok(Done::Overtaken),
        DeleteOutcome::Deleted(stored) => {
            let opened = cipher.open(&stored)?;
            let payload = request.expansion.payload.then_some(opened.payload);
            Ok(Done::Now(SecretView { header: stored.header, name: opened.name, scope: opened.scope, payload }))
        }
        DeleteOutcome::NotFound => Err(Error::NotFound),
        DeleteOutcome::PreconditionFailed => Err(Error::PreconditionFailed),
        DeleteOutcome::Kept(kept) => {
            let own = claim.ok_or_else(|| Error::Internal("a replay without an idempotency key".into()))?;
            Ok(Done::Kept(kept, kept.result_for(own.request.fingerprint)?))
        }
    }
}

/// The header that a kept result renders with, or the error that it was.
fn replay(result: KeptResult) -> Result<RecordHeader, Error> {
    match result {
        KeptResult::Deleted(header) => Ok(header),
        KeptResult::NotFound => Err(Error::NotFound),
        KeptResult::PreconditionFailed => Err(Error::PreconditionFailed),
        KeptResult::Set(_) | KeptResult::ScopeFull => {
            Err(Error::Internal("a set was kept under the fingerprint of a delete".into()))
        }
    }
}
