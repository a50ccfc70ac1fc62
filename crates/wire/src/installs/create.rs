//! Create (contract 10.2).

use cholla_domain::directory::install::Channel;

use super::Expansion;
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field::Field;
use crate::params::{Parameters, Text, Value};

const KNOWN: [&str; 5] = ["app", "channel", "code_challenge", "code_challenge_method", "expand"];
const APP: Field = Field::new("app");
const CHANNEL: Field = Field::new("channel");
const CHALLENGE: Field = Field::masked("code_challenge");
const METHOD: Field = Field::new("code_challenge_method");
/// Characters of a code challenge or a code verifier, at the least and at the most (contract 15.10 and 18.19).
const CHALLENGE_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// A code challenge of the method S256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(pub String);

/// The parameters of a create.
#[derive(Debug)]
pub struct CreateParams {
    /// The app, by its `app_` id or its manifest id.
    pub app: String,
    /// The channel; `public` where none was given (contract 13.1).
    pub channel: Option<Channel>,
    /// The challenge of the code.
    pub challenge: Option<Challenge>,
    /// Which expansions were asked for.
    pub expansion: Expansion,
}

impl CreateParams {
    /// Reads the parameters of a create.
    ///
    /// # Errors
    /// The first rule of contract section 6 that does not hold, and 18.4, 18.5, 18.19 to 18.21.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        expand::check_paths(Answer::Install, parameters.get("expand"))?;
        parameters.refuse_unknown(&KNOWN)?;
        let app = APP.required(parameters.take("app"))?.into_string();
        let channel = channel(parameters.take("channel"))?;
        let (challenge, method) = (parameters.take("code_challenge"), parameters.take("code_challenge_method"));
        let challenge = CHALLENGE.choice(challenge)?;
        let method = METHOD.choice(method)?;
        let challenge = decode_challenge(challenge.as_deref(), method.as_deref())?;
        let expansion = Expansion::decode(&parameters)?;
        Ok(Self { app, channel, challenge, expansion })
    }
}

/// A channel; an empty value unsets.
pub(super) fn channel(value: Option<Value<'_>>) -> Result<Option<Channel>, ApiError> {
    let text = CHANNEL.choice(value)?.map(Text::into_string);
    text.map(|text| Channel::parse(&text).ok_or_else(ApiError::bad_channel)).transpose()
}

/// Reads a challenge and its method, of which neither or both are given.
///
/// # Errors
/// Contract 18.19 to 18.21.
pub fn decode_challenge(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Challenge>, ApiError> {
    if challenge.is_some_and(|challenge| !is_unreserved(challenge)) {
        return Err(ApiError::bad_challenge());
    }
    match (challenge, method) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) => Ok(Some(Challenge(challenge.to_owned()))),
        (Some(_), None) => Err(ApiError::parameter_missing("code_challenge_method")),
        (None, Some(_)) => Err(ApiError::parameter_missing("code_challenge")),
        (Some(_), Some(_)) => Err(ApiError::bad_challenge_method()),
    }
}

/// Whether `text` is 43 to 128 of `A-Z a-z 0-9 - . _ ~`.
pub(crate) fn is_unreserved(text: &str) -> bool {
    CHALLENGE_CHARS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
