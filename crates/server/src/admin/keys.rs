//! Keys of the API and tokens of the admin API: shown once, kept as a keyed hash.

use std::cmp::Reverse;

use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind, Role};
use cholla_domain::id::{AccountId, InstallId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{
    CredentialFilter, NewCredential, NewKind, OperatorError, Shown, app_named, create_credential, expire_credential,
    permission_names, revoke_credential, roll_credential,
};
use cholla_domain::time::{Timestamp, is_expired};
use cholla_wire::error::ApiError;
use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, cursor, page};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, MODE, MODES, Member, OVERLAP, Outcome, Route, Shape, member};

const KINDS: Kind = Kind::Word(&["embedded", "oauth", "publishable", "restricted", "secret"]);
const STATES: Kind = Kind::Word(&["expired", "live", "revoked"]);

const KEY: Shape = Shape {
    name: "key",
    about: "A key of the API. Its value is not kept.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["key"]), "Always `key`."),
        member("id", Kind::Text, "Its id, `key_…`."),
        member("kind", KINDS, "What it is."),
        member("masked", Kind::Text, "What of the value may be shown."),
        member("account", Kind::Text, "The account that it belongs to; for an app's the installing account."),
        member("app", Kind::Text, "The app that it is for.").nullable(),
        member("user", Kind::Text, "The user whose session it is.").nullable(),
        member("install", Kind::Text, "The install that it belongs to (contract 14.4).").nullable(),
        member("mode", MODES, "Its mode."),
        member("permissions", Kind::Texts, "What it may do at most; null where only its install's grants count.")
            .nullable(),
        member("status", STATES, "Whether it counts."),
        member("created", Kind::Time, "When it was made."),
        member("expires_at", Kind::Time, "From then on it is refused as expired.").nullable(),
        member("revoked_at", Kind::Time, "From then on nobody knows it.").nullable(),
    ],
};

const KEY_SHOWN: Shape = Shape {
    name: "key_shown",
    about: "A key with its value, shown this once.",
    extends: Some(&KEY),
    members: &[member("value", Kind::Text, "The key itself.")],
};

const TOKEN: Shape = Shape {
    name: "token",
    about: "A token of the admin API. Its value is not kept.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["token"]), "Always `token`."),
        member("id", Kind::Text, "Its id, which the audit log names."),
        member("role", ROLES, "What it may do."),
        member("masked", Kind::Text, "What of the value may be shown."),
        member("status", STATES, "Whether it counts."),
        member("created", Kind::Time, "When it was made."),
        member("expires_at", Kind::Time, "From then on it is refused.").nullable(),
        member("revoked_at", Kind::Time, "From then on nobody knows it.").nullable(),
    ],
};

const TOKEN_SHOWN: Shape = Shape {
    name: "token_shown",
    about: "A token with its value, shown this once.",
    extends: Some(&TOKEN),
    members: &[member("value", Kind::Text, "The token itself.")],
};

