//! Erasures and their receipts, and what an act would erase.

use cholla_domain::directory::erasure::{Erasure, ErasureTarget};
use cholla_domain::id::{AccountId, InstallId, UserId};
use cholla_domain::operator::{ErasurePlan, OperatorError, plan_offboarding, plan_uninstall};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::{Inventory, NamespaceCounts};
use cholla_domain::tag::ErasureId;
use cholla_wire::jose::ReceiptKey;
use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, cursor, page};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, MODES, Outcome, Route, Shape, member};

const TARGET: Shape = Shape {
    name: "erasure_target",
    about: "What is erased: a namespace, or all scopes of a user in an account.",
    extends: None,
    members: &[
        member("kind", Kind::Word(&["namespace", "user"]), "Which of the two."),
        member("account", Kind::Text, "The account."),
        member("developer", Kind::Text, "Of a namespace its developer.").nullable(),
        member("mode", MODES, "Of a namespace its mode.").nullable(),
        member("user", Kind::Text, "The user.").nullable(),
    ],
};

const ERASURE: Shape = Shape {
    name: "erasure",
    about: "An erasure. From its start on nothing of it can be read; it is finished when everything is physically gone.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["erasure"]), "Always `erasure`."),
        member("id", Kind::Text, "Its id."),
        member("target", Kind::Object(&TARGET), "What is erased."),
        member("key_id", Kind::Text, "Names the destroyed key, where one was destroyed.").nullable(),
        member("status", Kind::Word(&["finished", "running"]), "Whether it has its receipt."),
        member("started", Kind::Time, "When it was decided."),
        member("receipt", Kind::Text, "The signed receipt, a compact JWS; `GET /v1/receipts/jwks` has the key.")
            .nullable(),
    ],
};

const PLANNED: Shape = Shape {
    name: "planned_namespace",
    about: "A namespace that would lose secrets.",
    extends: None,
    members: &[
        member("developer", Kind::Text, "The developer."),
        member("account", Kind::Text, "The account."),
        member("mode", MODES, "The mode."),
        member("scopes", Kind::Integer, "Scopes that would go."),
        member("secrets", Kind::Integer, "Secrets that would go, expired ones that are still there included."),
    ],
};

const PLAN: Shape = Shape {
    name: "erasure_plan",
    about: "What would go. Nothing is written.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["erasure_plan"]), "Always `erasure_plan`."),
        member("erase_at", Kind::Time, "From then on it would be gone."),
        member("namespaces", Kind::Objects(&PLANNED), "Where; namespaces that would lose nothing are left out."),
    ],
};

const JWK_SET: Shape = Shape {
    name: "jwk_set",
    about: "The public key that verifies receipts (RFC 7517, RFC 8037).",
    extends: None,
    members: &[member("keys", Kind::Objects(&JWK), "The keys.")],
};

const JWK: Shape = Shape {
    name: "jwk",
    about: "A public key.",
    extends: None,
    members: &[
        member("kty", Kind::Word(&["OKP"]), "Always `OKP`."),
        member("crv", Kind::Word(&["Ed25519"]), "Always `Ed25519`."),
        member("x", Kind::Text, "The key in base64url."),
        member("kid", Kind::Text, "Its thumbprint (RFC 7638)."),
        member("use", Kind::Word(&["sig"]), "Always `sig`."),
        member("alg", Kind::Word(&["EdDSA"]), "Always `EdDSA`."),
    ],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "erasures.list",
        method: Method::GET,
        path: "/v1/erasures",
        about: "Erasures, those that were decided last first.",
        takes: &[LIMIT, AFTER],
        gives: Gives::Page(&ERASURE),
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "erasures.plan",
        method: Method::GET,
        path: "/v1/erasures/plan",
        about: "A dry run: what the uninstall of `install`, or the offboarding of `user` from `account`, would erase. Nothing is written.",
        takes: &[
            member("install", Kind::Text, "The install that would end."),
            member("account", Kind::Text, "The account of the user."),
            member("user", Kind::Text, "The user who would be offboarded."),
        ],
        gives: Gives::One(&PLAN),
        answer: |call| Box::pin(plan(call)),
    },
    Route {
        name: "erasures.show",
        method: Method::GET,
        path: "/v1/erasures/{erasure}",
        about: "One erasure, with its receipt once it is finished.",
        takes: &[],
        gives: Gives::One(&ERASURE),
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "receipts.jwks",
        method: Method::GET,
        path: "/v1/receipts/jwks",
        about: "The key that verifies receipts, as a JWK set. It never changes: keep a copy apart from this server.",
        takes: &[],
        gives: Gives::One(&JWK_SET),
        answer: |call| Box::pin(async { Ok(jwks(call)) }),
    },
];

