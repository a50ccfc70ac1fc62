//! The cast that installs apps.

use super::{Account, App, Install, Key, Roles, issued, secret, session};

pub(super) const ROLES: Roles = Roles { accounts: &ACCOUNTS, apps: &APPS, keys: &KEYS };

const fn account(role: &'static str, connected_to: &'static [&'static str]) -> Account {
    Account { role, connected_to }
}

/// Accounts. `stranger` has installed nothing and is connected to nobody, `connected` has installed nothing either.
const ACCOUNTS: [Account; 9] = [
    account("developer", &[]),
    account("oauth_developer", &[]),
    account("keyed_developer", &[]),
    account("neighbour", &[]),
    account("account", &[]),
    account("account2", &[]),
    account("connected", &["developer", "oauth_developer", "keyed_developer"]),
    account("hesitant", &["neighbour"]),
    account("stranger", &[]),
];

/// An app that asks for two permissions, in an order that is not theirs in answers.
const fn app(
    role: &'static str,
    owner: &'static str,
    distribution: &'static str,
    access: &'static str,
    installs: &'static [Install],
) -> App {
    App {
        role,
        owner,
        distribution,
        permissions: &["secret_write", "event_read"],
        access: Some(access),
        extra: "",
        installs,
    }
}

const fn install(account: &'static str) -> Install {
    Install { account, modes: "[\"test\"]", extra: "" }
}

const APPS: [App; 6] = [
    App {
        extra: "content_security_policy = { connect_src = [\"https://b.example\", \"https://a.example\"], \
                image_src = [\"https://images.example\"] }\nendpoints = [\"https://endpoint.example\"]\n",
        ..app(
            "published",
            "developer",
            "public",
            "platform",
            &[Install { modes: "[\"test\", \"live\"]", ..install("account") }, install("account2")],
        )
    },
    app("draft", "developer", "private", "platform", &[]),
    app("tool", "developer", "private", "platform", &[install("account")]),
    app("oauth", "oauth_developer", "public", "oauth", &[install("account")]),
    app("keyed", "keyed_developer", "public", "restricted_api_key", &[install("account")]),
    app(
        "foreign",
        "neighbour",
        "public",
        "platform",
        &[install("account"), Install { extra: "permissions = [\"event_read\"]\n", ..install("hesitant") }],
    ),
];

/// A restricted key that names no app.
const fn restricted(alias: &'static str, account: &'static str, extra: &'static str) -> Key {
    Key { kind: "restricted", prefix: "rk", extra, ..secret(alias, "test", account, None) }
}

const fn publishable(alias: &'static str, mode: &'static str, account: &'static str) -> Key {
    Key { kind: "publishable", prefix: "pk", ..secret(alias, mode, account, None) }
}

const READ: &str = "permissions = [\"app_install_read\"]\n";
const WRITE: &str = "permissions = [\"app_install_write\"]\n";

const KEYS: [Key; 32] = [
    secret("backend", "test", "developer", Some("account")),
    secret("backend live", "live", "developer", Some("account")),
    secret("connected backend", "test", "developer", Some("connected")),
    secret("connected backend live", "live", "developer", Some("connected")),
    secret("owner", "test", "developer", None),
    secret("owner live", "live", "developer", None),
    secret("merchant", "test", "account", None),
    secret("merchant live", "live", "account", None),
    secret("merchant2", "test", "account2", None),
    secret("connected merchant", "test", "connected", None),
    secret("hesitant merchant", "test", "hesitant", None),
    secret("stranger", "test", "stranger", None),
    secret("oauth owner", "test", "oauth_developer", None),
    secret("oauth owner live", "live", "oauth_developer", None),
    secret("oauth backend", "test", "oauth_developer", Some("connected")),
    secret("oauth backend live", "live", "oauth_developer", Some("connected")),
    secret("keyed owner", "test", "keyed_developer", None),
    secret("keyed backend", "test", "keyed_developer", Some("account")),
    secret("neighbour", "test", "neighbour", Some("hesitant")),
    secret("neighbour owner", "test", "neighbour", None),
    restricted("install reader", "account", READ),
    restricted("install writer", "account", WRITE),
    restricted("developer reader", "developer", READ),
    restricted("developer writer", "developer", WRITE),
    issued("app restricted", "restricted", "rk", "test", "published"),
    issued("app oauth", "oauth", "rk", "test", "oauth"),
    session("extension usr_1", "test", "published", "usr_1"),
    Key { account: "connected", ..issued("early restricted", "restricted", "rk", "test", "draft") },
    publishable("publishable", "test", "developer"),
    publishable("connected publishable", "test", "connected"),
    publishable("connected publishable live", "live", "connected"),
    Key { extra: "expires_in = \"15m\"\n", ..secret("expiring owner", "test", "oauth_developer", None) },
];
