//! The world of one case: accounts, apps, installs and credentials of its own, so that cases run side by side without meeting.
//!
//! Every case has the same cast under other names (`vectors/wire/README.md` introduces it). [`World::platform`] declares it to a
//! server as a part of a platform file; another server can be given the same world by other means.

use std::fmt::Write as _;

/// A credential of the cast.
struct Key {
    /// What cases call it.
    alias: &'static str,
    kind: &'static str,
    /// `sk`, `rk`, `ek` or `pk`.
    prefix: &'static str,
    mode: &'static str,
    /// The app it was issued for, for the kinds that have one.
    app: Option<&'static str>,
    /// Whose it is; for an app's credential the installing account.
    account: &'static str,
    user: Option<&'static str>,
    /// Which account the caller names in `Stripe-Account`, unless the case says otherwise.
    named: Option<&'static str>,
    /// Further lines of the platform file.
    extra: &'static str,
}

/// A developer's secret key.
const fn secret(alias: &'static str, mode: &'static str, account: &'static str, named: Option<&'static str>) -> Key {
    Key { alias, kind: "secret", prefix: "sk", mode, app: None, account, user: None, named, extra: "" }
}

/// A credential of an app on the account.
const fn issued(
    alias: &'static str,
    kind: &'static str,
    prefix: &'static str,
    mode: &'static str,
    app: &'static str,
) -> Key {
    Key { alias, kind, prefix, mode, app: Some(app), account: "account", user: None, named: None, extra: "" }
}

/// A UI extension's session.
const fn session(alias: &'static str, mode: &'static str, app: &'static str, user: &'static str) -> Key {
    Key { user: Some(user), ..issued(alias, "embedded", "ek", mode, app) }
}

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

/// Accounts of the cast. `stranger` has installed nothing.
const ACCOUNTS: [&str; 7] = ["developer", "developer2", "developer3", "developer4", "account", "account2", "stranger"];

/// Apps of the cast: variable, owner, distribution, permissions asked for, installed where.
const APPS: [(&str, &str, &str, &str, &[&str]); 6] = [
    ("app", "developer", "public", "secret_write", &["account", "account2"]),
    ("app2", "developer", "private", "secret_write", &["account"]),
    ("appG", "developer", "private", "secret_write", &[]),
    ("appN", "developer2", "private", "secret_write", &["account"]),
    ("appR", "developer3", "private", "secret_read", &["account"]),
    ("appP", "developer4", "private", "", &["account"]),
];

/// The world of one case.
#[derive(Clone, Copy, Debug)]
pub struct World {
    number: usize,
}

/// How a caller authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The credential; `None` for nobody.
    pub key: Option<String>,
    /// The account named in `Stripe-Account`.
    pub account: Option<String>,
}

impl World {
    /// The world of that number. Two worlds share nothing.
    pub const fn new(number: usize) -> Self {
        Self { number }
    }

    /// The caller of that alias.
    pub fn caller(self, alias: &str) -> Option<Caller> {
        if alias == "nobody" {
            return Some(Caller { key: None, account: None });
        }
        let (index, key) = KEYS.iter().enumerate().find(|(_, key)| key.alias == alias)?;
        Some(Caller { key: Some(self.key(index)), account: key.named.map(|account| self.account(account)) })
    }

    /// What `{{name}}` stands for in this world: an account, an app, `signing_secret`, `key:ALIAS` or `masked:ALIAS`.
    pub fn variable(self, name: &str) -> Option<String> {
        if let Some(alias) = name.strip_prefix("key:") {
            return self.caller(alias)?.key;
        }
        if let Some(alias) = name.strip_prefix("masked:") {
            return self.caller(alias)?.key.map(|key| masked(&key));
        }
        if name == "signing_secret" {
            return Some(self.signing_secret("app"));
        }
        ACCOUNTS.contains(&name).then(|| self.account(name))
    }