fn erasure(erasure: &Erasure) -> Value {
    let target = match &erasure.target {
        ErasureTarget::Namespace(namespace) => json!({
            "kind": "namespace",
            "account": namespace.account.as_str(),
            "developer": namespace.developer.as_str(),
            "mode": namespace.livemode.as_str(),
            "user": null,
        }),
        ErasureTarget::User { account, user } => json!({
            "kind": "user",
            "account": account.as_str(),
            "developer": null,
            "mode": null,
            "user": user.as_str(),
        }),
    };
    json!({
        "object": "erasure",
        "id": erasure.id.to_string(),
        "target": target,
        "key_id": erasure.key_id,
        "status": if erasure.receipt.is_some() { "finished" } else { "running" },
        "started": erasure.started_at.as_unix(),
        "receipt": erasure.receipt,
    })
}

fn list(call: &Call) -> Outcome {
    call.read(|directory| {
        let after = cursor(&call.given, |id| directory.erasure(&ErasureId::parse(id)?))?;
        let place = |own: &Erasure| std::cmp::Reverse((own.started_at, *own.id.as_bytes()));
        Ok(page(directory.erasures(), place, after, &call.given, erasure))
    })
}

fn show(call: &Call) -> Outcome {
    let id = ErasureId::parse(call.named(0));
    call.read(|directory| {
        let found = id.and_then(|id| directory.erasure(&id)).ok_or(OperatorError::NoErasure)?;
        Ok(Answer::One(erasure(found)))
    })
}

async fn plan(call: &Call) -> Outcome {
    let given = &call.given;
    let planned = match (given.text("install"), given.text("account"), given.text("user")) {
        (Some(install), None, None) => {
            let id = InstallId::parse(install).ok_or(OperatorError::NoInstall)?;
            call.look(move |ctx| plan_uninstall(ctx, &id)).await?
        }
        (None, Some(account), Some(user)) => {
            let (account, user) = (AccountId::new(account), UserId::new(user));
            call.look(move |ctx| plan_offboarding(ctx, &account, &user)).await?
        }
        _ => return Err(Failure::refused("install", "Give `install` alone, or `account` and `user`.")),
    };
    let ErasurePlan { namespaces, user, erase_at } = planned;
    let mut lines = Vec::new();
    for namespace in namespaces {
        let counts = match &user {
            Some(user) => of_user(call, &namespace, user).await?,
            None => call.admin.store.count(call.admin.api.instance.namespace_tag(&namespace)).await?,
        };
        if counts.secrets > 0 {
            lines.push(json!({
                "developer": namespace.developer.as_str(),
                "account": namespace.account.as_str(),
                "mode": namespace.livemode.as_str(),
                "scopes": counts.scopes,
                "secrets": counts.secrets,
            }));
        }
    }
    Ok(Answer::One(json!({"object": "erasure_plan", "erase_at": erase_at.as_unix(), "namespaces": lines})))
}

/// What a namespace holds for a user.
async fn of_user(call: &Call, namespace: &Namespace, user: &UserId) -> Result<NamespaceCounts, Failure> {
    let Some(cipher) = call.admin.api.ports.keys.find(namespace).await? else { return Ok(NamespaceCounts::default()) };
    let scope = cipher.scope_tag(&Scope::User(user.clone()));
    let secrets = call.admin.store.secrets(scope, call.now).await?.len();
    Ok(NamespaceCounts { scopes: u64::from(secrets > 0), secrets: secrets.try_into().unwrap_or(u64::MAX) })
}

fn jwks(call: &Call) -> Answer {
    let key = ReceiptKey::new(&call.admin.api.instance.receipts().public_key(), cholla_seal::sha256);
    Answer::Written(format!("{{\"keys\": [{}]}}\n", key.jwk()).into_bytes())
}
