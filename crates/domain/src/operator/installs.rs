//! Installs by the operator: begun, granted and ended without the account's key.

use std::collections::BTreeSet;

use super::{OperatorError, account_of, app_named, install_of};
use crate::directory::app::{App, Asks};
use crate::directory::change::{Change, RecordChange};
use crate::directory::decision::{Context, Decision};
use crate::directory::install::{Install, InstallView};
use crate::directory::record::Record;
use crate::id::{AccountId, InstallId};
use crate::installs::events::{News, announce};
use crate::installs::rollout::carry_install;
use crate::installs::{
    Actor, NewInstall, authorize_all, begin_install, end_install, grant_exactly, install_entry, view,
};
use crate::livemode::Livemode;

/// An install, as the operator asks for it. Its channel follows (contract 13.2).
#[derive(Clone, Debug)]
pub struct InstallOrder<'a> {
    /// The app, in any of its names.
    pub app: &'a str,
    /// The installing account.
    pub account: &'a AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// The permissions that are granted; absent: all that the app asks for.
    pub permissions: Option<&'a BTreeSet<String>>,
    /// The id of a new install, where it is declared.
    pub id: Option<InstallId>,
}

/// Installs an app. Where it is installed already the same install answers, moved to the newest version of its channel with all that it
/// asks for granted, or, where permissions are listed, exactly these of them.
///
/// # Errors
/// When there is no such app or account, it is installed there on another channel (contract 13.6), or does not ask for a permission.
pub fn install(ctx: &Context<'_>, by: &str, order: &InstallOrder<'_>) -> Result<Decision<InstallView>, OperatorError> {
    let app = app_named(ctx.directory, order.app)?;
    account_of(ctx.directory, order.account)?;
    let offered = NewInstall::offered(app, order.account, order.livemode);
    let Some(found) = ctx.directory.install_of(&app.id, order.account, order.livemode) else {
        let granted = match order.permissions {
            None => offered.granted.clone(),
            Some(listed) => {
                check_asked(&offered.granted, listed)?;
                Asks { permissions: listed.clone(), ..offered.granted.clone() }
            }
        };
        return Ok(begin(ctx, by, NewInstall { granted, id: order.id, ..offered }));
    };
    if found.channel != offered.channel {
        return Err(OperatorError::OtherChannel(found.channel));
    }
    match order.permissions {
        None => Ok(authorize(ctx, by, found)),
        Some(listed) => {
            check_asked(&offered.granted, listed)?;
            let granted = Asks { permissions: listed.clone(), ..offered.granted.clone() };
            let mut change = grant_exactly(ctx, Actor::Operator(by), found, &granted);
            let moved = change.records.iter().find_map(|step| match step {
                RecordChange::Put(Record::Install(install)) => Some(&**install),
                _ => None,
            });
            let moved = moved.unwrap_or(found);
            let outcome = view(ctx.directory, moved);
            let told = install_entry(ctx, by, "install.permissions_changed", moved);
            if !change.is_empty() {
                change.audit.push(told);
            }
            Ok(Decision { change, outcome })
        }
    }
}

/// Begins an install, with its entry of the audit log.
pub(super) fn begin(ctx: &Context<'_>, by: &str, new: NewInstall<'_>) -> Decision<InstallView> {
    let (install, mut change) = begin_install(ctx, Actor::Operator(by), new);
    change.audit.push(install_entry(ctx, by, "install.created", &install));
    Decision { change, outcome: view(ctx.directory, &install) }
}

/// Grants an install all that the newest version of its channel asks for, with its entry of the audit log.
pub(super) fn authorize(ctx: &Context<'_>, by: &str, install: &Install) -> Decision<InstallView> {
    let (install, mut change) = authorize_all(ctx, Actor::Operator(by), install);
    if !change.is_empty() {
        change.audit.push(install_entry(ctx, by, "install.authorized", &install));
    }
    Decision { change, outcome: view(ctx.directory, &install) }
}

fn check_asked(asks: &Asks, listed: &BTreeSet<String>) -> Result<(), OperatorError> {
    match listed.difference(&asks.permissions).next() {
        Some(other) => Err(OperatorError::NotAskedFor(other.clone())),
        None => Ok(()),
    }
}

/// Grants and withdraws single permissions of an install, of those that the version installed asks for. What is withdrawn is pending, and
/// stops at once (contract 14.1).
///
/// # Errors
/// When there is no such install, or its version does not ask for what is granted.
pub fn set_permissions(
    ctx: &Context<'_>,
    by: &str,
    id: &InstallId,
    grant: &BTreeSet<String>,
    withdraw: &BTreeSet<String>,
) -> Result<Decision<InstallView>, OperatorError> {
    let install = install_of(ctx.directory, id)?;
    let Some(standing) = ctx.directory.standing(install) else { return Err(OperatorError::NoInstall) };
    check_asked(&standing.upload.manifest.asks, grant)?;
    let mut permissions = standing.granted.permissions.clone();
    permissions.extend(grant.iter().cloned());
    permissions.retain(|name| !withdraw.contains(name));
    if permissions == standing.granted.permissions {
        return Ok(Decision::unchanged(view(ctx.directory, install)));
    }
    let (carried, carrying) = carry_install(ctx, install);
    let changed = Install { granted: Asks { permissions, ..standing.granted.clone() }, ..carried.clone() };
    Ok(changed_to(ctx, by, standing.app, (&carried, &changed), carrying))
}

fn changed_to(
    ctx: &Context<'_>,
    by: &str,
    app: &App,
    (before, now): (&Install, &Install),
    mut change: Change,
) -> Decision<InstallView> {
    let outcome = view(ctx.directory, now);
    let before = view(ctx.directory, before);
    change.events.extend(announce(ctx, None, app, News::Updated { before: &before, now: &outcome }));
    change.put(Record::Install(Box::new(now.clone())));
    change.audit.push(install_entry(ctx, by, "install.permissions_changed", now));
    Decision { change, outcome }
}

/// Ends an install, and the developer's connection to the account with it (contract 13.5, 14.3).
///
/// # Errors
/// When there is no such install.
pub fn uninstall(ctx: &Context<'_>, by: &str, id: &InstallId) -> Result<Decision<InstallView>, OperatorError> {
    let install = install_of(ctx.directory, id)?;
    let outcome = InstallView { uninstalling: true, ..view(ctx.directory, install) };
    Ok(Decision { change: end_install(ctx, Actor::Operator(by), install), outcome })
}
