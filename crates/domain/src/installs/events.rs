//! Who is told what (contract 17.2 to 17.4).

use crate::directory::app::App;
use crate::directory::decision::Context;
use crate::directory::endpoint::Endpoint;
use crate::directory::event::{Event, EventRequest, Subject};
use crate::directory::install::InstallView;
use crate::directory::state::Directory;
use crate::id::{AccountId, EventId};
use crate::livemode::Livemode;

/// What happened to an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// It is new.
    Created(&'a InstallView),
    /// What is granted, pending or installed as a version has changed.
    Updated {
        /// The install as it was.
        before: &'a InstallView,
        /// As it is now.
        now: &'a InstallView,
    },
    /// It ended.
    Deleted(&'a InstallView),
}

impl<'a> News<'a> {
    fn install(self) -> &'a InstallView {
        match self {
            Self::Created(now) | Self::Updated { now, .. } | Self::Deleted(now) => now,
        }
    }

    /// What the app's developer and the installing account hear.
    fn of_install(self) -> Subject {
        match self {
            Self::Created(now) => Subject::InstallCreated(Box::new(now.clone())),
            Self::Updated { before, now } => {
                Subject::InstallUpdated { now: Box::new(now.clone()), before: Box::new(before.clone()) }
            }
            Self::Deleted(now) => Subject::InstallDeleted(Box::new(now.clone())),
        }
    }

    /// What the developer alone hears beside it.
    fn of_application(self, app: &App) -> Option<Subject> {
        let (app, name) = (app.client_id, app.offered().manifest.name.clone());
        match self {
            Self::Created(_) => Some(Subject::Authorized { app, name }),
            Self::Updated { .. } => None,
            Self::Deleted(_) => Some(Subject::Deauthorized { app, name }),
        }
    }
}

/// The events of what happened to an install of `app`: one of each type for each recipient, the developer's first (contract 17.3).
/// `key_account` is the account whose key made the request, if one did: its events alone name the request (contract 17.1).
pub fn announce(ctx: &Context<'_>, key_account: Option<&AccountId>, app: &App, news: News<'_>) -> Vec<Event> {
    let install = news.install();
    let event = |recipient: &AccountId, subject| {
        let request = (key_account == Some(recipient)).then(|| EventRequest {
            id: ctx.request,
            idempotency_key: ctx.idempotency_key.map(|key| key.as_str().to_owned()),
        });
        Event {
            id: EventId::draw(ctx.mint.entropy()),
            recipient: recipient.clone(),
            of: (*recipient != install.account).then(|| install.account.clone()),
            livemode: install.id.livemode(),
            created_at: ctx.now,
            request,
            subject,
        }
    };
    let mut events = vec![event(&app.owner, news.of_install())];
    events.extend(news.of_application(app).map(|subject| event(&app.owner, subject)));
    if install.account != app.owner {
        events.push(event(&install.account, news.of_install()));
    }
    events
}

/// The endpoints that get an event (contract 17.4). It does not matter whether the change that the event tells of has been applied: a
/// test-mode install in question counts by itself, and what else counts is the live one.
pub fn endpoints_for<'a>(directory: &'a Directory, event: &'a Event) -> impl Iterator<Item = &'a Endpoint> {
    let (connect, kind) = (event.of.is_some(), event.subject.kind());
    let also_live = event.of.as_ref().is_some_and(|account| {
        let app = app_of(directory, &event.subject);
        app.is_some_and(|app| directory.install_of(&app.id, account, Livemode::Live).is_some())
    });
    directory.endpoints_of(&event.recipient).filter(move |endpoint| {
        let in_mode = endpoint.livemode == event.livemode || (also_live && endpoint.livemode.is_live());
        in_mode && endpoint.connect == connect && endpoint.wants(kind)
    })
}

/// The app that an event is about.
fn app_of<'a>(directory: &'a Directory, subject: &Subject) -> Option<&'a App> {
    match subject {
        Subject::InstallCreated(install)
        | Subject::InstallUpdated { now: install, .. }
        | Subject::InstallDeleted(install) => directory.app_of_public_id(&install.app),
        Subject::Authorized { app, .. } | Subject::Deauthorized { app, .. } => directory.app_of_client(app),
    }
}
