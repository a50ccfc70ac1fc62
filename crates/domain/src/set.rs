//! Set: create or replace a secret (contract 4.1).

use crate::error::Error;
use crate::id::{RequestId, SecretId};
use crate::idempotency::{Answer, Entry, IdempotencyKey, KeptRecord, KeptResult};
use crate::limits::SET_ATTEMPTS_MAX;
use crate::name::SecretName;
use crate::payload::Plaintext;
use crate::place::{Scope, SealedPlace};
use crate::policy::{Authorized, Write, authorize};
use crate::ports::{Judgement, NamespaceCipher, NewSecret, Ports, SetOutcome};
use crate::precondition::Precondition;
use crate::principal::Principal;
use crate::record::{RecordHeader, SecretView};
use crate::tag::RecordVersion;
use crate::time::{Expiry, Timestamp};

/// A set as a client asked for it.
#[derive(Debug)]
pub struct SetRequest {
    /// Under which name.
    pub name: SecretName,
    /// What.
    pub payload: Plaintext,
    /// Where.
    pub scope: Scope,
    /// Until when; `None` clears what was there.
    pub expires_at: Option<Timestamp>,
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

/// Since the caller of a write was judged, its namespace was closed or its user offboarded. Nothing was written: judge the caller again, and
/// if it still may, begin again with what was asked for.
#[derive(Debug)]
pub struct Overtaken<R>(pub R);

/// Which expansions a request asked for. Those without effect count where two requests are compared (contract 4.8 and 7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The payload is part of the answer.
    pub payload: bool,
    /// `scope`, a no-op.
    pub scope: bool,
}

impl Expansion {
    pub(crate) fn as_bytes(self) -> [u8; 2] {
        [u8::from(self.payload), u8::from(self.scope)]
    }
}

/// Sets a secret. The limit, the precondition and the idempotency record are decided inside one store transaction (law 8), and so is whether
/// the caller's judgement still holds: what an uninstall or an offboarding has closed, no set that was on its way opens again.
///
/// # Errors
/// When it does not hold any more.
pub async fn set(
    ports: &Ports,
    caller: &Principal,
    request: SetRequest,
    now: Timestamp,
) -> Result<Answer<SecretView>, Overtaken<SetRequest>> {
    Ok(match execute(ports, caller, &request, now).await {
        Ok(Done::Overtaken) => return Err(Overtaken(request)),
        Ok(Done::Now(header)) => Ok(view(request, header)).into(),
        Ok(Done::Kept(kept, result)) => {
            Answer { result: replay(result).map(|header| view(request, header)), replay_of: Some(kept.original) }
        }
        Err(error) => Err(error).into(),
    })
}

enum Done {
    Overtaken,
    Now(RecordHeader),
    Kept(KeptRecord, KeptResult),
}

async fn execute(ports: &Ports, caller: &Principal, request: &SetRequest, now: Timestamp) -> Result<Done, Error> {
    let authorized = authorize::<Write>(caller, request.scope.clone()).map_err(Error::Denied)?;
    let Some(cipher) = ports.keys.find_or_create(authorized.namespace(), request.judged.at).await? else {
        return Ok(Done::Overtaken);
    };
    let at = SealedPlace::new(&authorized, &*cipher);
    let claim = match &request.idempotency {
        None => None,
        Some(key) => match entry(ports, (&authorized, &at), &*cipher, key, request, now).await? {
            Entry::Execute(claim) => Some(claim),
            Entry::Kept(kept, own) => return Ok(Done::Kept(kept, kept.result_for(own.fingerprint)?)),
        },
    };
    let idempotency = claim.as_ref().map(|claim| claim.request);
    let expires_at = match request.expires_at.map(|at| Expiry::parse(at, now)).transpose() {
        Ok(expiry) => expiry.map(Expiry::at),
        // A retry whose `expires_at` has passed meanwhile still gets its first answer.
        Err(error) => {
            let Some(own) = idempotency else { return Err(Error::Expiry(error)) };
            let kept = ports.store.kept(&at, own.tag, now).await?.ok_or(Error::Expiry(error))?;
            return Ok(Done::Kept(kept, kept.result_for(own.fingerprint)?));
        }
    };
    let name = cipher.name_tag(at.scope(), &request.name);
    for _ in 0..SET_ATTEMPTS_MAX {
        let replaces = ports.store.header(&at, name, now).await?;
        let (id, created_at) = match replaces {
            Some(header) => (header.id, header.created_at),
            None => (SecretId::draw(&*ports.entropy), now),
        };
        let header = RecordHeader { id, version: RecordVersion::draw(&*ports.entropy), created_at, expires_at };
        let sealed = cipher.seal(&request.scope, &request.name, &request.payload, &header)?;
        let precondition = request.precondition.clone();
        let secret = NewSecret { name, header, replaces, sealed, precondition, idempotency, judged: request.judged };
        match ports.store.set(&at, secret, now).await? {
            SetOutcome::Done => return Ok(Done::Now(header)),
            SetOutcome::Overtaken => return Ok(Done::Overtaken),
            SetOutcome::Moved => {}
            SetOutcome::PreconditionFailed => return Err(Error::PreconditionFailed),
            SetOutcome::ScopeFull => return Err(Error::ScopeFull),
            SetOutcome::Kept(kept) => {
                let own = idempotency.ok_or_else(|| Error::Internal("a replay without an idempotency key".into()))?;
                return Ok(Done::Kept(kept, kept.result_for(own.fingerprint)?));
            }
        }
    }
    Err(Error::Unavailable("the secret kept changing under the set".into()))
}

async fn entry(
    ports: &Ports,
    place: (&Authorized<'_, Write>, &SealedPlace<Write>),
    cipher: &dyn NamespaceCipher,
    key: &IdempotencyKey,
    request: &SetRequest,
    now: Timestamp,
) -> Result<Entry, Error> {
    let expires_at = request.expires_at.map(|at| at.as_unix().to_be_bytes());
    let (if_match, if_none_match) = request.precondition.canonical();
    let fields: [&[u8]; 8] = [
        b"set",
        request.name.as_str().as_bytes(),
        request.payload.expose_secret().as_bytes(),
        &request.scope.canonical(),
        expires_at.as_ref().map_or(&[], |bytes| bytes.as_slice()),
        &request.expansion.as_bytes(),
        &if_match,
        &if_none_match,
    ];
    Entry::of(ports, place, cipher, key, &fields, request.request, now).await
}

/// The header that a kept result renders with, or the error that it was.
fn replay(result: KeptResult) -> Result<RecordHeader, Error> {
    match result {
        KeptResult::Set(header) => Ok(header),
        KeptResult::PreconditionFailed => Err(Error::PreconditionFailed),
        KeptResult::ScopeFull => Err(Error::ScopeFull),
        KeptResult::Deleted(_) | KeptResult::NotFound => {
            Err(Error::Internal("a delete was kept under the fingerprint of a set".into()))
        }
    }
}

/// The answer. A replay's payload comes from the retried request, which carries the same one: none is ever kept.
fn view(request: SetRequest, header: RecordHeader) -> SecretView {
    let payload = request.expansion.payload.then_some(request.payload);
    SecretView { header, name: request.name, scope: request.scope, payload }
}
