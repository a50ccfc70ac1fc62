//! Reauthorize: the account grants what is asked; the developer moves to the newest upload where that grants nothing new (contract 10.4,
//! 13.9).

use super::kept::{Claim, finished, refused, replayed, replayed_or_missing};
use super::{Answered, InstallError, InstallRequest, Party, Right, app_of, lifecycle, standing, view};
use crate::directory::access::InstallCaller;
use crate::directory::decision::{Context, Decision};
use crate::directory::install::Channel;
use crate::directory::kept::{KeptOperation, StateRefusal};

/// Reauthorizes.
///
/// # Errors
/// 18.12, 18.1, 18.13, 6.25, 6.28, in that order; a replay comes before 18.1 where the install has meanwhile ended. 18.15 is an answer, because
/// it is kept.
pub fn reauthorize(
    ctx: &Context<'_>,
    caller: &InstallCaller,
    request: &InstallRequest<'_>,
) -> Result<Decision<Answered>, InstallError> {
    let party = Party::of(caller, Right::Write)?;
    let claim = Claim::of(ctx, caller, KeptOperation::Reauthorize, request.id, request.parameters);
    let install = match party.changeable(ctx.directory, request.id) {
        Err(InstallError::NotFound) => return replayed_or_missing(ctx, claim.as_ref()),
        found => found?,
    };
    if let Some(kept) = claim.as_ref().map(|claim| claim.kept(ctx)).transpose()?.flatten() {
        return Ok(Decision::unchanged(replayed(kept)));
    }
    let (install, mut change) = match party {
        Party::Own { .. } => lifecycle::authorize_all(ctx, party.actor(), install),
        Party::Developer { .. } => {
            let standing = standing(ctx.directory, install);
            let upload = if install.channel == Channel::Testing {
                app_of(ctx.directory, install).newest()
            } else {
                standing.upload
            };
            if !upload.manifest.asks.difference(&standing.granted).is_empty() {
                return refused(ctx, claim, Some(install.id), StateRefusal::WouldGrant);
            }
            lifecycle::move_install(ctx, party.actor(), install, upload)
        }
    };
    if !change.is_empty() {
        let grants = matches!(party, Party::Own { .. });
        change.audit.push(party.entry(ctx, if grants { "install.authorized" } else { "install.moved" }, &install));
    }
    finished(ctx, claim, (view(ctx.directory, &install), change), None)
}
