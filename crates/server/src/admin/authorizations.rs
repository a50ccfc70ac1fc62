//! Consent, as the platform's own page ends it (contract 15.12).

use cholla_domain::directory::decision::Decision;
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::operator::{ConsentRequest, Preview, allow, deny, preview};
use cholla_wire::installs::{self, decode_challenge};
use cholla_wire::oauth::redirect_denied;
use http::Method;
use serde_json::json;

use super::call::{Answer, Call};
use super::route::{Gives, Kind, MODES, Outcome, Route, Shape, member};
use crate::api::consent::redirect_allowed;

const PERMISSION: Shape = Shape {
    name: "asked_permission",
    about: "A permission that an app asks for.",
    extends: None,
    members: &[
        member("permission", Kind::Text, "Its name."),
        member("purpose", Kind::Text, "Why, for people.").nullable(),
        member("granted", Kind::Flag, "Whether the account has granted it already."),
    ],
};

const PREVIEW: Shape = Shape {
    name: "authorization_preview",
    about: "What to show to the person (`preview`). Nothing is written.",
    extends: None,
    members: &[
        member("app", Kind::Text, "The app's `app_` id."),
        member("name", Kind::Text, "Its name."),
        member("version", Kind::Text, "The version that would be installed."),
        member("installed", Kind::Flag, "Whether the app is installed there in that mode."),
        member("permissions", Kind::Objects(&PERMISSION), "What it asks for."),
        member("redirect_uri", Kind::Text, "Where the browser would be sent."),
    ],
};

const ALLOWED: Shape = Shape {
    name: "authorization_allowed",
    about: "The app is installed, or reauthorized (`allow`).",
    extends: None,
    members: &[
        member("install", Kind::Install, "The install."),
        member("redirect_to", Kind::Text, "Where to send the browser. It holds a code or a signature: do not log it."),
    ],
};

const DENIED: Shape = Shape {
    name: "authorization_denied",
    about: "The person denied it (`deny`). Nothing is written.",
    extends: None,
    members: &[member("redirect_to", Kind::Text, "Where to send the browser.")],
};

pub(super) const ROUTES: &[Route] = &[Route {
    name: "authorizations.decide",
    method: Method::POST,
    path: "/v1/authorizations",
    about: "Says what to show to a person who is asked to install an app, or does what the person decided (contract 15.12, 15.13).",
    takes: &[
        member("app", Kind::Text, "The app, in any of its names.").required(),
        member("account", Kind::Text, "The account that it is to be installed on.").required(),
        member("user", Kind::Text, "The person.").required(),
        member("mode", MODES, "`test` where absent. A link is of live mode unless its query has `livemode=false`."),
        member(
            "redirect_uri",
            Kind::Text,
            "Where the browser is to be sent: exactly one of the app's; the first where absent.",
        ),
        member("state", Kind::Text, "Handed back as it came; an empty one is none.").or_empty(),
        member("code_challenge", Kind::Text, "The challenge of an OAuth code (contract 15.10)."),
        member("code_challenge_method", Kind::Text, "`S256`, beside a challenge."),
        member("decision", Kind::Word(&["allow", "deny", "preview"]), "What the person decided, or `preview`.")
            .required(),
    ],
    gives: Gives::AnyOf(&[&PREVIEW, &ALLOWED, &DENIED]),
    answer: |call| Box::pin(decide(call)),
}];

/// A request that outlives the borrow of its call.
struct Asked {
    app: String,
    account: AccountId,
    user: UserId,
    livemode: cholla_domain::livemode::Livemode,
    redirect_uri: Option<String>,
    challenge: Option<String>,
}

impl Asked {
    fn request(&self) -> ConsentRequest<'_> {
        ConsentRequest {
            app: &self.app,
            account: &self.account,
            user: &self.user,
            livemode: self.livemode,
            redirect_uri: self.redirect_uri.as_deref(),
            challenge: self.challenge.as_deref(),
        }
    }
}

async fn decide(call: &Call) -> Outcome {
    let given = &call.given;
    let challenge = decode_challenge(given.text("code_challenge"), given.text("code_challenge_method"))?;
    let asked = Asked {
        app: given.required("app").to_owned(),
        account: AccountId::new(given.required("account")),
        user: UserId::new(given.required("user")),
        livemode: given.mode(),
        redirect_uri: given.text("redirect_uri").map(str::to_owned),
        challenge: challenge.map(|challenge| challenge.0),
    };
    let state = given.text("state").map(str::to_owned);
    match given.required("decision") {
        "preview" => Ok(Answer::One(shown(&call.look(move |ctx| preview(ctx, &asked.request())).await?))),
        "deny" => {
            let denied = call.look(move |ctx| deny(ctx, &asked.request())).await?;
            Ok(Answer::One(json!({"redirect_to": redirect_denied(&denied.redirect_uri, state.as_deref())})))
        }
        _ => {
            let now = call.now;
            let allowed = call.change(move |ctx, by| {
                let Decision { change, outcome } = allow(ctx, by, &asked.request())?;
                let whom = (&asked.user, &asked.account);
                let to = redirect_allowed(&outcome, state.as_deref(), whom, (asked.livemode, now));
                Ok(Decision { change, outcome: (outcome.install, to) })
            });
            let (install, to) = allowed.await?;
            Ok(Answer::Written(written(&installs::install(&install, None), &to)))
        }
    }
}

/// An install as `wire` writes it, beside where to send the browser.
fn written(install: &[u8], redirect_to: &str) -> Vec<u8> {
    let mut bytes = b"{\"install\": ".to_vec();
    bytes.extend_from_slice(install.trim_ascii_end());
    bytes.extend_from_slice(b", \"redirect_to\": ");
    bytes.extend_from_slice(json!(redirect_to).to_string().as_bytes());
    bytes.extend_from_slice(b"}\n");
    bytes
}

fn shown(preview: &Preview) -> serde_json::Value {
    let permissions: Vec<_> = preview
        .permissions
        .iter()
        .map(|own| json!({"permission": own.permission, "purpose": own.purpose, "granted": own.granted}))
        .collect();
    json!({
        "app": preview.app.to_string(),
        "name": preview.name,
        "version": preview.version,
        "installed": preview.installed,
        "permissions": permissions,
        "redirect_uri": preview.redirect_uri,
    })
}
