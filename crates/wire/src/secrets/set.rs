//! Set (contract 1.1).

use cholla_domain::limits::FINDABLE_BYTES_MAX;
use cholla_domain::name::SecretName;
use cholla_domain::payload::Plaintext;
use cholla_domain::place::Scope;
use cholla_domain::set::Expansion;
use cholla_domain::time::Timestamp;

use super::{check_all, name};
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field::{self, Field};
use crate::params::{Parameters, Value};
use crate::{scope, text};

const KNOWN: [&str; 5] = ["name", "payload", "scope", "expires_at", "expand"];
const PAYLOAD: Field = Field::masked("payload");

/// The parameters of a set.
#[derive(Debug)]
pub struct SetParams {
    /// Under which name.
    pub name: SecretName,
    /// What.
    pub payload: Plaintext,
    /// Where.
    pub scope: Scope,
    /// Until when. Any integer: whether it lies in the future is for the clock to say (contract 6.14 and 6.15).
    pub expires_at: Option<Timestamp>,
    /// Which expansions are asked for.
    pub expansion: Expansion,
}

impl SetParams {
    /// Reads the parameters of a set.
    ///
    /// # Errors
    /// The first rule of contract section 6 that does not hold.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_all(&parameters, Answer::Secret, &KNOWN)?;
        let name = name(parameters.take("name"))?;
        let payload = payload(parameters.take("payload"))?;
        let scope = scope::decode(parameters.take("scope"))?;
        check_findable(&name, &scope)?;
        let expires_at = expires_at(parameters.take("expires_at"))?;
        let expansion = expand::decode(Answer::Secret, parameters.get("expand"))?;
        Ok(Self { name, payload, scope, expires_at, expansion })
    }
}

fn payload(value: Option<Value<'_>>) -> Result<Plaintext, ApiError> {
    Ok(Plaintext::new(PAYLOAD.required(value)?.into_string())
        .expect("neither empty nor too long was checked here, the absence of NUL when the form was read"))
}

/// Contract 3.9: nothing can be stored that no GET could ask for.
fn check_findable(name: &SecretName, scope: &Scope) -> Result<(), ApiError> {
    let user = match scope {
        Scope::Account => "",
        Scope::User(user) => user.as_str(),
    };
    let bytes = text::percent_encoded_len(name.as_str()) + text::percent_encoded_len(user);
    if bytes > FINDABLE_BYTES_MAX { Err(ApiError::not_findable()) } else { Ok(()) }
}

fn expires_at(value: Option<Value<'_>>) -> Result<Option<Timestamp>, ApiError> {
    match value {
        None => Ok(None),
        Some(value) if field::is_empty(&value) => Err(ApiError::parameter_empty("expires_at")),
        Some(value) => field::integer("expires_at", &value).map(Timestamp::from_unix).map(Some),
    }
}
