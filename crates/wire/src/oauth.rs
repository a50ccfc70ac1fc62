//! OAuth (contract section 15): parameters in, tokens out, and where browsers are sent.

use std::collections::HashSet;

use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::oauth::Tokens;
use form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::field::Field;
use crate::installs::{self, Challenge};
use crate::json;
use crate::params::{Parameters, Text};

const KNOWN: [&str; 8] =
    ["grant_type", "code", "code_verifier", "refresh_token", "redirect_uri", "scope", "client_id", "client_secret"];
const KNOWN_OF_DEAUTHORIZE: [&str; 3] = ["client_id", "stripe_user_id", "client_secret"];
const SCOPE: &str = "stripe_apps";

/// What is asked for.
pub enum TokenGrant {
    /// `authorization_code`
    Code {
        /// The code.
        code: Zeroizing<String>,
        /// The verifier of its challenge.
        verifier: Option<Zeroizing<String>>,
    },
    /// `refresh_token`
    Refresh {
        /// The refresh token.
        token: Zeroizing<String>,
    },
}

/// The parameters of a token request (contract 15.4).
pub struct TokenParams {
    /// What is asked for.
    pub grant: TokenGrant,
    /// Where the browser was sent with the code.
    pub redirect_uri: Option<String>,
    /// The app's client id.
    pub client_id: Option<String>,
    /// The key, repeated.
    pub client_secret: Option<Zeroizing<String>>,
    /// The scope, as it was sent.
    pub scope: Option<String>,
}

/// The parameters of a deauthorize (contract 10.7).
pub struct DeauthorizeParams {
    /// The app's client id.
    pub client_id: String,
    /// The account.
    pub account: AccountId,
    /// The key, repeated.
    pub client_secret: Option<Zeroizing<String>>,
}

/// The key in the body: the only one, where the header has none (contract 15.3).
pub fn client_secret(parameters: &Parameters<'_>) -> Option<Zeroizing<String>> {
    match parameters.get("client_secret") {
        Some(crate::params::Value::Text(text)) if !text.is_empty() => Some(Zeroizing::new((**text).to_owned())),
        _ => None,
    }
}

impl TokenParams {
    /// Reads the parameters of a token request.
    ///
    /// # Errors
    /// Contract 15.14 a, b and d.
    pub fn decode(parameters: Parameters<'_>) -> Result<Self, ApiError> {
        Self::read(parameters).map_err(ApiError::into_oauth)
    }

    fn read(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_names(&parameters, &KNOWN)?;
        let grant_type = required(&mut parameters, "grant_type")?;
        let is_refresh = match grant_type.as_str() {
            "authorization_code" => false,
            "refresh_token" => true,
            _ => return Err(ApiError::oauth_unsupported_grant_type()),
        };
        let grant = if is_refresh {
            TokenGrant::Refresh { token: required(&mut parameters, "refresh_token")? }
        } else {
            let code = required(&mut parameters, "code")?;
            let verifier = optional(&mut parameters, "code_verifier")?;
            if verifier.as_ref().is_some_and(|verifier| !installs::is_verifier(verifier)) {
                let text = "The code verifier must be 43 to 128 of A-Z, a-z, 0-9, '-', '.', '_' and '~'.";
                return Err(ApiError::oauth_invalid_request(text));
            }
            TokenGrant::Code { code, verifier }
        };
        let redirect_uri = optional(&mut parameters, "redirect_uri")?.map(|text| text.to_string());
        let scope = optional(&mut parameters, "scope")?.map(|text| text.to_string());
        if is_refresh && scope.as_deref().is_some_and(|scope| scope != SCOPE) {
            return Err(ApiError::oauth_invalid_scope());
        }
        let client_id = optional(&mut parameters, "client_id")?.map(|text| text.to_string());
        let client_secret = optional(&mut parameters, "client_secret")?;
        Ok(Self { grant, redirect_uri, client_id, client_secret, scope })
    }

    /// What two requests of one idempotency key are compared by: every parameter but the key.
    pub fn canonical(&self) -> [&[u8]; 6] {
        let (kind, token, verifier): (&[u8], &str, Option<&Zeroizing<String>>) = match &self.grant {
            TokenGrant::Code { code, verifier } => (b"authorization_code", code, verifier.as_ref()),
            TokenGrant::Refresh { token } => (b"refresh_token", token, None),
        };
        [
            kind,
            token.as_bytes(),
            verifier.map_or(&[], |verifier| verifier.as_bytes()),
            self.redirect_uri.as_deref().unwrap_or_default().as_bytes(),
            self.scope.as_deref().unwrap_or_default().as_bytes(),
            self.client_id.as_deref().unwrap_or_default().as_bytes(),
        ]
    }
}

impl DeauthorizeParams {
    /// Reads the parameters of a deauthorize.
    ///
    /// # Errors
    /// Contract 15.14 a.
    pub fn decode(parameters: Parameters<'_>) -> Result<Self, ApiError> {
        Self::read(parameters).map_err(ApiError::into_oauth)
    }

