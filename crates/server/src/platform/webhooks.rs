//! `[[webhooks]]`

use std::collections::{BTreeSet, HashMap};

use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::livemode::Livemode;

use super::accounts::Declared;
use super::document::{At, Table};
use super::fault::quoted;
use super::{Webhook, livemode};

/// What an endpoint's secret begins with.
const PREFIX: &str = "whsec_";

/// Reads the endpoints; `None` where one is at fault.
pub(super) fn read(tables: &[Table<'_>], declared: &Declared<'_>) -> Option<Vec<Webhook>> {
    let mut lines = HashMap::new();
    let webhooks: Vec<_> = tables.iter().map(|table| webhook(table, declared, &mut lines)).collect();
    webhooks.into_iter().collect()
}

fn webhook<'a>(
    table: &Table<'a>,
    declared: &Declared<'_>,
    lines: &mut HashMap<(&'a str, &'a str, &'static str, bool), usize>,
) -> Option<Webhook> {
    table.allow(&["account", "mode", "url", "connect", "events", "secret"]);
    let named = table.text("account").map_or("", |account| account.value);
    let account = declared.account(table, "account");
    let livemode = table.text("mode").map_or(Some(Livemode::Test), |mode| livemode(table, mode.line, mode.value));
    let url = table.required("url");
    if let Some(At { line, value }) = url
        && !is_url(value)
    {
        let text = "write an absolute URL that begins with `https://` or `http://` and has a host";
        table.fault(line, format!("`url` is not one that can be delivered to; {text}"));
    }
    let connect = table.flag("connect");
    let events = table.texts("events").map_or_else(
        || BTreeSet::from(["*".to_owned()]),
        |events| events.into_iter().map(|event| event.value.to_owned()).collect(),
    );
    if events.is_empty() {
        let line = table.line_of("events").unwrap_or(table.line());
        table.fault(line, "`events` is empty; list types of events, or leave it out for all of them");
    }
    let secret = secret(table);
    let (account, livemode, url, connect) = (account?, livemode?, url?, connect?);
    let place = (named, url.value, livemode.as_str(), connect);
    if let Some(first) = lines.insert(place, table.line()) {
        let url = quoted(url.value);
        table.fault(table.line(), format!("the endpoint {url} is declared on line {first} already; remove one"));
    }
    Some(Webhook { account, livemode, url: url.value.to_owned(), connect, events, secret })
}

/// Whether a delivery can be addressed to it; whether it may be is for the server to say when it delivers.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn secret(table: &Table<'_>) -> Option<SigningSecret> {
    let At { line, value } = table.text("secret")?;
    if value.strip_prefix(PREFIX).is_none_or(str::is_empty) {
        table.fault(line, "`secret` does not begin with `whsec_`; correct it, or remove it to have one generated");
    }
    Some(SigningSecret::new(value.to_owned()))
}
