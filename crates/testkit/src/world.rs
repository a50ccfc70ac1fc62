//! The world of one case: accounts, apps, installs and credentials of its own, so that cases run side by side without meeting.
//!
//! Every case of a [`Cast`] has the same roles under other names (`vectors/wire/README.md` introduces them). [`World::platform`] declares
//! them to a server as a part of a platform file; another server can be given the same world by other means.

mod installs;
mod secrets;

use std::fmt::Write as _;

/// Who plays in a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cast {
    /// Whoever reads and writes secrets.
    #[default]
    Secrets,
    /// Whoever installs apps.
    Installs,
}

/// The roles of a cast.
struct Roles {
    accounts: &'static [Account],
    apps: &'static [App],
    keys: &'static [Key],
}

/// An account of a cast.
struct Account {
    role: &'static str,
    /// The developers to whom it is connected.
    connected_to: &'static [&'static str],
}

/// An app of a cast.
struct App {
    role: &'static str,
    /// The account of its developer.
    owner: &'static str,
    distribution: &'static str,
    /// What it asks for.
    permissions: &'static [&'static str],
    /// Its access type, ids and redirect URIs, where the cast needs them.
    access: Option<&'static str>,
    /// Further lines of the platform file.
    extra: &'static str,
    installs: &'static [Install],
}

/// Where an app of a cast is installed.
struct Install {
    account: &'static str,
    /// The list of modes in the platform file.
    modes: &'static str,
    /// Further lines of the platform file.
    extra: &'static str,
}

/// A credential of a cast.
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

impl Cast {
    /// The cast of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "secrets" => Some(Self::Secrets),
            "installs" => Some(Self::Installs),
            _ => None,
        }
    }

    const fn roles(self) -> &'static Roles {
        match self {
            Self::Secrets => &secrets::ROLES,
            Self::Installs => &installs::ROLES,
        }
    }
}

/// The world of one case.
#[derive(Clone, Copy, Debug)]
pub struct World {
    cast: Cast,
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
    /// The world of that number with the cast of secrets. Two worlds share nothing.
    pub const fn new(number: usize) -> Self {
        Self::of(Cast::Secrets, number)
    }

    /// The world of that number. Two worlds of a cast share nothing.
    pub const fn of(cast: Cast, number: usize) -> Self {
        Self { cast, number }
    }

    /// The caller of that alias.
    pub fn caller(self, alias: &str) -> Option<Caller> {
        if alias == "nobody" {
            return Some(Caller { key: None, account: None });
        }
        let (index, key) = self.cast.roles().keys.iter().enumerate().find(|(_, key)| key.alias == alias)?;
        Some(Caller { key: Some(self.key(index)), account: key.named.map(|account| self.account(account)) })
    }

    /// What `{{name}}` stands for in this world: an account, `signing_secret`, `KIND:ROLE` with an app's `app`, `manifest`, `client` or
    /// `signing_secret`, `key:ALIAS` or `masked:ALIAS`.
    pub fn variable(self, name: &str) -> Option<String> {
        let Some((kind, role)) = name.split_once(':') else {
            if name == "signing_secret" {
                return Some(self.signing_secret("app"));
            }
            let declared = self.cast.roles().accounts.iter().any(|account| account.role == name);
            return declared.then(|| self.account(name));
        };
        match kind {
            "key" => return self.caller(role)?.key,
            "masked" => return self.caller(role)?.key.map(|key| masked(&key)),
            _ => {}
        }
        let role = self.cast.roles().apps.iter().find(|app| app.role == role)?.role;
        match kind {
            "app" => Some(self.named_app("app", role)),
            "client" => Some(self.named_app("ca", role)),
            "manifest" => Some(self.app(role)),
            "signing_secret" => Some(self.signing_secret(role)),
            _ => None,
        }
    }

    /// The part of a platform file that declares this world.
    pub fn platform(self) -> String {
        let mut text = String::new();
        let roles = self.cast.roles();
        for account in roles.accounts {
            let (id, role, number) = (self.account(account.role), account.role, self.number);
            let _ = writeln!(text, "[[accounts]]\nid = \"{id}\"\nname = \"The {role} of case {number}\"");
            if !account.connected_to.is_empty() {
                let developers: Vec<_> = account.connected_to.iter().map(|role| self.account(role)).collect();
                let _ = writeln!(text, "connected_to = {developers:?}");
            }
        }
        for app in roles.apps {
            self.declare_app(app, &mut text);
        }
        for (index, key) in roles.keys.iter().enumerate() {
            self.declare_key(index, key, &mut text);
        }
        text
    }