    fn read(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_names(&parameters, &KNOWN_OF_DEAUTHORIZE)?;
        let client_id = required(&mut parameters, "client_id")?.to_string();
        let account = AccountId::new(required(&mut parameters, "stripe_user_id")?.as_str());
        let client_secret = optional(&mut parameters, "client_secret")?;
        Ok(Self { client_id, account, client_secret })
    }
}

/// Refuses unknown parameters and repeated ones. What is unknown is not named: it may be a token in the wrong place (contract 15.15).
fn check_names(parameters: &Parameters<'_>, known: &[&str]) -> Result<(), ApiError> {
    if !parameters.unknown(known, &[]).is_empty() {
        let text = format!("An unknown parameter was given. Those that are known are {}.", known.join(", "));
        return Err(ApiError::oauth_invalid_request(text));
    }
    if parameters.is_repeated() {
        return Err(ApiError::oauth_invalid_request("A parameter was given twice."));
    }
    Ok(())
}

fn required(parameters: &mut Parameters<'_>, name: &'static str) -> Result<Zeroizing<String>, ApiError> {
    Field::masked(name).required(parameters.take(name)).map(|text| Zeroizing::new(text.into_string()))
}

fn optional(parameters: &mut Parameters<'_>, name: &'static str) -> Result<Option<Zeroizing<String>>, ApiError> {
    let text = Field::masked(name).optional(parameters.take(name))?;
    Ok(text.map(Text::into_string).map(Zeroizing::new))
}

/// The answer to a token request (contract 15.5). The buffer never grows: growing would leave a copy of the tokens behind.
pub fn tokens(tokens: &Tokens) -> Vec<u8> {
    let publishable = tokens.publishable.as_deref().unwrap_or_default().len();
    let mut out = Vec::with_capacity(512 + publishable + tokens.account.as_str().len());
    json::push_body(&mut out, |object| {
        object.string("access_token", &tokens.access.value);
        object.boolean("livemode", tokens.livemode.is_live());
        object.string("refresh_token", &tokens.refresh.value);
        object.string("scope", SCOPE);
        if let Some(key) = &tokens.publishable {
            object.string("stripe_publishable_key", key);
        }
        object.string("stripe_user_id", tokens.account.as_str());
        object.string("token_type", "bearer");
    });
    out
}

/// The answer to a deauthorize (contract 10.7).
pub fn deauthorized(account: &AccountId) -> Vec<u8> {
    let mut out = Vec::new();
    json::push_body(&mut out, |object| object.string("stripe_user_id", account.as_str()));
    out
}

/// What an install link asks for (contract 15.11).
#[derive(Clone, Debug)]
pub struct LinkParams {
    /// The OAuth client id; a link by manifest id has none.
    pub client_id: Option<String>,
    /// Where to send the browser; the app's first where absent.
    pub redirect_uri: Option<String>,
    /// Handed back as it came.
    pub state: Option<String>,
    /// The mode: live unless `livemode=false` says otherwise.
    pub livemode: Livemode,
    /// The challenge of the code.
    pub challenge: Option<Challenge>,
}

impl LinkParams {
    /// Reads the query of a link. Parameters that SDKs add, and any other, mean nothing here.
    ///
    /// # Errors
    /// Contract 15.11, in the form of 15.14.
    pub fn decode(parameters: Parameters<'_>) -> Result<Self, ApiError> {
        Self::read(parameters).map_err(ApiError::into_oauth)
    }

    fn read(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        let client_id = optional(&mut parameters, "client_id")?.map(|text| text.to_string());
        let redirect_uri = optional(&mut parameters, "redirect_uri")?.map(|text| text.to_string());
        let state = optional(&mut parameters, "state")?.map(|text| text.to_string());
        let livemode = match optional(&mut parameters, "livemode")?.as_deref().map(String::as_str) {
            Some("false") => Livemode::Test,
            Some("true") | None => Livemode::Live,
            Some(_) => return Err(ApiError::oauth_invalid_request("`livemode` must be true or false.")),
        };
        let challenge = optional(&mut parameters, "code_challenge")?;
        let method = optional(&mut parameters, "code_challenge_method")?;
        let (challenge, method) = (challenge.as_deref(), method.as_deref());
        let challenge = installs::decode_challenge(challenge.map(String::as_str), method.map(String::as_str))?;
        Ok(Self { client_id, redirect_uri, state, livemode, challenge })
    }

    /// The platform's own page with the query that the link came with (contract 15.11): the app and what is known here, each once and as it
    /// was checked, then everything else in its order. A parameter whose name could be read as that of one of those, or of one that the
    /// page's URL has by itself, is left out: what was checked is what the page reads.
    pub fn consent_url(&self, page: &str, app: &AppId, query: &str) -> String {
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let names_mode = given.iter().any(|(name, _)| name == "livemode");
        let mode = if self.livemode.is_live() { "true" } else { "false" };
        let challenge = self.challenge.as_ref().map(|challenge| challenge.0.as_str());
        let mut pairs = vec![
            ("app", Some(app.as_str())),
            ("client_id", self.client_id.as_deref()),
            ("redirect_uri", self.redirect_uri.as_deref()),
            ("state", self.state.as_deref()),
            ("livemode", names_mode.then_some(mode)),
            ("code_challenge", challenge),
            ("code_challenge_method", challenge.map(|_| "S256")),
        ];
        let own = form_urlencoded::parse(page.split_once('?').map_or("", |(_, own)| own).as_bytes());
        let taken: HashSet<_> =
            pairs.iter().map(|(name, _)| folded(name)).chain(own.map(|(name, _)| folded(&name))).collect();
        let is_taken =
            |name: &str| taken.contains(&folded(name)) || taken.contains(&folded(&name.replacen('[', "_", 1)));
        let others = given.iter().filter(|(name, _)| !is_taken(name));
        pairs.extend(others.map(|(name, value)| (&**name, Some(&**value))));
        with_query(page, &pairs)
    }
}

