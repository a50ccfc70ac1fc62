//! Applying a platform file to the server: what it would do first, then the same again for good.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use cholla_domain::directory::change::AuditEntry;
use cholla_domain::directory::decision::Decision;
use cholla_domain::operator::plan_uninstalls;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{Inventory, NamespaceCounts};
use http::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::call::{Answer, Call};
use super::failure::Failure;
use super::route::{Gives, Kind, MODES, Outcome, Route, Shape, member};
use crate::platform::reconcile::{DrawnSecret, Manner, PlanLine, Reconciled, SecretOf, plan, reconcile};
use crate::platform::{Install, Key, Platform};
use crate::world::Naming;

const PLAN_LINE: Shape = Shape {
    name: "plan_line",
    about: "One step of a plan.",
    extends: None,
    members: &[
        member("action", Kind::Word(&["create", "remove", "update"]), "What is done."),
        member("kind", Kind::Word(&["account", "app", "install", "key", "user", "webhook"]), "To what."),
        member("name", Kind::Text, "To which."),
        member(
            "detail",
            Kind::Text,
            "What of it; empty where there is nothing to add. Of an install that `prune` removes what its end erases.",
        ),
    ],
};

const DRAWN_KEY: Shape = Shape {
    name: "drawn_key",
    about: "A key of the file whose value was drawn now. It is shown this once.",
    extends: None,
    members: &[
        member("kind", Kind::Text, "Its kind, as in the file."),
        member("account", Kind::Text, "Its account."),
        member("app", Kind::Text, "Its app.").nullable(),
        member("user", Kind::Text, "Its user.").nullable(),
        member("mode", MODES, "Its mode."),
        member("value", Kind::Text, "The key."),
    ],
};

const DRAWN_SECRET: Shape = Shape {
    name: "drawn_secret",
    about: "A secret that the file leaves out and that was drawn now: a new app's signing secret, or a new webhook endpoint's. It is shown this once.",
    extends: None,
    members: &[
        member("kind", Kind::Word(&["signing_secret", "webhook_secret"]), "What it is."),
        member("account", Kind::Text, "The app's owner, or whose endpoint it is."),
        member("app", Kind::Text, "The app.").nullable(),
        member("webhook", Kind::Text, "The endpoint.").nullable(),
        member("url", Kind::Text, "Where the endpoint is.").nullable(),
        member("mode", MODES, "The endpoint's mode.").nullable(),
        member("value", Kind::Text, "The secret."),
    ],
};

const APPLIED: Shape = Shape {
    name: "platform_applied",
    about: "What was done, or would be.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["platform_applied"]), "Always `platform_applied`."),
        member("dry_run", Kind::Flag, "Whether nothing was done."),
        member(
            "plan",
            Kind::Objects(&PLAN_LINE),
            "The steps, in their order; empty where everything is as the file says.",
        ),
        member("keys", Kind::Objects(&DRAWN_KEY), "Keys that were drawn."),
        member("secrets", Kind::Objects(&DRAWN_SECRET), "Other secrets that were drawn."),
    ],
};

pub(super) const ROUTES: &[Route] = &[Route {
    name: "platform.apply",
    method: Method::POST,
    path: "/v1/platform",
    about: "Brings the server to what a platform file declares. What the file does not name stays, unless `prune` is given.",
    takes: &[
        member("file", Kind::Text, "The name of the file, for messages."),
        member("text", Kind::Document, "The file, as TOML.").required(),
        member("manifests", Kind::Document, "The manifests that it names: an object of path to text."),
        member("dry_run", Kind::Flag, "Say what would be done, and do nothing."),
        member(
            "prune",
            Kind::Flag,
            "Of the accounts that the file declares, end the installs, keys and endpoints that it does not name.",
        ),
        member("allow_values", Kind::Flag, "Accept keys and signing secrets whose values stand in the file."),
    ],
    gives: Gives::One(&APPLIED),
    answer: |call| Box::pin(apply(call)),
}];

async fn apply(call: &Call) -> Outcome {
    let platform = read(call)?;
    let manner = Manner { anew: false, prune: call.given.flag("prune"), dev: call.admin.dev.is_some() };
    let instance = Arc::clone(&call.admin.api.instance);
    let now = call.now;
    let dry_run = call.given.flag("dry_run");
    let mut foreseen = Vec::new();
    if dry_run || manner.prune {
        let planned = call.read(|directory| plan(directory, &platform, &Naming::drawn(&instance), manner, now));
        foreseen = planned.map_err(|misfit| Failure::refused("text", misfit.0))?;
        say_what_ends(call, &platform, &mut foreseen).await?;
    }
    if dry_run {
        return Ok(answer(true, &foreseen, &[], &[]));
    }
    let (file, entry, by) = (platform.clone(), entry(call), call.by.clone());
    let applied = call.batch(move |batch| {
        let reconciled = reconcile(batch, &file, &Naming::drawn(&instance), manner, &by)
            .map_err(|misfit| Failure::refused("text", misfit.0))?;
        if !reconciled.plan.is_empty() {
            batch.decide(|_| {
                let mut decision = Decision::unchanged(());
                decision.change.audit.push(entry);
                decision
            });
        }
        Ok(reconciled)
    });
    let mut reconciled: Reconciled = applied.await?;
    // What goes was counted before: afterwards it may be gone.
    for line in reconciled.plan.iter_mut().filter(|line| line.ends.is_some()) {
        if let Some(before) = foreseen.iter().find(|before| before.ends == line.ends) {
            line.detail.clone_from(&before.detail);
        }
    }
    let keys = platform.keys.iter().zip(reconciled.keys);
    let drawn = keys.filter(|(key, _)| key.value.is_none()).filter_map(|(key, value)| Some(drawn(key, &value?)));
    let secrets: Vec<_> = reconciled.secrets.iter().map(|drawn| drawn_secret(&platform, drawn)).collect();
    Ok(answer(false, &reconciled.plan, &drawn.collect::<Vec<_>>(), &secrets))
}

