//! The HTTP client of `apps secrets`, and of the commands on the admin API: one server, one key, no redirects, no proxy.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG};
use ureq::http::{HeaderValue, Request, Response, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

use crate::output::{Exit, Failure};
use crate::progress;
use crate::sensitive::Sensitive;

/// Bytes of an answer that are read: more than a page of the longest payloads, escaped.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Seconds in which a connection must stand.
const CONNECT_SECONDS_MAX: u64 = 10;
/// Seconds that one request may take.
const REQUEST_SECONDS_MAX: u64 = 60;

/// What the two kinds of server and caller are called, in messages.
pub(crate) struct Words {
    /// The flag that names the server.
    pub(crate) base: &'static str,
    /// That flag's variable.
    pub(crate) variable: &'static str,
    /// An address as the flag takes it.
    pub(crate) example: &'static str,
    /// What the caller shows.
    pub(crate) key: &'static str,
}

/// Who speaks the contract.
pub(crate) const API: Words =
    Words { base: "--api-base", variable: "CHOLLA_API_BASE", example: "http://127.0.0.1:12111", key: "the API key" };
/// Who speaks the admin API.
pub(crate) const ADMIN: Words = Words {
    base: "--admin-base",
    variable: "CHOLLA_ADMIN_BASE",
    example: "http://127.0.0.1:12113",
    key: "the admin token",
};

/// One server, as one caller.
pub(crate) struct Client {
    agent: Agent,
    words: &'static Words,
    base: String,
    authorization: HeaderValue,
    account: Option<HeaderValue>,
}

/// A server and a caller, as the flags name them.
pub(crate) struct Target<'a> {
    /// What they are called.
    pub(crate) words: &'static Words,
    /// The server's address.
    pub(crate) base: &'a str,
    /// The API key or the admin token.
    pub(crate) key: &'a Sensitive,
    /// The account to act on.
    pub(crate) account: Option<&'a str>,
    /// The certificates to trust, instead of the system's.
    pub(crate) ca_file: Option<&'a Path>,
}

/// What a server answered.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The version of the secret, where the answer has one (contract 9.1).
    pub(crate) etag: Option<String>,
    /// The id that the server logged (contract 7.2).
    pub(crate) request_id: Option<String>,
    /// The body, wiped when dropped: it may hold payloads.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// A request header beyond those of every request.