/// A parameter's name as the most lenient framework might read it: in any case, trimmed, `a.b` and `a b` as `a_b`, `a[]` and `a[b]` as `a`.
/// PHP reads a `[` that nothing closes as `_`, too.
fn folded(name: &str) -> String {
    let (name, _) = name.split_once('[').unwrap_or((name, ""));
    name.trim().replace(['.', ' '], "_").to_ascii_lowercase()
}

/// The form of dev mode's own page of consent. A platform's page answers in JSON instead.
#[derive(Debug)]
pub struct ConsentParams {
    /// The app.
    pub app: String,
    /// The account.
    pub account: String,
    /// The user.
    pub user: String,
    /// The mode.
    pub livemode: Livemode,
    /// Where to send the browser.
    pub redirect_uri: Option<String>,
    /// Handed back as it came.
    pub state: Option<String>,
    /// The challenge of the code.
    pub challenge: Option<Challenge>,
    /// Whether the app was allowed.
    pub allow: bool,
}

impl ConsentParams {
    /// Reads the form.
    ///
    /// # Errors
    /// When it is not that of the page.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        let mut text = |name| required(&mut parameters, name).map(|text| text.to_string());
        let (app, account, user) = (text("app")?, text("account")?, text("user")?);
        let (mode, decision) = (text("mode")?, text("decision")?);
        let redirect_uri = optional(&mut parameters, "redirect_uri")?.map(|text| text.to_string());
        let state = optional(&mut parameters, "state")?.map(|text| text.to_string());
        let challenge = optional(&mut parameters, "code_challenge")?;
        let method = optional(&mut parameters, "code_challenge_method")?;
        let (challenge, method) = (challenge.as_deref(), method.as_deref());
        Ok(Self {
            app,
            account,
            user,
            livemode: if mode == "live" { Livemode::Live } else { Livemode::Test },
            redirect_uri,
            state,
            challenge: installs::decode_challenge(challenge.map(String::as_str), method.map(String::as_str))?,
            allow: decision == "allow",
        })
    }
}

/// Where the browser goes after an `oauth` app was allowed (contract 15.13).
pub fn redirect_with_code(uri: &str, code: &str, state: Option<&str>) -> String {
    with_query(uri, &[("code", Some(code)), ("state", state)])
}

/// Where the browser goes after an app of another access was allowed (contract 15.13).
pub fn redirect_with_signature(
    uri: &str,
    user: &UserId,
    account: &AccountId,
    state: Option<&str>,
    (signature, livemode): (&str, Livemode),
) -> String {
    with_query(
        uri,
        &[
            ("user_id", Some(user.as_str())),
            ("account_id", Some(account.as_str())),
            ("state", state),
            ("install_signature", Some(signature)),
            ("livemode", (livemode == Livemode::Test).then_some("false")),
        ],
    )
}

/// Where the browser goes after a refusal (contract 15.13).
pub fn redirect_denied(uri: &str, state: Option<&str>) -> String {
    with_query(
        uri,
        &[
            ("error", Some("access_denied")),
            ("error_description", Some("The user denied your request")),
            ("state", state),
        ],
    )
}

/// The text that an install link's signature is made over, behind its time (contract 15.13).
pub fn signed_install_text(state: Option<&str>, user: &UserId, account: &AccountId) -> String {
    let mut text = b"{".to_vec();
    if let Some(state) = state {
        text.extend_from_slice(b"\"state\":");
        json::push_string(&mut text, state);
        text.push(b',');
    }
    text.extend_from_slice(b"\"user_id\":");
    json::push_string(&mut text, user.as_str());
    text.extend_from_slice(b",\"account_id\":");
    json::push_string(&mut text, account.as_str());
    text.push(b'}');
    String::from_utf8(text).expect("JSON of strings is a string")
}

/// A URI with more behind its query, percent-encoded.
fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut url = uri.to_owned();
    let mut separator = if uri.contains('?') { '&' } else { '?' };
    for (name, value) in pairs.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        url.push(separator);
        separator = '&';
        push_encoded(&mut url, name);
        url.push('=');
        push_encoded(&mut url, value);
    }
    url
}

/// A space as `%20`: what a plus means depends on who reads it.
fn push_encoded(url: &mut String, text: &str) {
    for piece in byte_serialize(text.as_bytes()) {
        url.push_str(if piece == "+" { "%20" } else { piece });
    }
}

#[cfg(test)]
mod tests;
