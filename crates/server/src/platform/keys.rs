//! `[[keys]]`

use std::collections::HashMap;

use cholla_domain::directory::credential::InstallRights;
use cholla_domain::id::UserId;
use cholla_domain::livemode::Livemode;
use zeroize::Zeroizing;

use super::accounts::Declared;
use super::apps::AskedByApp;
use super::document::{At, Table};
use super::duration::duration_seconds;
use super::fault::quoted;
use super::{Key, KeyKind, KeyValue, livemode};

/// Reads the keys; `None` where one is at fault.
pub(super) fn read(tables: &[Table<'_>], declared: &Declared<'_>, asked: &AskedByApp<'_>) -> Option<Vec<Key>> {
    let mut values = HashMap::new();
    let keys: Vec<_> = tables.iter().map(|table| key(table, declared, asked, &mut values)).collect();
    keys.into_iter().collect()
}

/// `kind`, as it stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    Restricted,
    OAuth,
    Embedded,
    Publishable,
}

impl Kind {
    const ALL: [(&'static str, Self); 5] = [
        ("secret", Self::Secret),
        ("restricted", Self::Restricted),
        ("oauth", Self::OAuth),
        ("embedded", Self::Embedded),
        ("publishable", Self::Publishable),
    ];

    /// How its values begin; the mode follows.
    fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Secret => &["sk_"],
            Self::Restricted => &["rk_"],
            Self::OAuth => &["sk_", "rk_"],
            Self::Embedded => &["ek_"],
            Self::Publishable => &["pk_"],
        }
    }

    fn is_of_app(self) -> bool {
        matches!(self, Self::Restricted | Self::OAuth | Self::Embedded)
    }

    /// Whether a value that names no mode at all is one of this kind: OAuth tokens and publishable keys need not.
    fn needs_mode(self) -> bool {
        !matches!(self, Self::OAuth | Self::Publishable)
    }
}

fn key<'a>(
    table: &Table<'a>,
    declared: &Declared<'_>,
    asked: &AskedByApp<'_>,
    values: &mut HashMap<&'a str, usize>,
) -> Option<Key> {
    table.allow(&["kind", "account", "app", "user", "mode", "permissions", "value", "expires_in"]);
    let kind = kind(table);
    let account = declared.account(table, "account");
    let livemode = table.text("mode").map_or(Some(Livemode::Test), |mode| livemode(table, mode.line, mode.value));
    let value = table.text("value");
    if let Some((value, (_, kind))) = value.zip(kind) {
        check_value(table, value, kind, livemode, values);
    }
    let is_of_app = table.line_of("app").is_some();
    let permissions = table.texts("permissions").filter(|_| is_of_app);
    let permissions = permissions.map(|list| list.into_iter().map(|permission| permission.value.to_owned()).collect());
    let expires_in_seconds = table.text("expires_in").and_then(|text| expires_in(table, text));
    let kind = kind.and_then(|(name, kind)| key_kind(table, name, kind, asked));
    Some(Key {
        kind: kind?,
        account: account?,
        livemode: livemode?,
        permissions,
        value: value.map(|value| KeyValue::new(Zeroizing::new(value.value.to_owned()))),
        expires_in_seconds,
    })
}

fn kind(table: &Table<'_>) -> Option<(&'static str, Kind)> {
    let At { line, value } = table.required("kind")?;
    let kind = Kind::ALL.into_iter().find(|(name, _)| *name == value);
    if kind.is_none() {
        let text = "use `secret`, `restricted`, `oauth`, `embedded` or `publishable`";
        table.fault(line, format!("unknown kind {}; {text}", quoted(value)));
    }
    kind
}