pub(crate) type Header = (&'static str, String);

impl Client {
    /// Prepares requests to `target`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the target is malformed or its certificates cannot be read.
    pub(crate) fn new(target: &Target<'_>) -> Result<Self, Failure> {
        let roots = target.ca_file.map_or(Ok(RootCerts::PlatformVerifier), read_roots)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A key and a payload go to the server that was named and to nobody else.
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .user_agent(concat!("cholla/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build());
        let bearer = Zeroizing::new(format!("Bearer {}", target.key.expose_secret()));
        let mut authorization =
            HeaderValue::from_str(&bearer).map_err(|_| not_sendable(target.words.key, "Use it as it was printed."))?;
        authorization.set_sensitive(true);
        let account = target.account.map(HeaderValue::from_str).transpose();
        Ok(Self {
            agent: config.build().new_agent(),
            words: target.words,
            base: checked_base(target.base, target.words)?,
            authorization,
            account: account.map_err(|_| not_sendable("--stripe-account", "Use an id such as acct_123."))?,
        })
    }

    /// `GET` with a query.
    pub(crate) fn get(&self, path: &str, query: &str) -> Result<Answer, Failure> {
        let separator = if query.is_empty() { "" } else { "?" };
        let request = Request::get(format!("{}{path}{separator}{query}", self.base));
        self.exchange(request.body(()), &[], Agent::run)
    }

    /// `POST` with a form.
    pub(crate) fn post(&self, path: &str, form: &str, headers: &[Header]) -> Result<Answer, Failure> {
        let request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.as_bytes());
        self.exchange(request, headers, Agent::run)
    }

    /// `POST` with JSON.
    pub(crate) fn post_json(&self, path: &str, json: &[u8]) -> Result<Answer, Failure> {
        let request = Request::post(format!("{}{path}", self.base)).header(CONTENT_TYPE, "application/json").body(json);
        self.exchange(request, &[], Agent::run)
    }

    /// `DELETE`
    pub(crate) fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.exchange(Request::delete(format!("{}{path}", self.base)).body(()), &[], Agent::run)
    }

    fn exchange<B>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        headers: &[Header],
        run: impl FnOnce(&Agent, Request<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, Failure> {
        let wrong = |_| not_sendable("the request", &format!("Check {}.", self.words.base));
        let mut request = request.map_err(wrong)?;
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        if let Some(account) = &self.account {
            request.headers_mut().insert("stripe-account", account.clone());
        }
        for (name, value) in headers {
            let value =
                HeaderValue::from_str(value).map_err(|_| not_sendable(name, "Use visible ASCII characters."))?;
            request.headers_mut().insert(*name, value);
        }
        let waiting = format!("waiting for {} …", self.base);
        progress::announced(&waiting, || {
            run(&self.agent, request).map_err(|error| self.unreachable(&error)).and_then(|response| self.read(response))
        })
    }

    fn read(&self, response: Response<ureq::Body>) -> Result<Answer, Failure> {
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let (etag, request_id) = (header(ETAG.as_str()), header("request-id"));
        let status = response.status().as_u16();
        let length = response.body().content_length().map_or(ANSWER_BYTES_MAX, |length| {
            usize::try_from(length).map_or(ANSWER_BYTES_MAX, |length| length.min(ANSWER_BYTES_MAX))
        });
        // As long as the answer, so that it never grows and leaves no copy behind unwiped.
        let mut body = Zeroizing::new(Vec::with_capacity(length + 1));
        let mut reader = response.into_body().into_reader().take(ANSWER_BYTES_MAX as u64 + 1);
        let broken = |why: &str| {
            Failure::new(
                Exit::Unavailable,
                format!("the answer of {} {why}", self.base),
                "Look before you repeat it: the server may have done it.",
            )
        };
        reader.read_to_end(&mut body).map_err(|_| broken("broke off"))?;
        if body.len() > ANSWER_BYTES_MAX {
            Err(broken("is too long"))
        } else {
            Ok(Answer { status, etag, request_id, body })
        }
    }

    /// Says why there was no answer, in words that hold nothing of the request.
    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let why = match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Rustls(error) => error.to_string(),
            ureq::Error::Tls(why) => (*why).to_owned(),
            ureq::Error::Timeout(_) => "it took too long".to_owned(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            _ => "it does not speak HTTP as expected".to_owned(),
        };
        let help = if self.base.starts_with("https:") {
            "Check that it runs, and that --ca-file holds the certificate of its authority.".to_owned()
        } else {
            let Words { base, variable, .. } = self.words;
            format!("Check that it runs (`cholla dev` starts one), and that {base} or {variable} is its address.")
        };
        Failure::new(Exit::Unavailable, format!("{} cannot be reached: {why}", self.base), help)
    }
}

fn not_sendable(what: &str, help: &str) -> Failure {
    Failure::usage(format!("{what} holds characters that cannot be sent"), help)
}

/// The address without a slash at its end. It is not repeated in the message: a key may have got into it.
fn checked_base(base: &str, words: &Words) -> Result<String, Failure> {
    let base = base.trim_end_matches('/');
    let uri = base.parse::<Uri>().ok().filter(|uri| {
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        plain && uri.query().is_none() && matches!(uri.scheme_str(), Some("http" | "https"))
    });
    let wrong = || {
        Failure::usage(
            format!("{} is not the address of a server", words.base),
            format!("Use one such as {}.", words.example),
        )
    };
    uri.map(|_| base.to_owned()).ok_or_else(wrong)
}

fn read_roots(path: &Path) -> Result<RootCerts, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("--ca-file {} {why}", path.display()), "Name a PEM file with certificates.")
    };
    let pem = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| wrong("is not PEM".to_owned()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(certificates.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_an_address_and_nothing_more() {
        for (base, expected) in [
            ("http://127.0.0.1:12111", Some("http://127.0.0.1:12111")),
            ("https://secrets.example.com/", Some("https://secrets.example.com")),
            ("https://example.com/cholla/", Some("https://example.com/cholla")),
            ("http://[::1]:12111", Some("http://[::1]:12111")),
            ("127.0.0.1:12111", None),
            ("ftp://127.0.0.1", None),
            ("http://sk_test_123@127.0.0.1", None),
            ("http://127.0.0.1?key=sk_test_123", None),
            ("", None),
            ("http://", None),
        ] {
            let checked = checked_base(base, &API);
            assert_eq!(checked.as_deref().ok(), expected, "{base}");
            assert!(checked.err().is_none_or(|failure| !failure.message.contains("sk_test_123")), "{base}");
        }
    }
}