const ROLES: Kind = Kind::Word(&["auditor", "operator"]);
const EXPIRES_IN: Member = member(
    "expires_in",
    Kind::Span,
    "How long it counts, such as `90d`; for good where absent. An embedded key counts for `1h` at most, and `15m` where absent.",
);
const EXPIRES_AT: Member = member("expires_at", Kind::Time, "Until when it counts, instead of `expires_in`.");

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "keys.list",
        method: Method::GET,
        path: "/v1/keys",
        about: "Keys, the newest first.",
        takes: &[
            member("account", Kind::Text, "Only those of this account."),
            member("app", Kind::Text, "Only those of this app, in any of its names."),
            member("install", Kind::Text, "Only those of this install."),
            member("kind", KINDS, "Only those of this kind."),
            member("mode", MODES, "Only those of this mode."),
            member("live", Kind::Flag, "Only those that count now."),
            LIMIT,
            AFTER,
        ],
        gives: Gives::Page(&KEY),
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "keys.create",
        method: Method::POST,
        path: "/v1/keys",
        about: "Creates a key, shown this once. If the answer is lost, create another and revoke the one that nobody knows.",
        takes: &[
            member("kind", KINDS, "What it is.").required(),
            member("account", Kind::Text, "The account that it belongs to; for an app's the installing account.")
                .required(),
            member(
                "app",
                Kind::Text,
                "The app: needed for `oauth` and `embedded`. A `restricted` key without one is the account's own, for the Install API.",
            ),
            member("user", Kind::Text, "The user: needed for `embedded`."),
            MODE,
            member("permissions", Kind::Texts, "What it may do at most. Needed for an account's own restricted key."),
            EXPIRES_IN,
            EXPIRES_AT,
            member(
                "value",
                Kind::Text,
                "The key itself, where it is given; its prefix must fit the kind and the mode.",
            ),
        ],
        gives: Gives::One(&KEY_SHOWN),
        answer: |call| Box::pin(create(call)),
    },
    Route {
        name: "keys.show",
        method: Method::GET,
        path: "/v1/keys/{key}",
        about: "One key.",
        takes: &[],
        gives: Gives::One(&KEY),
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "keys.roll",
        method: Method::POST,
        path: "/v1/keys/{key}/roll",
        about: "Draws another key in the place of one, shown this once. If the answer is lost, roll the new one.",
        takes: &[OVERLAP],
        gives: Gives::One(&KEY_SHOWN),
        answer: |call| Box::pin(roll(call)),
    },
    Route {
        name: "keys.expire",
        method: Method::POST,
        path: "/v1/keys/{key}/expire",
        about: "Lets a key expire at another time than before.",
        takes: &[EXPIRES_IN, EXPIRES_AT],
        gives: Gives::One(&KEY),
        answer: |call| Box::pin(expire(call)),
    },
    Route {
        name: "keys.revoke",
        method: Method::POST,
        path: "/v1/keys/{key}/revoke",
        about: "Revokes a key, at once.",
        takes: &[],
        gives: Gives::One(&KEY),
        answer: |call| Box::pin(revoke(call)),
    },
    Route {
        name: "tokens.list",
        method: Method::GET,
        path: "/v1/tokens",
        about: "Tokens of the admin API, the newest first. The one of the token file is not among them.",
        takes: &[LIMIT, AFTER],
        gives: Gives::Page(&TOKEN),
        answer: |call| Box::pin(async { tokens(call) }),
    },
    Route {
        name: "tokens.create",
        method: Method::POST,
        path: "/v1/tokens",
        about: "Creates a token of the admin API, shown this once. An auditor may read everything that this API shows, and change nothing.",
        takes: &[member("role", ROLES, "What it may do.").required(), EXPIRES_IN, EXPIRES_AT],
        gives: Gives::One(&TOKEN_SHOWN),
        answer: |call| Box::pin(create_token(call)),
    },
    Route {
        name: "tokens.revoke",
        method: Method::POST,
        path: "/v1/tokens/{token}/revoke",
        about: "Revokes a token, at once.",
        takes: &[],
        gives: Gives::One(&TOKEN),
        answer: |call| Box::pin(revoke_token(call)),
    },
];

fn status(credential: &Credential, now: Timestamp) -> &'static str {
    if is_expired(credential.revoked_at, now) {
        "revoked"
    } else if is_expired(credential.expires_at, now) {
        "expired"
    } else {
        "live"
    }
}

fn masked(credential: &Credential) -> String {
    let mode = credential.livemode.as_str();
    let prefix = match &credential.kind {
        CredentialKind::Secret => format!("sk_{mode}_"),
        CredentialKind::AccountRestricted(_) | CredentialKind::Restricted { .. } => format!("rk_{mode}_"),
        CredentialKind::Embedded { .. } => format!("ek_{mode}_"),
        CredentialKind::Publishable { .. } => format!("pk_{mode}_"),
        // One that was given may begin otherwise; then it has no tail.
        CredentialKind::OAuth { .. } if credential.tail.is_some() => format!("rk_{mode}_"),
        CredentialKind::OAuth { .. } | CredentialKind::Admin(_) => String::new(),
    };
    let tail = credential.tail.map(|tail| String::from_utf8_lossy(&tail).into_owned()).unwrap_or_default();
    format!("{prefix}****{tail}")
}

fn key(credential: &Credential, now: Timestamp) -> Value {
    json!({
        "object": "key",
        "id": credential.key.to_string(),
        "kind": credential.kind.as_str(),
        "masked": masked(credential),
        "account": credential.account.as_str(),
        "app": credential.kind.app().map(cholla_domain::id::AppId::as_str),
        "user": credential.kind.user().map(UserId::as_str),
        "install": credential.install.map(|install| install.to_string()),
        "mode": credential.livemode.as_str(),
        "permissions": permission_names(credential),
        "status": status(credential, now),
        "created": credential.created_at.as_unix(),
        "expires_at": credential.expires_at.map(Timestamp::as_unix),
        "revoked_at": credential.revoked_at.map(Timestamp::as_unix),
    })
}

