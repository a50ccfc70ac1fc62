//! Releases reach public installs at once (contract 13.7): where each stands is worked out when it is asked for. What is behind is carried
//! to the last release bit by bit, with the event that tells of it.

use std::collections::BTreeSet;

use super::events::{News, announce};
use super::{app_of, standing, view};
use crate::directory::app::App;
use crate::directory::change::Change;
use crate::directory::decision::{Context, Decision};
use crate::directory::install::{Install, InstallView};
use crate::directory::record::Record;
use crate::directory::state::Directory;
use crate::id::AppId;
use crate::limits::UPLOADS_KEPT_MAX;

/// Carries up to `max` public installs of an app to its last release, the oldest first; once none is behind, drops the releases and uploads
/// that nothing needs any more. To be repeated until the change is empty. Answers how many were carried.
pub fn carry(ctx: &Context<'_>, app: &AppId, max: usize) -> Decision<usize> {
    let Some(app) = ctx.directory.app(app) else { return Decision::unchanged(0) };
    let mut behind = ctx.directory.installs_behind(&app.id);
    let mut change = Change::default();
    let mut carried = 0;
    for install in behind.by_ref().take(max) {
        change.append(carry_install(ctx, install).1);
        carried += 1;
    }
    if behind.next().is_none()
        && let Some(app) = trimmed(ctx.directory, app)
    {
        change.put(Record::App(Box::new(app)));
    }
    Decision { change, outcome: carried }
}

/// An install, carried to the last release of its app if it is behind, and the change that does it.
pub(crate) fn carry_install(ctx: &Context<'_>, install: &Install) -> (Install, Change) {
    let mut change = Change::default();
    let app = app_of(ctx.directory, install);
    if !install.is_behind(app) {
        return (install.clone(), change);
    }
    let standing = standing(ctx.directory, install);
    let carried = Install {
        version: standing.upload.number,
        release: app.release(),
        granted: standing.granted,
        ..install.clone()
    };
    let (before, now) = (view_before(app, install, ctx.directory), view(ctx.directory, &carried));
    if before != now || install.version != carried.version {
        change.events = announce(ctx, None, app, News::Updated { before: &before, now: &now });
    }
    change.put(Record::Install(Box::new(carried.clone())));
    (carried, change)
}

/// The install as it was before the releases that it is behind.
fn view_before(app: &App, install: &Install, directory: &Directory) -> InstallView {
    let now = view(directory, install);
    let Some(upload) = app.uploads.get(&install.version) else { return now };
    let granted = install.granted.intersection(&upload.manifest.asks);
    let pending = upload.manifest.asks.difference(&granted);
    InstallView { granted, pending, ..now }
}

/// The app without what nothing needs once every public install is carried to its last release; `None` where that is everything.
fn trimmed(directory: &Directory, app: &App) -> Option<App> {
    if app.releases.len() <= 1 && app.uploads.len() <= UPLOADS_KEPT_MAX {
        return None;
    }
    let mut needed: BTreeSet<u32> = app.uploads.keys().rev().take(UPLOADS_KEPT_MAX).copied().collect();
    needed.extend(app.published().map(|upload| upload.number));
    for order in directory.installs_of_app(&app.id) {
        // Whoever is behind is carried to the published version by this very change.
        needed.extend(directory.install(&order.2).filter(|install| !install.is_behind(app)).map(|own| own.version));
    }
    let mut kept = app.clone();
    let last = app.release();
    kept.releases.retain(|number, _| *number == last);
    kept.uploads.retain(|number, _| needed.contains(number));
    (kept != *app).then_some(kept)
}
