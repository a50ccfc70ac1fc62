//! Installs by the operator, and the restricted keys of those whose app has that access.

use cholla_domain::directory::install::{Install, InstallView};
use cholla_domain::id::{AccountId, InstallId};
use cholla_domain::operator::{
    InstallOrder, OperatorError, app_named, install, issue_restricted_key, set_permissions, uninstall,
};
use http::Method;
use serde_json::json;

use super::call::{Answer, Call, cursor, cut};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, MODE, MODES, OVERLAP, Outcome, Route, Shape, member};
use crate::platform::quoted;

const KEY: Shape = Shape {
    name: "install_key",
    about: "The restricted key of an install, shown this once.",
    extends: None,
    members: &[member("key", Kind::Text, "The key."), member("install", Kind::Text, "The install that it belongs to.")],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "installs.list",
        method: Method::GET,
        path: "/v1/installs",
        about: "Installs in both modes, the newest first.",
        takes: &[
            member("account", Kind::Text, "Only those on this account."),
            member("app", Kind::Text, "Only those of this app, in any of its names."),
            member("mode", MODES, "Only those of this mode."),
            LIMIT,
            AFTER,
        ],
        gives: Gives::Installs,
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "installs.create",
        method: Method::POST,
        path: "/v1/installs",
        about: "Installs an app: what is published, else the newest upload (contract 13.2). Where it is installed already the same install is \
                moved to the newest version of its channel, with all that it asks for granted, or exactly what is listed.",
        takes: &[
            member("app", Kind::Text, "The app, in any of its names.").required(),
            member("account", Kind::Text, "The installing account.").required(),
            MODE,
            member("permissions", Kind::Texts, "What is granted of what the app asks for; all of it where absent."),
        ],
        gives: Gives::Install,
        answer: |call| Box::pin(create(call)),
    },
    Route {
        name: "installs.show",
        method: Method::GET,
        path: "/v1/installs/{install}",
        about: "One install.",
        takes: &[],
        gives: Gives::Install,
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "installs.permissions",
        method: Method::POST,
        path: "/v1/installs/{install}/permissions",
        about: "Grants and withdraws single permissions. What is withdrawn is pending, and stops at once (contract 14.1).",
        takes: &[
            member("grant", Kind::Texts, "To grant: of what the installed version asks for."),
            member("withdraw", Kind::Texts, "To withdraw."),
        ],
        gives: Gives::Install,
        answer: |call| Box::pin(permissions(call)),
    },
    Route {
        name: "installs.uninstall",
        method: Method::POST,
        path: "/v1/installs/{install}/uninstall",
        about: "Ends an install, and the developer's connection to the account (contract 13.5, 14.3). Its secrets are unreachable at once, and \
                erased after the grace period when it was the developer's last install there; `GET /v1/erasures/plan` tells before.",
        takes: &[],
        gives: Gives::Install,
        answer: |call| Box::pin(end(call)),
    },
    Route {
        name: "installs.issue_key",
        method: Method::POST,
        path: "/v1/installs/{install}/keys",
        about: "Draws the restricted key of an install whose app has that access, shown this once; a further call rolls it (contract 16.1, \
                16.2). If the answer is lost, call again.",
        takes: &[OVERLAP],
        gives: Gives::One(&KEY),
        answer: |call| Box::pin(issue(call)),
    },
];

fn list(call: &Call) -> Outcome {
    let account = call.given.text("account").map(AccountId::new);
    let mode = call.given.mode_asked();
    call.read(|directory| {
        let app = call.given.text("app").map(|name| app_named(directory, name)).transpose()?;
        let candidates: Box<dyn Iterator<Item = &Install>> = match (&account, app) {
            (Some(account), _) => {
                Box::new(directory.installs_on(account).filter_map(|(_, _, id)| directory.install(id)))
            }
            (None, Some(app)) => {
                Box::new(directory.installs_of_app(&app.id).filter_map(|(_, _, id)| directory.install(id)))
            }
            (None, None) => Box::new(directory.installs()),
        };
        let is_meant = |own: &&Install| {
            account.as_ref().is_none_or(|account| *account == own.account)
                && app.is_none_or(|app| app.id == own.app)
                && mode.is_none_or(|mode| mode == own.livemode())
        };
        let after = cursor(&call.given, |id| directory.install(&InstallId::parse(id)?).filter(is_meant))?;
        // The sequence counts installs: of two made in one second the later has the larger one.
        let place = |own: &Install| std::cmp::Reverse((own.created_at, own.sequence));
        let (page, has_more) = cut(candidates.filter(is_meant), place, after, &call.given);
        let views: Vec<InstallView> = page.into_iter().filter_map(|own| directory.view(own)).collect();
        Ok(Answer::installs(&views, has_more))
    })
}

async fn create(call: &Call) -> Outcome {
    let (app, account) = (call.given.required("app").to_owned(), AccountId::new(call.given.required("account")));
    let (livemode, listed) =
        (call.given.mode(), call.given.texts("permissions").map(|_| call.given.set("permissions")));
    let installed = call.change(move |ctx, by| {
        let order = InstallOrder { app: &app, account: &account, livemode, permissions: listed.as_ref(), id: None };
        install(ctx, by, &order)
    });
    Ok(Answer::install(&installed.await?))
}

fn show(call: &Call) -> Outcome {
    let id = call.install()?;
    let view = call.read(|directory| directory.install(&id).and_then(|install| directory.view(install)));
    Ok(Answer::install(&view.ok_or(OperatorError::NoInstall)?))
}

async fn permissions(call: &Call) -> Outcome {
    let (id, grant, withdraw) = (call.install()?, call.given.set("grant"), call.given.set("withdraw"));
    if let Some(both) = grant.intersection(&withdraw).next() {
        let text = format!("{} stands in `grant`, too; name each permission in one of them.", quoted(both));
        return Err(Failure::refused("withdraw", text));
    }
    let changed = call.change(move |ctx, by| set_permissions(ctx, by, &id, &grant, &withdraw)).await;
    let changed = changed.map_err(|failure| failure.about("permissions", "grant"))?;
    Ok(Answer::install(&changed))
}

async fn end(call: &Call) -> Outcome {
    let id = call.install()?;
    Ok(Answer::install(&call.change(move |ctx, by| uninstall(ctx, by, &id)).await?))
}

async fn issue(call: &Call) -> Outcome {
    let (id, overlap) = (call.install()?, call.given.number("overlap").unwrap_or_default());
    let drawn = call.change(move |ctx, by| issue_restricted_key(ctx, by, &id, overlap)).await?;
    Ok(Answer::One(json!({"key": drawn.value.as_str(), "install": id.to_string()})))
}
