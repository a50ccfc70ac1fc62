//! Requests to a running server, as a plain HTTP client makes them.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{Request, Response};

/// The one credential of [`PLATFORM`] that tests use: the app developer's secret key.
pub(crate) const KEY: &str = "sk_test_TheKeyOfTheDeveloperOfTheApp1234";

/// A world with one app, installed on one account.
pub(crate) const PLATFORM: &str = r#"
[[accounts]]
id = "acct_dev"

[[accounts]]
id = "acct_cactus"

[[apps]]
id = "com.example.app"
owner = "acct_dev"
distribution = "public"
permissions = [{ permission = "secret_write", purpose = "Stores what the tests set" }]

[[installs]]
app = "com.example.app"
account = "acct_cactus"

[[keys]]
kind = "secret"
account = "acct_dev"
value = "sk_test_TheKeyOfTheDeveloperOfTheApp1234"
"#;

/// A client that keeps its connection.
pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
    config.timeout_global(Some(Duration::from_secs(30))).build().new_agent()
}

/// Sends `GET` to `url`, or `POST` when there is a `form`, on the account that has installed the app.
pub(crate) fn send(
    agent: &Agent,
    url: &str,
    form: Option<&str>,
    headers: &[(&str, &str)],
) -> Result<Response<String>, ureq::Error> {
    let mut request = if form.is_some() { Request::post(url) } else { Request::get(url) };
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request = request.header("authorization", format!("Bearer {KEY}")).header("stripe-account", "acct_cactus");
    let answer = match form {
        Some(form) => {
            agent.run(request.header("content-type", "application/x-www-form-urlencoded").body(form).unwrap())?
        }
        None => agent.run(request.body(()).unwrap())?,
    };
    let (head, mut body) = answer.into_parts();
    Ok(Response::from_parts(head, body.read_to_string()?))
}
