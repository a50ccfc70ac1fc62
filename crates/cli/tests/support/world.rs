//! Requests of anybody to a running server, whatever the key and the listener.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use super::server::Server;

/// The developer's secret key in [`platform`].
pub(crate) const DEVELOPER: &str = "sk_test_TheKeyOfTheDeveloperOfTheApps123";
/// An app whose backend gets its credentials by OAuth; published.
pub(crate) const OAUTH_APP: &str = "com.example.oauth";
/// An app that gets a restricted key; never published, so that it is installed for testing.
pub(crate) const KEYS_APP: &str = "com.example.keys";

/// A world of one developer with both apps, and `accounts` accounts that are connected to it: `acct_0`, `acct_1` and so on.
pub(crate) fn platform(accounts: u64) -> String {
    let mut text = format!(
        r#"
[[accounts]]
id = "acct_dev"

[[apps]]
id = "{OAUTH_APP}"
owner = "acct_dev"
distribution = "public"
permissions = [{{ permission = "secret_write", purpose = "Stores what the tests set" }}]
api_access = "oauth"
redirect_uris = ["https://app.example/back"]

[[apps]]
id = "{KEYS_APP}"
owner = "acct_dev"
permissions = [{{ permission = "secret_write", purpose = "Stores what the tests set" }}]
api_access = "restricted_api_key"

[[keys]]
kind = "secret"
account = "acct_dev"
value = "{DEVELOPER}"
"#
    );
    for number in 0..accounts {
        let _ = write!(text, "[[accounts]]\nid = \"acct_{number}\"\nconnected_to = [\"acct_dev\"]\n");
    }
    text
}

/// An answer, with its JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

impl Answer {
    /// Its body, when it is a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "replayed: {}, {}", self.replayed, self.body);
        self.body
    }
}

/// A member of an answer that is a string.
pub(crate) fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("no {member} in {body}")).to_owned()
}

/// A client of a server, on a connection of its own.
pub(crate) struct Client {
    agent: Agent,
    pub(crate) base: String,
    admin: String,
    token: String,
}

impl Client {
    /// A client of `server`, whose admin token is `token`.
    pub(crate) fn of(server: &Server, token: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
        Self {
            agent: config.timeout_global(Some(Duration::from_secs(30))).build().new_agent(),
            base: server.http().to_owned(),
            admin: server.ready["admin"]["url"].as_str().unwrap().to_owned(),
            token: token.to_owned(),
        }
    }

    /// A client of a server in dev mode, whose ready file names the token.
    pub(crate) fn of_dev(server: &Server) -> Self {
        Self::of(server, server.ready["admin"]["token"].as_str().unwrap())
    }

    /// `GET`, or `POST` when there is a form: with `key`, on `account`, where they are not empty.
    pub(crate) fn send(
        &self,
        (key, account): (&str, &str),
        path: &str,
        form: Option<&str>,
        idempotency_key: &str,
    ) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.base);
        let mut request = if form.is_some() { Request::post(url) } else { Request::get(url) };
        for (name, value) in [("stripe-account", account), ("idempotency-key", idempotency_key)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = match form {
            Some(form) => self.agent.run(request.body(form).unwrap())?,
            None => self.agent.run(request.body(()).unwrap())?,
        };
        read(answer)
    }

    /// The same, for a server that is there.
    pub(crate) fn call(&self, who: (&str, &str), path: &str, form: Option<&str>) -> Answer {
        self.send(who, path, form, "").unwrap()
    }

    /// The admin listener: `GET`, or `POST` of a JSON object.
    pub(crate) fn admin(&self, path: &str, body: Option<&Value>) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.admin);
        let request = if body.is_some() { Request::post(url) } else { Request::get(url) };
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).unwrap())?,
            None => self.agent.run(request.body(()).unwrap())?,
        };
        read(answer)
    }

    /// Installs an app through `Stripe-Account`: the published one on its channel, others for testing.
    pub(crate) fn install(&self, who: (&str, &str), app: &str) -> Value {
        let channel = if app == OAUTH_APP { "public" } else { "testing" };
        self.call(who, "/v1/apps/installs", Some(&format!("app={app}&channel={channel}"))).ok()
    }

    /// Uninstalls.
    pub(crate) fn uninstall(&self, who: (&str, &str), install: &str) -> Answer {
        self.call(who, &format!("/v1/apps/installs/{install}/uninstall"), Some(""))
    }
}

fn read(answer: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let (head, mut body) = answer.into_parts();
    let body = body.read_to_string()?;
    Ok(Answer {
        status: head.status.as_u16(),
        replayed: head.headers.contains_key("idempotent-replayed"),
        body: serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}")),
    })
}
