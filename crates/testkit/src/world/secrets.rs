//! The cast that reads and writes secrets.

use super::{Account, App, Install, Key, Roles, issued, secret, session};

pub(super) const ROLES: Roles = Roles { accounts: &ACCOUNTS, apps: &APPS, keys: &KEYS };

const fn account(role: &'static str) -> Account {
    Account { role, connected_to: &[] }
}

/// Accounts. `stranger` has installed nothing.
const ACCOUNTS: [Account; 7] = [
    account("developer"),
    account("developer2"),
    account("developer3"),
    account("developer4"),
    account("account"),
    account("account2"),
    account("stranger"),
];

const fn app(
    role: &'static str,
    owner: &'static str,
    distribution: &'static str,
    permissions: &'static [&'static str],
    installs: &'static [Install],
) -> App {
    App { role, owner, distribution, permissions, access: None, extra: "", installs }
}

const fn install(account: &'static str) -> Install {
    Install { account, modes: "[\"test\", \"live\"]", extra: "" }
}

const APPS: [App; 6] = [
    app("app", "developer", "public", &["secret_write"], &[install("account"), install("account2")]),
    app("app2", "developer", "private", &["secret_write"], &[install("account")]),
    app("appG", "developer", "private", &["secret_write"], &[]),
    app("appN", "developer2", "private", &["secret_write"], &[install("account")]),
    app("appR", "developer3", "private", &["secret_read"], &[install("account")]),
    app("appP", "developer4", "private", &[], &[install("account")]),
];

const KEYS: [Key; 25] = [
    secret("backend", "test", "developer", Some("account")),
    secret("backend live", "live", "developer", Some("account")),
    secret("owner", "test", "developer", None),
    secret("owner live", "live", "developer", None),
    secret("merchant", "test", "account", None),
    issued("restricted", "restricted", "rk", "test", "app"),
    issued("restricted live", "restricted", "rk", "live", "app"),
    issued("oauth", "oauth", "sk", "test", "app"),
    issued("oauth rk", "oauth", "rk", "test", "app"),
    issued("colleague", "restricted", "rk", "test", "app2"),
    session("extension usr_1", "test", "app", "usr_1"),
    session("extension usr_2", "test", "app", "usr_2"),
    session("extension usr_1 live", "live", "app", "usr_1"),
    session("colleague extension usr_1", "test", "app2", "usr_1"),
    Key { account: "account2", ..session("elsewhere extension usr_1", "test", "app", "usr_1") },
    secret("neighbour", "test", "developer2", Some("account")),
    session("neighbour extension usr_1", "test", "appN", "usr_1"),
    Key { extra: "permissions = [\"secret_read\"]\n", ..issued("reader", "restricted", "rk", "test", "app") },
    secret("read-only", "test", "developer3", Some("account")),
    secret("powerless", "test", "developer4", Some("account")),
    issued("powerless restricted", "restricted", "rk", "test", "appP"),
    session("powerless extension usr_1", "test", "appP", "usr_1"),
    issued("removed", "restricted", "rk", "test", "appG"),
    Key { extra: "expires_in = \"15m\"\n", ..issued("expiring", "restricted", "rk", "test", "app") },
    Key { kind: "publishable", prefix: "pk", ..secret("publishable", "test", "account", None) },
];
