//! Idempotency keys of the Install API's writes (contract 10.13): kept in the directory, in the change that they are of.

use super::Answered;
use crate::directory::access::InstallCaller;
use crate::directory::change::Change;
use crate::directory::credential::CredentialKey;
use crate::directory::decision::{Context, Decision};
use crate::directory::install::InstallView;
use crate::directory::kept::{KeptInstall, KeptInstallResult, KeptOperation, StateRefusal};
use crate::directory::record::Record;
use crate::directory::state::KeptTotal;
use crate::id::{AccountId, InstallId, RequestId};
use crate::limits::{IDEMPOTENCY_KEPT_SECONDS, KEPT_INSTALL_BYTES_PER_ACCOUNT_MAX, KEPT_INSTALLS_PER_ACCOUNT_MAX};
use crate::place::push_field;
use crate::time::is_expired;

use super::{InstallError, InstallRequest};

/// An idempotency key with the request that it came with, as keyed hashes.
pub(super) struct Claim {
    key: [u8; 32],
    /// The credential's.
    account: AccountId,
    fingerprint: [u8; 32],
    operation: KeptOperation,
}

impl Claim {
    /// What the request claims; `None` without an idempotency key. `target` is the install's id, nothing on a create.
    pub(super) fn of(
        ctx: &Context<'_>,
        caller: &InstallCaller,
        operation: KeptOperation,
        target: &str,
        parameters: &[&[u8]],
    ) -> Option<Self> {
        let key = ctx.idempotency_key?;
        let hash = |fields: &mut dyn Iterator<Item = &[u8]>| {
            let mut bytes = Vec::new();
            fields.for_each(|field| push_field(&mut bytes, field));
            *ctx.mint.hash(&bytes).as_bytes()
        };
        let owner = [
            b"installs key".as_slice(),
            caller.credential_account().as_str().as_bytes(),
            caller.livemode().as_str().as_bytes(),
            caller.account().as_str().as_bytes(),
            key.as_str().as_bytes(),
        ];
        let name = match operation {
            KeptOperation::Create => "create",
            KeptOperation::Reauthorize => "reauthorize",
            KeptOperation::Uninstall => "uninstall",
        };
        let request = [b"installs request".as_slice(), name.as_bytes(), target.as_bytes()];
        Some(Self {
            key: hash(&mut owner.into_iter()),
            account: caller.credential_account().clone(),
            fingerprint: hash(&mut request.into_iter().chain(parameters.iter().copied())),
            operation,
        })
    }

    /// What is kept for it: a record older than a day counts as absent.
    ///
    /// # Errors
    /// 6.25: the first request had other parameters.
    pub(super) fn kept<'a>(&self, ctx: &Context<'a>) -> Result<Option<&'a KeptInstall>, InstallError> {
        let kept = ctx.directory.kept(&self.key);
        let live = kept.filter(|kept| !is_expired(Some(kept.kept_at.plus(IDEMPOTENCY_KEPT_SECONDS)), ctx.now));
        match live {
            Some(kept) if kept.fingerprint != self.fingerprint => {
                Err(InstallError::IdempotencyMismatch { original: kept.original })
            }
            live => Ok(live),
        }
    }

    /// What is kept of a result.
    ///
    /// # Errors
    /// 6.28: as much is kept for the account as may be (contract 10.13).
    fn keep(
        self,
        (original, install, code): (RequestId, Option<InstallId>, Option<CredentialKey>),
        result: KeptInstallResult,
        ctx: &Context<'_>,
    ) -> Result<Record, InstallError> {
        let kept = KeptInstall {
            key: self.key,
            account: self.account,
            fingerprint: self.fingerprint,
            original,
            operation: self.operation,
            install,
            result,
            code,
            kept_at: ctx.now,
        };
        let fits = |total: KeptTotal| {
            total.results < KEPT_INSTALLS_PER_ACCOUNT_MAX
                && total.bytes + kept.bytes() <= KEPT_INSTALL_BYTES_PER_ACCOUNT_MAX
        };
        let total = ctx.directory.kept_total(&kept.account);
        // What is over counts no more, and is looked for only where it matters.
        if fits(total) || fits(without_due(ctx, &kept.account, total)) {
            Ok(Record::Kept(Box::new(kept)))
        } else {
            Err(InstallError::TooMuchKept)
        }
    }
}

/// What is kept for an account, without what is to be forgotten already.
fn without_due(ctx: &Context<'_>, account: &AccountId, total: KeptTotal) -> KeptTotal {
    let due = ctx.directory.kept_until(ctx.now.plus(-IDEMPOTENCY_KEPT_SECONDS));
    let due = due.filter_map(|key| ctx.directory.kept(key)).filter(|kept| kept.account == *account);
    due.fold(total, |left, kept| KeptTotal { results: left.results - 1, bytes: left.bytes - kept.bytes() })
}

/// The result kept for a claim, as it is answered again: without a code.
pub(super) fn replayed(kept: &KeptInstall) -> Answered {
    let result = match &kept.result {
        KeptInstallResult::Done(view) => Ok((**view).clone()),
        KeptInstallResult::Refused(refusal) => Err(*refusal),
    };
    Answered { result, code: None, replay_of: Some(kept.original) }
}

/// The answer of a write on an install that the caller sees no more: what was kept of the same request, if it was (contract, end of
/// section 18).
pub(super) fn replayed_or_missing(
    ctx: &Context<'_>,
    claim: Option<&Claim>,
) -> Result<Decision<Answered>, InstallError> {
    let kept = claim.and_then(|claim| claim.kept(ctx).ok().flatten());
    kept.map(|kept| Decision::unchanged(replayed(kept))).ok_or(InstallError::NotFound)
}

/// What was kept of a write on one install by a caller that does not reach its account any more: it has ended the one install that opened
/// the account to it, and tries again (contract 14.3). To be asked before 6.24 is answered.
pub fn replay_unreachable(
    ctx: &Context<'_>,
    caller: &InstallCaller,
    operation: KeptOperation,
    request: &InstallRequest<'_>,
) -> Option<Answered> {
    let claim = Claim::of(ctx, caller, operation, request.id, request.parameters)?;
    claim.kept(ctx).ok().flatten().map(replayed)
}

/// A finished write: its change, with what is kept of it.
///
/// # Errors
/// 6.28: nothing more can be kept for the account, and so nothing is changed.
pub(super) fn finished(
    ctx: &Context<'_>,
    claim: Option<Claim>,
    (view, mut change): (InstallView, Change),
    code: Option<crate::directory::decision::Drawn>,
) -> Result<Decision<Answered>, InstallError> {
    if let Some(claim) = claim {
        let of = (ctx.request, Some(view.id), code.as_ref().map(|code| code.key));
        change.put(claim.keep(of, KeptInstallResult::Done(Box::new(view.clone())), ctx)?);
    }
    Ok(Decision { change, outcome: Answered { code, ..Answered::first(Ok(view)) } })
}

/// A write that the state refused: nothing changes but what is kept of it.
///
/// # Errors
/// 6.28: nothing more can be kept for the account.
pub(super) fn refused(
    ctx: &Context<'_>,
    claim: Option<Claim>,
    install: Option<InstallId>,
    refusal: StateRefusal,
) -> Result<Decision<Answered>, InstallError> {
    let mut change = Change::default();
    if let Some(claim) = claim {
        change.put(claim.keep((ctx.request, install, None), KeptInstallResult::Refused(refusal), ctx)?);
    }
    Ok(Decision { change, outcome: Answered::first(Err(refusal)) })
}
