//! What a server prints on the terminal when it starts.

use std::fmt::Write as _;

use cholla_domain::id::{AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_wire::auth::MaskedKey;

use super::{Declared, DeclaredKey, Endpoints};
use crate::platform::KeyKind;

/// Where the server listens, the apps, installs and keys as tables, and last a curl line to paste.
///
/// Values that the platform file declares are masked; generated ones and those of the built-in world (`demo`) are printed in full.
pub fn summary(declared: &Declared, endpoints: &Endpoints, demo: bool) -> String {
    let mut text = addresses(endpoints);
    push_table(
        &mut text,
        "Apps",
        ["APP", "NAME", "VERSION", "DISTRIBUTION", "OWNER", "SIGNING SECRET"],
        apps(declared, demo),
    );
    push_table(&mut text, "Installs", ["APP", "ACCOUNT", "MODE", "GRANTED"], installs(declared));
    push_table(&mut text, "Webhooks", ["ACCOUNT", "MODE", "URL", "SECRET"], webhooks(declared, demo));
    push_table(&mut text, "Keys", ["KIND", "MODE", "ACCOUNT", "APP", "USER", "KEY"], keys(declared, demo));
    let _ = write!(text, "Try it:\n  {}\n", curl(declared, endpoints, demo));
    text
}

fn addresses(endpoints: &Endpoints) -> String {
    let mut text = String::new();
    let lines = [
        ("API", endpoints.http.clone()),
        ("API", endpoints.https.clone()),
        ("CA", endpoints.ca_file.as_ref().map(|path| path.display().to_string())),
        ("Admin", Some(endpoints.admin.clone())),
        ("Token", endpoints.admin_token.as_ref().map(|token| token.to_string())),
    ];
    for (label, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "{label:<6} {value}");
        }
    }
    text.push('\n');
    text
}

fn apps(declared: &Declared, demo: bool) -> Vec<[String; 6]> {
    let row = |app: &super::DeclaredApp| {
        let secret = app.signing_secret.reveal();
        let shown = if demo || app.is_generated { secret.to_owned() } else { "absec_****".to_owned() };
        let (id, owner) = (app.id.as_str().to_owned(), app.owner.as_str().to_owned());
        [id, app.name.clone(), app.version.clone(), app.distribution.as_str().to_owned(), owner, shown]
    };
    declared.apps.iter().map(row).collect()
}

fn installs(declared: &Declared) -> Vec<[String; 4]> {
    let row = |install: &super::DeclaredInstall| {
        let (app, account) = (install.app.as_str().to_owned(), install.account.as_str().to_owned());
        [app, account, install.livemode.as_str().to_owned(), install.granted.join(", ")]
    };
    declared.installs.iter().map(row).collect()
}

fn webhooks(declared: &Declared, demo: bool) -> Vec<[String; 4]> {
    let row = |webhook: &super::DeclaredWebhook| {
        let shown = if demo || webhook.is_generated { webhook.secret.reveal() } else { "whsec_****" };
        let account = webhook.account.as_str().to_owned();
        [account, webhook.livemode.as_str().to_owned(), webhook.url.clone(), shown.to_owned()]
    };
    declared.webhooks.iter().map(row).collect()
}

fn keys(declared: &Declared, demo: bool) -> Vec<[String; 6]> {
    let row = |key: &DeclaredKey| {
        let (app, user) = (key.kind.app(), key.kind.user());
        let value = key.value.as_str();
        [
            key.kind.as_str().to_owned(),
            key.livemode.as_str().to_owned(),
            key.account.as_str().to_owned(),
            app.map_or("", AppId::as_str).to_owned(),
            user.map_or("", UserId::as_str).to_owned(),
            if demo || key.is_generated { value.to_owned() } else { MaskedKey::of(value.as_bytes()).to_string() },
        ]
    };
    declared.keys.iter().map(row).collect()
}

/// Appends a table whose columns are as wide as their widest cell; nothing where it has no row.
fn push_table<const N: usize>(text: &mut String, title: &str, heading: [&str; N], rows: Vec<[String; N]>) {
    if rows.is_empty() {
        return;
    }
    // What the file declares may hold any character: none of them may move the cursor or colour the terminal.
    let printable = |cell: String| cell.replace(char::is_control, "\u{fffd}");
    let heading = heading.map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(rows.into_iter().map(|row| row.map(printable))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let _ = writeln!(text, "{title}");
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "  {cell:<width$}");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
}

/// A request that works with what is declared: it finds a demo secret, or sets one.
fn curl(declared: &Declared, endpoints: &Endpoints, demo: bool) -> String {
    let key = key_to_try(declared)
        .map_or("sk_test_123", |key| if key.is_generated { key.value.as_str() } else { "YOUR_KEY" });
    let url = endpoints.http.as_ref().or(endpoints.https.as_ref()).map_or("", String::as_str);
    let authority = match &endpoints.ca_file {
        Some(path) if endpoints.http.is_none() => {
            format!("--cacert '{}' ", path.display().to_string().replace('\'', "'\\''"))
        }
        _ => String::new(),
    };
    if demo {
        let data = "-d name=foo_api_key -d \"scope[type]=account\" -d \"expand[]=payload\"";
        format!("curl -G {authority}{url}/v1/apps/secrets/find -u {key}: {data}")
    } else {
        let data = "-d name=my-api-key -d payload=secret_key_xxxxxx -d \"scope[type]=account\"";
        format!("curl {authority}{url}/v1/apps/secrets -u {key}: {data}")
    }
}

/// The best key to paste: generated rather than declared, of test mode rather than live, of an install rather than a developer's.
/// `None` where no key reaches any secret; dev mode then makes up an account for any test key.
fn key_to_try(declared: &Declared) -> Option<&DeclaredKey> {
    let reaches = |key: &DeclaredKey| match &key.kind {
        KeyKind::Secret => true,
        KeyKind::Restricted { app } | KeyKind::OAuth { app } => declared.installs.iter().any(|install| {
            let granted = install.granted.iter().any(|granted| granted == "secret_write");
            granted && install.app == *app && install.account == key.account && install.livemode == key.livemode
        }),
        KeyKind::Embedded { .. } | KeyKind::Publishable | KeyKind::AccountRestricted(_) => false,
    };
    let rank = |key: &&DeclaredKey| (!key.is_generated, key.livemode == Livemode::Live, key.kind == KeyKind::Secret);
    declared.keys.iter().filter(|key| reaches(key)).min_by_key(rank)
}
