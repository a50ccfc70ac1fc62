//! Uninstall: the end of an install (contract 10.5, 14.3).

use super::kept::{Claim, finished, replayed, replayed_or_missing};
use super::{Answered, InstallError, InstallRequest, Party, Right, lifecycle, view};
use crate::directory::access::InstallCaller;
use crate::directory::decision::{Context, Decision};
use crate::directory::install::InstallView;
use crate::directory::kept::KeptOperation;

/// Uninstalls.
///
/// # Errors
/// 18.12, 18.1, 18.13, 6.25, 6.28, in that order; a replay comes before 18.1 where the install has meanwhile ended.
pub fn uninstall(
    ctx: &Context<'_>,
    caller: &InstallCaller,
    request: &InstallRequest<'_>,
) -> Result<Decision<Answered>, InstallError> {
    let party = Party::of(caller, Right::Write)?;
    let claim = Claim::of(ctx, caller, KeptOperation::Uninstall, request.id, request.parameters);
    let install = match party.changeable(ctx.directory, request.id) {
        Err(InstallError::NotFound) => return replayed_or_missing(ctx, claim.as_ref()),
        found => found?,
    };
    if let Some(kept) = claim.as_ref().map(|claim| claim.kept(ctx)).transpose()?.flatten() {
        return Ok(Decision::unchanged(replayed(kept)));
    }
    let answered = InstallView { uninstalling: true, ..view(ctx.directory, install) };
    let mut change = lifecycle::end_install(ctx, party.actor(), install);
    change.audit = vec![party.entry(ctx, "install.uninstalled", install)];
    finished(ctx, claim, (answered, change), None)
}
