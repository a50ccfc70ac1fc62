//! Erasures: decided when a grace period is over, finished with a receipt, and planned without doing anything.

use std::collections::HashSet;

use super::{OperatorError, account_of, entry, install_of};
use crate::directory::change::Change;
use crate::directory::decision::{Context, Decision};
use crate::directory::erasure::Erasure;
use crate::directory::record::Record;
use crate::directory::state::Directory;
use crate::id::{AccountId, AppId, InstallId, UserId};
use crate::installs::destroy_namespace_after;
use crate::livemode::Livemode;
use crate::name::is_legal;
use crate::place::Namespace;
use crate::tag::ErasureId;
use crate::time::Timestamp;

/// Destroys the keys of at most `max` namespaces whose grace period is over, those that ended first before the others (contract 14.6). To
/// be repeated until it answers none. Answers the erasures that are to be carried out; of a namespace without a key there is none.
pub fn due_endings(ctx: &Context<'_>, max: usize) -> Decision<Vec<ErasureId>> {
    let mut change = Change::default();
    let mut erasures = Vec::new();
    for ending in ctx.directory.endings_until(ctx.now).take(max) {
        let newest = erasures.last().copied().or(ctx.directory.newest_erasure());
        let (destroyed, id) = destroy_namespace_after(ctx, newest, &ending.namespace);
        change.append(destroyed);
        erasures.push(id);
    }
    Decision { change, outcome: erasures }
}

/// Records the signed receipt of an erasure: everything is physically gone. A receipt that is there stays.
///
/// # Errors
/// When there is no such erasure.
pub fn finish_erasure(ctx: &Context<'_>, id: &ErasureId, receipt: &str) -> Result<Decision<()>, OperatorError> {
    let erasure = ctx.directory.erasure(id).ok_or(OperatorError::NoErasure)?;
    if erasure.receipt.is_some() {
        return Ok(Decision::unchanged(()));
    }
    let mut change = Change::default();
    change.put(Record::Erasure(Box::new(Erasure { receipt: Some(receipt.to_owned()), ..erasure.clone() })));
    change.audit.push(entry(ctx, "cholla", "erasure.finished", [("erasure", &id.to_string())]));
    Ok(Decision { change, outcome: () })
}

/// Where secrets of an account may be: its own namespaces, and those of the developers whose apps are installed there, or were within the
/// grace period; the test mode first, then in the order of the developers. For whoever erases or takes stock, never for a tenant's request.
pub fn namespaces_on(directory: &Directory, account: &AccountId) -> Vec<Namespace> {
    let own = Livemode::ALL.map(|mode| (account.clone(), mode));
    let installed = directory.installs_on(account).filter_map(|(_, _, id)| {
        let install = directory.install(id)?;
        Some((directory.app(&install.app)?.owner.clone(), install.livemode()))
    });
    let ending =
        directory.endings_on(account).map(|ending| (ending.namespace.developer.clone(), ending.namespace.livemode));
    let found: HashSet<_> = own.into_iter().chain(installed).chain(ending).collect();
    in_order(found.into_iter().map(|(developer, mode)| Directory::namespace(&developer, account, mode)))
}

/// Where secrets of any account may be: [`namespaces_on`] of all of them, in no order.
pub fn all_namespaces(directory: &Directory) -> HashSet<Namespace> {
    let own = directory
        .accounts()
        .flat_map(|account| Livemode::ALL.map(|mode| Directory::namespace(&account.id, &account.id, mode)));
    let installed = directory.installs().filter_map(|install| {
        let owner = &directory.app(&install.app)?.owner;
        Some(Directory::namespace(owner, &install.account, install.livemode()))
    });
    own.chain(installed).chain(directory.endings().map(|ending| ending.namespace.clone())).collect()
}

/// Where an app may keep secrets: the namespaces of its installs, and its owner's own.
pub fn namespaces_of_app(directory: &Directory, app: &AppId) -> Vec<Namespace> {
    let Some(app) = directory.app(app) else { return Vec::new() };
    let own = Livemode::ALL.map(|mode| (app.owner.clone(), mode));
    let installed = directory.installs_of_app(&app.id).filter_map(|(_, _, id)| {
        let install = directory.install(id)?;
        Some((install.account.clone(), install.livemode()))
    });
    let found: HashSet<_> = own.into_iter().chain(installed).collect();
    in_order(found.into_iter().map(|(account, mode)| Directory::namespace(&app.owner, &account, mode)))
}

fn in_order(namespaces: impl Iterator<Item = Namespace>) -> Vec<Namespace> {
    let mut namespaces: Vec<_> = namespaces.collect();
    namespaces.sort_by(|left, right| {
        let key = |namespace: &Namespace| {
            (namespace.livemode.is_live(), namespace.developer.clone(), namespace.account.clone())
        };
        key(left).cmp(&key(right))
    });
    namespaces
}

/// What an act of the operator would erase. What is in there, only the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasurePlan {
    /// The namespaces: whole, or only the scopes of `user` in them.
    pub namespaces: Vec<Namespace>,
    /// Whose scopes.
    pub user: Option<UserId>,
    /// From when on it would be gone.
    pub erase_at: Timestamp,
}

/// Of each of some installs that end in this order the namespace that is erased for it, after the grace period: where no install of the
/// developer is left there (contract 14.5), and `keeps` knows of none that comes before. A developer's own never is (contract 14.7).
pub fn plan_uninstalls(
    directory: &Directory,
    ids: &[InstallId],
    keeps: impl Fn(&Namespace) -> bool,
) -> Vec<Option<Namespace>> {
    let mut gone = HashSet::new();
    let mut erased = |id: &InstallId| {
        gone.insert(*id);
        let install = directory.install(id)?;
        let developer = &directory.app(&install.app)?.owner;
        let mut left = directory.installs_between(developer, &install.account, id.livemode());
        let is_last = *developer != install.account && left.all(|other| gone.contains(&other.id));
        let namespace = Directory::namespace(developer, &install.account, id.livemode());
        (is_last && !keeps(&namespace)).then_some(namespace)
    };
    ids.iter().map(&mut erased).collect()
}

/// What would go if an install ended now: its namespace where it is the last install there, after the grace period; otherwise nothing.
///
/// # Errors
/// When there is no such install.
pub fn plan_uninstall(ctx: &Context<'_>, id: &InstallId) -> Result<ErasurePlan, OperatorError> {
    let install = install_of(ctx.directory, id)?;
    Ok(ErasurePlan {
        namespaces: plan_uninstalls(ctx.directory, &[install.id], |_| false).into_iter().flatten().collect(),
        user: None,
        erase_at: ctx.now.plus(ctx.grace_seconds.max(0)),
    })
}

/// What would go if a user of an account were offboarded now: the user's scopes, at once.
///
/// # Errors
/// When there is no such account, or the id is illegal.
pub fn plan_offboarding(ctx: &Context<'_>, account: &AccountId, user: &UserId) -> Result<ErasurePlan, OperatorError> {
    account_of(ctx.directory, account)?;
    if !is_legal(user.as_str()) {
        return Err(OperatorError::TextIllegal("user"));
    }
    let namespaces = namespaces_on(ctx.directory, account);
    Ok(ErasurePlan { namespaces, user: Some(user.clone()), erase_at: ctx.now })
}
