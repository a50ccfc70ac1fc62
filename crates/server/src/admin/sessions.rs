//! Sessions of UI extensions: embedded keys that the platform's pages ask for (contract 5.5).

use cholla_domain::id::{AccountId, UserId};
use cholla_domain::operator::{NewSession, open_session};
use http::Method;
use serde_json::json;

use super::call::{Answer, Call};
use super::route::{Gives, Kind, MODE, Outcome, Route, Shape, member};

const SESSION: Shape = Shape {
    name: "session",
    about: "A session of a UI extension, shown this once.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["session"]), "Always `session`."),
        member("id", Kind::Text, "The id of its key."),
        member("key", Kind::Text, "The app embedded key."),
        member("install", Kind::Text, "The install that it belongs to."),
        member("expires_at", Kind::Time, "From then on it is refused as expired."),
    ],
};

pub(super) const ROUTES: &[Route] = &[Route {
    name: "sessions.open",
    method: Method::POST,
    path: "/v1/sessions",
    about: "Draws an app embedded key for a user who looks at an app that is installed, shown this once. If the answer is lost, open another.",
    takes: &[
        member("app", Kind::Text, "The app, in any of its names.").required(),
        member("account", Kind::Text, "The account that has it installed.").required(),
        member("user", Kind::Text, "The user, listed or not.").required(),
        MODE,
        member("expires_in", Kind::Span, "How long it lives: at most `1h`; `15m` where absent."),
    ],
    gives: Gives::One(&SESSION),
    answer: |call| Box::pin(open(call)),
}];

async fn open(call: &Call) -> Outcome {
    let given = &call.given;
    let app = given.required("app").to_owned();
    let (account, user) = (AccountId::new(given.required("account")), UserId::new(given.required("user")));
    let (livemode, seconds) = (given.mode(), given.number("expires_in"));
    let opened = call.change(move |ctx, by| {
        open_session(ctx, by, &NewSession { app: &app, account: &account, user: &user, livemode, seconds })
    });
    let session = opened.await?;
    Ok(Answer::One(json!({
        "object": "session",
        "id": session.key.key.to_string(),
        "key": session.key.value.as_str(),
        "install": session.install.to_string(),
        "expires_at": session.expires_at.as_unix(),
    })))
}