fn token(credential: &Credential, now: Timestamp) -> Value {
    let role = match credential.kind {
        CredentialKind::Admin(role) => role.as_str(),
        _ => "",
    };
    json!({
        "object": "token",
        "id": credential.key.to_string(),
        "role": role,
        "masked": masked(credential),
        "status": status(credential, now),
        "created": credential.created_at.as_unix(),
        "expires_at": credential.expires_at.map(Timestamp::as_unix),
        "revoked_at": credential.revoked_at.map(Timestamp::as_unix),
    })
}

fn shown(object: Value, shown: &Shown) -> Answer {
    let mut object = object;
    object["value"] = shown.drawn.value.as_str().into();
    Answer::One(object)
}

fn is_token(credential: &Credential) -> bool {
    matches!(credential.kind, CredentialKind::Admin(_))
}

/// The newest first; of those made in one second, in the order of their ids.
fn place(own: &Credential) -> (Reverse<Timestamp>, CredentialKey) {
    (Reverse(own.created_at), own.key)
}

fn list(call: &Call) -> Outcome {
    let given = &call.given;
    let install =
        given.text("install").map(|text| InstallId::parse(text).ok_or(OperatorError::NoInstall)).transpose()?;
    call.read(|directory| {
        let app = given.text("app").map(|name| app_named(directory, name)).transpose()?;
        let filter = CredentialFilter {
            account: given.text("account").map(AccountId::new),
            app: app.map(|app| app.id.clone()),
            install,
            kind: given.text("kind").map(str::to_owned),
            livemode: given.mode_asked(),
            live_at: given.flag("live").then_some(call.now),
        };
        // A key that was revoked since the page before still marks its place.
        let in_list = CredentialFilter { live_at: None, ..filter.clone() };
        let after = cursor(given, |id| {
            let found = directory.credential(&CredentialKey::parse(id)?);
            found.filter(|own| !is_token(own) && in_list.passes(own))
        })?;
        let on = install.and_then(|id| directory.install(&id)).map(|install| &install.account);
        let all: Box<dyn Iterator<Item = &Credential>> = match filter.account.as_ref().or(on) {
            Some(account) => Box::new(directory.credentials_of(account)),
            None => Box::new(directory.credentials()),
        };
        let found = all.filter(|own| !is_token(own) && filter.passes(own));
        Ok(page(found, place, after, given, |own| key(own, call.now)))
    })
}

fn tokens(call: &Call) -> Outcome {
    let nobody = AccountId::new("");
    call.read(|directory| {
        let found = |id: &str| directory.credential(&CredentialKey::parse(id)?).filter(|own| is_token(own));
        let after = cursor(&call.given, found)?;
        // Tokens of the admin API belong to no account.
        let tokens = directory.credentials_of(&nobody).filter(|own| is_token(own));
        Ok(page(tokens, place, after, &call.given, |own| token(own, call.now)))
    })
}

/// Until when it is to count.
fn expiry(call: &Call) -> Result<Option<Timestamp>, Failure> {
    let (span, at) = (call.given.number("expires_in"), call.given.number("expires_at"));
    match (span, at) {
        (Some(_), Some(_)) => Err(Failure::refused("expires_at", "Give `expires_in` or `expires_at`, not both.")),
        (Some(0), None) => Err(Failure::refused("expires_in", "Write a span of `1s` or more, such as `90d`.")),
        (Some(seconds), None) => Ok(Some(call.now.plus(seconds))),
        (None, at) => Ok(at.map(Timestamp::from_unix)),
    }
}

/// A refusal of an expiry, about the member that it was given in.
fn of_expiry(call: &Call) -> impl Fn(Failure) -> Failure {
    let given = if call.given.text("expires_in").is_some() { "expires_in" } else { "expires_at" };
    move |failure| failure.about("expires_at", given).about("expires_in", given)
}