    fn declare_app(self, app: &App, text: &mut String) {
        let asked: Vec<_> = app
            .permissions
            .iter()
            .map(|permission| format!("{{ permission = \"{permission}\", purpose = \"Shows the contract\" }}"))
            .collect();
        let (id, owner, signing) = (self.app(app.role), self.account(app.owner), self.signing_secret(app.role));
        let (distribution, asked) = (app.distribution, asked.join(", "));
        let _ = writeln!(
            text,
            "[[apps]]\nid = \"{id}\"\nowner = \"{owner}\"\ndistribution = \"{distribution}\"\n\
             permissions = [{asked}]\nsigning_secret = \"{signing}\"",
        );
        if let Some(access) = app.access {
            let (app_id, client_id) = (self.named_app("app", app.role), self.named_app("ca", app.role));
            let role = app.role;
            let _ = writeln!(
                text,
                "name = \"The {role} app\"\nversion = \"1.0.0\"\napp_id = \"{app_id}\"\nclient_id = \"{client_id}\"\n\
                 api_access = \"{access}\"\n\
                 redirect_uris = [\"https://{role}.example/callback\", \"http://localhost:3000/{role}\"]"
            );
        }
        text.push_str(app.extra);
        for install in app.installs {
            let (account, modes, extra) = (self.account(install.account), install.modes, install.extra);
            let _ = write!(text, "[[installs]]\napp = \"{id}\"\naccount = \"{account}\"\nmodes = {modes}\n{extra}");
        }
    }

    fn declare_key(self, index: usize, key: &Key, text: &mut String) {
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

    fn key(self, index: usize) -> String {
        let Key { prefix, mode, .. } = &self.cast.roles().keys[index];
        format!("{prefix}_{mode}_case{:04}TheKeyOfTheCast{index:02}z{:03}", self.number, self.number % 1_000)
    }

    fn account(self, role: &str) -> String {
        format!("acct_{role}{:04}", self.number)
    }

    fn app(self, role: &str) -> String {
        format!("com.example.{}{:04}", role.to_lowercase(), self.number)
    }

    /// An app's `app_` id or client id: the prefix and 32 letters and digits.
    fn named_app(self, prefix: &str, role: &str) -> String {
        let number = self.number;
        format!("{prefix}_{:x<32}", format!("{role}{number:04}"))
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
        assert_eq!(World::new(1).platform().matches("[[keys]]").count(), secrets::ROLES.keys.len());
    }

    #[test]
    fn worlds_share_nothing() {
        let values =
            |world: World| secrets::ROLES.keys.iter().map(move |key| world.caller(key.alias).unwrap().key.unwrap());
        let mut all: Vec<_> = values(World::new(1)).chain(values(World::new(2))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2 * secrets::ROLES.keys.len());
    }

    #[test]
    fn the_cast_of_installs_has_apps_with_three_names() {
        let world = World::of(Cast::Installs, 7);
        let id = "app_published0007xxxxxxxxxxxxxxxxxxx";
        assert_eq!((world.variable("app:published").as_deref(), id.len()), (Some(id), 36));
        assert_eq!(world.variable("client:oauth").map(|client| client.len()), Some(35));
        assert_eq!(world.variable("manifest:draft").as_deref(), Some("com.example.draft0007"));
        assert!(world.variable("signing_secret:oauth").unwrap().starts_with("absec_oauth0007"));
        assert_eq!(world.variable("app:nobody"), None);
        assert_eq!(world.variable("colour:oauth"), None);
        let text = world.platform();
        assert!(text.contains("connected_to = [\"acct_developer0007\", "), "{text}");
        assert!(!World::new(7).platform().contains("app_id"));
    }

    #[test]
    fn every_role_that_is_named_exists() {
        for roles in [Cast::Secrets, Cast::Installs].map(Cast::roles) {
            let account = |role: &str| assert!(roles.accounts.iter().any(|own| own.role == role), "{role}");
            let app = |role: &str| assert!(roles.apps.iter().any(|own| own.role == role), "{role}");
            roles.accounts.iter().flat_map(|own| own.connected_to).for_each(|role| account(role));
            for own in roles.apps {
                account(own.owner);
                own.installs.iter().for_each(|install| account(install.account));
            }
            for (at, key) in roles.keys.iter().enumerate() {
                account(key.account);
                key.named.iter().for_each(|role| account(role));
                key.app.iter().for_each(|role| app(role));
                assert!(roles.keys[..at].iter().all(|own| own.alias != key.alias), "{} twice", key.alias);
            }
        }
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