    /// The part of a platform file that declares this world.
    pub fn platform(self) -> String {
        let mut text = String::new();
        for account in ACCOUNTS {
            let id = self.account(account);
            let _ = writeln!(text, "[[accounts]]\nid = \"{id}\"\nname = \"The {account} of case {}\"", self.number);
        }
        for (app, owner, distribution, permission, installed) in APPS {
            let asked = if permission.is_empty() {
                String::new()
            } else {
                format!("{{ permission = \"{permission}\", purpose = \"Shows the contract\" }}")
            };
            let (id, owner, signing) = (self.app(app), self.account(owner), self.signing_secret(app));
            let _ = writeln!(
                text,
                "[[apps]]\nid = \"{id}\"\nowner = \"{owner}\"\ndistribution = \"{distribution}\"\n\
                 permissions = [{asked}]\nsigning_secret = \"{signing}\"",
            );
            for account in installed {
                let account = self.account(account);
                let _ = writeln!(
                    text,
                    "[[installs]]\napp = \"{id}\"\naccount = \"{account}\"\nmodes = [\"test\", \"live\"]"
                );
            }
        }
        for (index, key) in KEYS.iter().enumerate() {
            let (kind, account, mode, value) = (key.kind, self.account(key.account), key.mode, self.key(index));
            let _ = writeln!(
                text,
                "[[keys]]\nkind = \"{kind}\"\naccount = \"{account}\"\nmode = \"{mode}\"\nvalue = \"{value}\""
            );
            if let Some(app) = key.app {
                let _ = writeln!(text, "app = \"{}\"", self.app(app));
            }
            if let Some(user) = key.user {
                let _ = writeln!(text, "user = \"{user}\"");
            }
            text.push_str(key.extra);
        }
        text
    }

    fn key(self, index: usize) -> String {
        let Key { prefix, mode, .. } = &KEYS[index];
        format!("{prefix}_{mode}_case{:04}TheKeyOfTheCast{index:02}z{:03}", self.number, self.number % 1_000)
    }

    fn account(self, role: &str) -> String {
        format!("acct_{role}{:04}", self.number)
    }

    fn app(self, role: &str) -> String {
        format!("com.example.{}{:04}", role.to_lowercase(), self.number)
    }

    fn signing_secret(self, app: &str) -> String {
        format!("absec_{app}{:04}SignsForItsExtensionsOnly", self.number)
    }
}

/// A key as messages show it (contract section 6): its prefix, `****`, and the last four characters of one that is long enough.
pub fn masked(key: &str) -> String {
    let prefix = ["sk", "rk", "ek", "pk"]
        .iter()
        .flat_map(|kind| ["test", "live"].map(|mode| format!("{kind}_{mode}_")))
        .find(|prefix| key.starts_with(prefix.as_str()))
        .unwrap_or_default();
    let characters = key.chars().count();
    let shown: String = key.chars().skip(if characters >= 20 { characters - 4 } else { characters }).collect();
    if prefix.is_empty() { "****".to_owned() } else { format!("{prefix}****{shown}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_is_complete() {
        let world = World::new(7);
        let backend = world.caller("backend").unwrap();
        assert_eq!(backend.account.as_deref(), Some("acct_account0007"));
        assert!(backend.key.unwrap().starts_with("sk_test_case0007"));
        assert_eq!(world.caller("nobody").unwrap().key, None);
        assert_eq!(world.caller("somebody"), None);
        assert_eq!(world.variable("stranger").as_deref(), Some("acct_stranger0007"));
        assert_eq!(world.variable("masked:backend").as_deref(), Some("sk_test_****z007"));
        assert_eq!(world.variable("elsewhere"), None);
        assert_eq!(World::new(1).platform().matches("[[keys]]").count(), KEYS.len());
    }

    #[test]
    fn worlds_share_nothing() {
        let values = |world: World| KEYS.iter().map(move |key| world.caller(key.alias).unwrap().key.unwrap());
        let mut all: Vec<_> = values(World::new(1)).chain(values(World::new(2))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2 * KEYS.len());
    }

    #[test]
    fn keys_have_one_masked_form() {
        for (key, expected) in [
            ("sk_test_0123456789ab", "sk_test_****89ab"),
            ("sk_test_0123456789a", "sk_test_****"),
            ("absec_0123456789abcdef", "****"),
            ("sk_prod_0123456789abcdef", "****"),
        ] {
            assert_eq!(masked(key), expected);
        }
    }
}
