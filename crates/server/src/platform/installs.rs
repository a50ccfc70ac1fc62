//! `[[installs]]`

use std::collections::HashMap;

use cholla_domain::id::{AccountId, AppId};
use cholla_domain::livemode::Livemode;

use super::accounts::Declared;
use super::apps::AskedByApp;
use super::document::Table;
use super::fault::{listed, quoted};
use super::{Install, livemode};

/// The line of every install read so far.
type Lines = HashMap<(AppId, AccountId, Livemode), usize>;

/// Reads the installs, one per mode; `None` where one is at fault.
pub(super) fn read(tables: &[Table<'_>], declared: &Declared<'_>, asked: &AskedByApp<'_>) -> Option<Vec<Install>> {
    let mut lines = Lines::new();
    let installs: Vec<_> = tables.iter().map(|table| install(table, declared, asked, &mut lines)).collect();
    Some(installs.into_iter().collect::<Option<Vec<_>>>()?.concat())
}

fn install(
    table: &Table<'_>,
    declared: &Declared<'_>,
    asked: &AskedByApp<'_>,
    lines: &mut Lines,
) -> Option<Vec<Install>> {
    table.allow(&["app", "account", "modes", "permissions"]);
    let app = table.required("app").and_then(|named| asked.app(table, named));
    let account = declared.account(table, "account");
    let modes = modes(table);
    let granted = app.as_ref().and_then(|app| granted(table, app, asked));
    let (app, account, modes, granted) = (app?, account?, modes?, granted?);
    for livemode in &modes {
        if let Some(first) = lines.insert((app.clone(), account.clone(), *livemode), table.line()) {
            let (app, account, mode) = (quoted(app.as_str()), quoted(account.as_str()), livemode.as_str());
            let text = format!("{app} is installed on {account} in {mode} mode on line {first} already; remove one");
            table.fault(table.line(), text);
        }
    }
    let install = |livemode| Install { app: app.clone(), account: account.clone(), livemode, granted: granted.clone() };
    Some(modes.into_iter().map(install).collect())
}

fn modes(table: &Table<'_>) -> Option<Vec<Livemode>> {
    let Some(modes) = table.texts("modes") else { return Some(vec![Livemode::Test]) };
    if modes.is_empty() {
        let line = table.line_of("modes").unwrap_or(table.line());
        table.fault(line, "`modes` is empty; list `test`, `live` or both");
    }
    modes.into_iter().map(|mode| livemode(table, mode.line, mode.value)).collect()
}

/// What the account granted: by name, only what the app asks for; without a list everything.
fn granted(table: &Table<'_>, app: &AppId, asked: &AskedByApp<'_>) -> Option<Vec<String>> {
    let named = table.texts("permissions");
    let asked = asked.permissions(app.as_str())?;
    let Some(named) = named else { return Some(asked.to_vec()) };
    for grant in &named {
        if !asked.iter().any(|asked| asked == grant.value) {
            let (grant_name, app) = (quoted(grant.value), quoted(app.as_str()));
            let asks = if asked.is_empty() {
                "it asks for nothing".to_owned()
            } else {
                format!("it asks for {}", listed(asked.iter().map(String::as_str)))
            };
            let text = format!("{app} does not ask for {grant_name}, {asks}; add it to the app or remove it here");
            table.fault(grant.line, text);
        }
    }
    Some(named.into_iter().map(|grant| grant.value.to_owned()).collect())
}
