//! The ready file: everything a script needs to know, so that it never has to parse text.

use std::io;
use std::path::Path;

use cholla_domain::id::{AppId, UserId};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Declared, Endpoints};
use crate::files;

/// The version of the file's form. It changes when something in it changes its meaning or goes away.
const VERSION: u32 = 1;

/// The ready file. It holds keys in clear, signing secrets, and in dev mode the admin token.
#[derive(Serialize)]
pub struct ReadyFile<'a> {
    version: u32,
    api: Api<'a>,
    admin: Admin<'a>,
    apps: Vec<App<'a>>,
    keys: Vec<Key<'a>>,
    installs: Vec<Install<'a>>,
    webhooks: Vec<Webhook<'a>>,
}

#[derive(Serialize)]
struct Api<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<&'a Path>,
}

#[derive(Serialize)]
struct Admin<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

#[derive(Serialize)]
struct App<'a> {
    id: &'a str,
    owner: &'a str,
    signing_secret: &'a str,
    #[serde(rename = "app_id")]
    public_id: String,
    client_id: String,
}

#[derive(Serialize)]
struct Key<'a> {
    kind: &'static str,
    value: &'a str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    mode: &'static str,
}

#[derive(Serialize)]
struct Webhook<'a> {
    account: &'a str,
    mode: &'static str,
    url: &'a str,
    secret: &'a str,
}

#[derive(Serialize)]
struct Install<'a> {
    id: String,
    app: &'a str,
    account: &'a str,
    mode: &'static str,
}

impl<'a> ReadyFile<'a> {
    /// What is declared and where it is served.
    pub fn new(declared: &'a Declared, endpoints: &'a Endpoints) -> Self {
        Self {
            version: VERSION,
            api: Api {
                http: endpoints.http.as_deref(),
                https: endpoints.https.as_deref(),
                ca_file: endpoints.ca_file.as_deref(),
            },
            admin: Admin { url: &endpoints.admin, token: endpoints.admin_token.as_ref().map(|token| token.as_str()) },
            apps: declared.apps.iter().map(App::new).collect(),
            keys: declared.keys.iter().map(Key::new).collect(),
            installs: declared.installs.iter().map(Install::new).collect(),
            webhooks: declared.webhooks.iter().map(Webhook::new).collect(),
        }
    }

    /// Writes the file as a whole, for its owner only: whoever sees it sees all of it, and a server that accepts connections.
    ///
    /// # Errors
    /// When the file system refuses, or the path of the certificate is not Unicode.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        // Counted first: a buffer that grew would leave keys behind in the memory it outgrew.
        let mut length = Length(0);
        serde_json::to_writer_pretty(&mut length, self)?;
        let mut json = Zeroizing::new(Vec::with_capacity(length.0 + 1));
        serde_json::to_writer_pretty(&mut *json, self)?;
        json.push(b'\n');
        files::replace_private(path, &json)
    }
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> App<'a> {
    fn new(app: &'a super::DeclaredApp) -> Self {
        Self {
            id: app.id.as_str(),
            owner: app.owner.as_str(),
            signing_secret: app.signing_secret.reveal(),
            public_id: app.app_id.to_string(),
            client_id: app.client_id.to_string(),
        }
    }
}

impl<'a> Key<'a> {
    fn new(key: &'a super::DeclaredKey) -> Self {
        let (app, user) = (key.kind.app(), key.kind.user());
        Self {
            kind: key.kind.as_str(),
            value: key.value.as_str(),
            account: key.account.as_str(),
            app: app.map(AppId::as_str),
            user: user.map(UserId::as_str),
            mode: key.livemode.as_str(),
        }
    }
}

impl<'a> Install<'a> {
    fn new(install: &'a super::DeclaredInstall) -> Self {
        Self {
            id: install.id.to_string(),
            app: install.app.as_str(),
            account: install.account.as_str(),
            mode: install.livemode.as_str(),
        }
    }
}

impl<'a> Webhook<'a> {
    fn new(webhook: &'a super::DeclaredWebhook) -> Self {
        Self {
            account: webhook.account.as_str(),
            mode: webhook.livemode.as_str(),
            url: &webhook.url,
            secret: webhook.secret.reveal(),
        }
    }
}
