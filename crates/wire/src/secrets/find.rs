//! Find (contract 1.3).

use cholla_domain::name::SecretName;
use cholla_domain::place::Scope;

use super::{check_all, name};
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::params::Parameters;
use crate::scope;

const KNOWN: [&str; 3] = ["name", "scope", "expand"];

/// The parameters of a find.
#[derive(Debug)]
pub struct FindParams {
    /// Which.
    pub name: SecretName,
    /// Where.
    pub scope: Scope,
    /// Whether the payload is part of the answer.
    pub expand_payload: bool,
}

impl FindParams {
    /// Reads the parameters of a find.
    ///
    /// # Errors
    /// The first rule of contract section 6 that does not hold.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_all(&parameters, Answer::Secret, &KNOWN)?;
        let name = name(parameters.take("name"))?;
        let scope = scope::decode(parameters.take("scope"))?;
        let expansion = expand::decode(Answer::Secret, parameters.get("expand"))?;
        Ok(Self { name, scope, expand_payload: expansion.payload })
    }
}
