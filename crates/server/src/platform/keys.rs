//! `[[keys]]`

use std::collections::HashMap;

use cholla_domain::directory::CredentialKind;
use cholla_domain::id::UserId;
use cholla_domain::livemode::Livemode;
use zeroize::Zeroizing;

use super::accounts::Declared;
use super::apps::AskedByApp;
use super::document::{At, Table};
use super::duration::duration_seconds;
use super::fault::quoted;
use super::{Key, KeyValue, Purpose, livemode};

/// Reads the keys; `None` where one is at fault.
pub(super) fn read(
    tables: &[Table<'_>],
    declared: &Declared<'_>,
    asked: &AskedByApp<'_>,
    purpose: Purpose,
) -> Option<Vec<Key>> {
    let mut values = HashMap::new();
    let keys: Vec<_> = tables.iter().map(|table| key(table, declared, asked, &mut values)).collect();
    if purpose == Purpose::Production {
        refuse_expiry(tables);
    }
    keys.into_iter().collect()
}

/// Nothing keeps when a key of the file was first seen: each start would let it live once more.
fn refuse_expiry(tables: &[Table<'_>]) {
    for table in tables {
        if let Some(line) = table.line_of("expires_in") {
            let text = "`expires_in` is for `cholla dev`: it is counted from the start of the server, and each restart would bring the key back; \
                        remove it here, and the key when it is to end";
            table.fault(line, text);
        }
    }
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
    let permissions = table.texts("permissions");
    let permissions = permissions.map(|list| list.into_iter().map(|permission| permission.value.to_owned()).collect());
    let expires_in_seconds = table.text("expires_in").and_then(|text| expires_in(table, text));
    let credential = kind.and_then(|(name, kind)| credential_kind(table, name, kind, asked));
    Some(Key {
        kind: credential?,
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
fn credential_kind(table: &Table<'_>, name: &str, kind: Kind, asked: &AskedByApp<'_>) -> Option<CredentialKind> {
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
        Kind::Secret => CredentialKind::Secret,
        Kind::Publishable => CredentialKind::Publishable,
        Kind::Restricted => CredentialKind::Restricted { app: app? },
        Kind::OAuth => CredentialKind::OAuth { app: app? },
        Kind::Embedded => CredentialKind::Embedded { app: app?, user: UserId::new(user?.value) },
    })
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