/// The kind with its app and user, where it has them; where it has not, they must not be given.
fn key_kind(table: &Table<'_>, name: &str, kind: Kind, asked: &AskedByApp<'_>) -> Option<KeyKind> {
    let article = if matches!(kind, Kind::OAuth | Kind::Embedded) { "an" } else { "a" };
    let (app, user) = (table.text("app"), table.text("user"));
    let refuse = |key: &str| {
        if let Some(line) = table.line_of(key) {
            table.fault(line, format!("{article} {name} key has no `{key}`; remove it"));
        }
    };
    if kind != Kind::Embedded {
        refuse("user");
    }
    if kind == Kind::Restricted && table.line_of("app").is_none() {
        return rights(table).map(KeyKind::AccountRestricted);
    }
    if !kind.is_of_app() {
        refuse("app");
        refuse("permissions");
    } else if table.line_of("app").is_none() {
        table.fault(table.line(), format!("{article} {name} key needs `app`; name the app it is for"));
    }
    if kind == Kind::Embedded && table.line_of("user").is_none() {
        table.fault(table.line(), format!("{article} {name} key needs `user`; name the user who looks at the app"));
    }
    let app = app.and_then(|named| asked.app(table, named));
    Some(match kind {
        Kind::Secret => KeyKind::Secret,
        Kind::Publishable => KeyKind::Publishable,
        Kind::Restricted => KeyKind::Restricted { app: app? },
        Kind::OAuth => KeyKind::OAuth { app: app? },
        Kind::Embedded => KeyKind::Embedded { app: app?, user: UserId::new(user?.value) },
    })
}

/// What a restricted key without an app may do: the Install API only (contract 12.4).
fn rights(table: &Table<'_>) -> Option<InstallRights> {
    let mut rights = InstallRights::default();
    let legal = "a restricted key without `app` is an account's own, for the Install API only";
    let Some(named) = table.texts("permissions") else {
        let text =
            format!("{legal}; give it `permissions` of `app_install_read` or `app_install_write`, or name its `app`");
        table.fault(table.line(), text);
        return None;
    };
    for permission in &named {
        match permission.value {
            "app_install_read" => rights.read = true,
            "app_install_write" => rights = InstallRights::ALL,
            other => {
                let text = format!("{legal}; replace {} by `app_install_read` or `app_install_write`", quoted(other));
                table.fault(permission.line, text);
            }
        }
    }
    Some(rights)
}

/// Checks that a value says nothing else than the key's kind and mode, and that it is the only one. Shows nothing of it.
fn check_value<'a>(
    table: &Table<'a>,
    value: At<&'a str>,
    kind: Kind,
    livemode: Option<Livemode>,
    values: &mut HashMap<&'a str, usize>,
) {
    let At { line, value } = value;
    if let Some(first) = values.insert(value, line) {
        table.fault(line, format!("`value` is that of the key on line {first}, too; give each key its own"));
    }
    // A client could not present anything else: the key travels in a header, and ends at a colon in Basic authentication.
    if !value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        table.fault(line, "`value` holds white space, a colon or what is not ASCII; use letters, digits and `_`");
        return;
    }
    let Some(livemode) = livemode else { return };
    if !fits(value, kind, livemode) {
        let mode = livemode.as_str();
        let expected: Vec<_> = kind.prefixes().iter().map(|prefix| format!("`{prefix}{mode}_`")).collect();
        let expected = expected.join(" or ");
        let text = format!("`value` contradicts the key's kind or mode; begin it with {expected}, or change those");
        table.fault(line, text);
    }
}

fn fits(value: &str, kind: Kind, livemode: Livemode) -> bool {
    let Some(rest) = kind.prefixes().iter().find_map(|prefix| value.strip_prefix(prefix)) else { return false };
    let of_mode = |mode: Livemode| rest.strip_prefix(mode.as_str()).and_then(|rest| rest.strip_prefix('_'));
    match Livemode::ALL.into_iter().find_map(|mode| Some((mode, of_mode(mode)?))) {
        Some((mode, rest)) => mode == livemode && !rest.is_empty(),
        None => !kind.needs_mode() && !rest.is_empty(),
    }
}

fn expires_in(table: &Table<'_>, text: At<&str>) -> Option<i64> {
    let seconds = duration_seconds(text.value);
    if seconds.is_none() {
        let wanted = "write a whole number and s, m, h or d, such as `15m`";
        table.fault(text.line, format!("`expires_in` is not a duration of at most 100 years; {wanted}"));
    }
    seconds
}