/// What a key is to be, with its app and user.
enum Wanted {
    Secret,
    AccountRestricted,
    Restricted(String),
    OAuth(String),
    Embedded(String, UserId),
    Publishable,
    Admin(Role),
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Failure> {
        let (app, user) = (call.given.text("app").map(str::to_owned), call.given.text("user").map(UserId::new));
        let kind = call.given.required("kind");
        let unneeded =
            |name: &'static str| Failure::refused(name, format!("A `{kind}` key has no `{name}`; leave it out."));
        if user.is_some() && kind != "embedded" {
            return Err(unneeded("user"));
        }
        let app_needed = || ApiError::parameter_missing("app");
        Ok(match (kind, app) {
            ("secret" | "publishable", Some(_)) => return Err(unneeded("app")),
            ("secret", None) => Self::Secret,
            ("publishable", None) => Self::Publishable,
            ("restricted", None) => Self::AccountRestricted,
            ("restricted", Some(app)) => Self::Restricted(app),
            ("oauth", app) => Self::OAuth(app.ok_or_else(app_needed)?),
            (_, app) => {
                let app = app.ok_or_else(app_needed)?;
                Self::Embedded(app, user.ok_or_else(|| ApiError::parameter_missing("user"))?)
            }
        })
    }

    fn kind(&self) -> NewKind<'_> {
        match self {
            Self::Secret => NewKind::Secret,
            Self::AccountRestricted => NewKind::AccountRestricted,
            Self::Restricted(app) => NewKind::Restricted(app),
            Self::OAuth(app) => NewKind::OAuth(app),
            Self::Embedded(app, user) => NewKind::Embedded(app, user),
            Self::Publishable => NewKind::Publishable,
            Self::Admin(role) => NewKind::Admin(*role),
        }
    }
}

async fn create(call: &Call) -> Outcome {
    let (wanted, expires_at) = (Wanted::of(call)?, expiry(call)?);
    let (account, livemode) = (AccountId::new(call.given.required("account")), call.given.mode());
    let permissions = call.given.texts("permissions").map(<[String]>::to_vec);
    let value = call.given.secret("value");
    let created = call.change(move |ctx, by| {
        let kind = wanted.kind();
        let permissions = permissions.as_deref();
        create_credential(ctx, by, NewCredential { kind, account: &account, livemode, permissions, expires_at, value })
    });
    let created = created.await.map_err(of_expiry(call))?;
    Ok(shown(key(&created.credential, call.now), &created))
}

async fn create_token(call: &Call) -> Outcome {
    let expires_at = expiry(call)?;
    let role = if call.given.required("role") == "operator" { Role::Operator } else { Role::Auditor };
    let wanted = Wanted::Admin(role);
    let created = call.change(move |ctx, by| {
        let (nobody, kind) = (AccountId::new(""), wanted.kind());
        let new = NewCredential {
            kind,
            account: &nobody,
            livemode: Livemode::Test,
            permissions: None,
            expires_at,
            value: None,
        };
        create_credential(ctx, by, new)
    });
    let created = created.await.map_err(of_expiry(call))?;
    Ok(shown(token(&created.credential, call.now), &created))
}

/// The key that the path names, where it is of the sort that is meant: tokens are no keys, and keys no tokens.
fn found(call: &Call, tokens: bool) -> Result<Credential, Failure> {
    let key = CredentialKey::parse(call.named(0));
    let credential = call.read(|directory| key.and_then(|key| directory.credential(&key).cloned()));
    let credential = credential.filter(|credential| is_token(credential) == tokens);
    credential.ok_or_else(|| {
        if tokens {
            Failure::missing("token", "There is no such token; `GET /v1/tokens` lists them.")
        } else {
            OperatorError::NoCredential.into()
        }
    })
}

fn show(call: &Call) -> Outcome {
    Ok(Answer::One(key(&found(call, false)?, call.now)))
}

async fn roll(call: &Call) -> Outcome {
    let (id, overlap) = (found(call, false)?.key, call.given.number("overlap").unwrap_or_default());
    let rolled = call.change(move |ctx, by| roll_credential(ctx, by, &id, overlap)).await?;
    Ok(shown(key(&rolled.credential, call.now), &rolled))
}

async fn expire(call: &Call) -> Outcome {
    let id = found(call, false)?.key;
    let at = expiry(call)?.ok_or_else(|| Failure::from(ApiError::parameter_missing("expires_at")))?;
    let changed = call.change(move |ctx, by| expire_credential(ctx, by, &id, at)).await.map_err(of_expiry(call))?;
    Ok(Answer::One(key(&changed, call.now)))
}

async fn revoke(call: &Call) -> Outcome {
    let id = found(call, false)?.key;
    let revoked = call.change(move |ctx, by| revoke_credential(ctx, by, &id)).await?;
    Ok(Answer::One(key(&revoked, call.now)))
}

async fn revoke_token(call: &Call) -> Outcome {
    let id = found(call, true)?.key;
    let revoked = call.change(move |ctx, by| revoke_credential(ctx, by, &id)).await?;
    Ok(Answer::One(token(&revoked, call.now)))
}