/// Writes into the plan what the end of each install that goes would erase (contract 14.5).
async fn say_what_ends(call: &Call, platform: &Platform, lines: &mut [PlanLine]) -> Result<(), Failure> {
    let going: Vec<_> = lines.iter().filter_map(|line| line.ends).collect();
    // What the file declares is there before anything goes.
    let keeps = |namespace: &Namespace| {
        let is_there = |own: &&Install| own.account == namespace.account && own.livemode == namespace.livemode;
        let owner = |own: &Install| Some(&platform.apps.iter().find(|app| app.id == own.app)?.owner);
        platform.installs.iter().filter(is_there).any(|own| owner(own) == Some(&namespace.developer))
    };
    let erased = call.read(|directory| plan_uninstalls(directory, &going, keeps));
    for (line, namespace) in lines.iter_mut().filter(|line| line.ends.is_some()).zip(erased) {
        let counts = match namespace {
            Some(namespace) => call.admin.store.count(call.admin.api.instance.namespace_tag(&namespace)).await?,
            None => NamespaceCounts::default(),
        };
        let NamespaceCounts { scopes, secrets } = counts;
        line.detail = match secrets {
            0 => "erases nothing".to_owned(),
            _ => format!("erases, after the grace period if there is one: secrets {secrets}, scopes {scopes}"),
        };
    }
    Ok(())
}

fn entry(call: &Call) -> AuditEntry {
    AuditEntry {
        at: call.now,
        action: "platform.applied".to_owned(),
        actor: call.by.clone(),
        subject: vec![("prune".to_owned(), call.given.flag("prune").to_string())],
    }
}

/// The platform that the request declares.
fn read(call: &Call) -> Result<Platform, Failure> {
    let text = call.given.document("text").and_then(Value::as_str);
    let text =
        text.ok_or_else(|| Failure::refused("text", "`text` is not the text of a file; send it as a string."))?;
    let manifests = manifests(call.given.document("manifests"))?;
    let manifest =
        |path: &str| manifests.get(path).map(|text| (*text).to_owned()).ok_or(io::ErrorKind::NotFound.into());
    let file = call.given.text("file").unwrap_or("platform.toml");
    let platform =
        Platform::parse(file, text, &manifest).map_err(|error| Failure::refused("text", error.to_string()))?;
    if platform.declares_values() && !call.given.flag("allow_values") {
        let message = "The file holds values of keys or signing secrets, which whoever can read the file can use. Remove them to have \
                       others drawn, or apply it with `allow_values`.";
        return Err(Failure::refused("allow_values", message));
    }
    let weak = "A signing secret in the file is too short: write 24 characters or more behind `absec_` or `whsec_`, drawn at random, or leave it out.";
    if platform.has_weak_secrets() { Err(Failure::refused("text", weak)) } else { Ok(platform) }
}

fn manifests(given: Option<&Value>) -> Result<HashMap<&str, &str>, Failure> {
    let malformed =
        || Failure::refused("manifests", "`manifests` is an object of paths, as the file names them, to texts.");
    let Some(given) = given else { return Ok(HashMap::new()) };
    let members = given.as_object().ok_or_else(malformed)?;
    members.iter().map(|(path, text)| text.as_str().map(|text| (path.as_str(), text)).ok_or_else(malformed)).collect()
}

fn drawn(key: &Key, value: &Zeroizing<String>) -> Value {
    json!({
        "kind": key.kind.as_str(),
        "account": key.account.as_str(),
        "app": key.kind.app().map(cholla_domain::id::AppId::as_str),
        "user": key.kind.user().map(cholla_domain::id::UserId::as_str),
        "mode": key.livemode.as_str(),
        "value": value.as_str(),
    })
}

fn drawn_secret(platform: &Platform, drawn: &DrawnSecret) -> Value {
    let value = drawn.secret.reveal();
    match drawn.of {
        SecretOf::App(at) => {
            let app = &platform.apps[at];
            json!({
                "kind": "signing_secret",
                "account": app.owner.as_str(),
                "app": app.id.as_str(),
                "webhook": null,
                "url": null,
                "mode": null,
                "value": value,
            })
        }
        SecretOf::Webhook(at, id) => {
            let webhook = &platform.webhooks[at];
            json!({
                "kind": "webhook_secret",
                "account": webhook.account.as_str(),
                "app": null,
                "webhook": id.to_string(),
                "url": webhook.url,
                "mode": webhook.livemode.as_str(),
                "value": value,
            })
        }
    }
}

fn answer(dry_run: bool, plan: &[PlanLine], keys: &[Value], secrets: &[Value]) -> Answer {
    Answer::One(
        json!({"object": "platform_applied", "dry_run": dry_run, "plan": plan, "keys": keys, "secrets": secrets}),
    )
}
