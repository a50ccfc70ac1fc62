//! Delete (contract 1.4).

use cholla_domain::name::SecretName;
use cholla_domain::place::Scope;
use cholla_domain::set::Expansion;

use super::{check_all, name};
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::params::Parameters;
use crate::scope;

const KNOWN: [&str; 3] = ["name", "scope", "expand"];

/// The parameters of a delete.
#[derive(Debug)]
pub struct DeleteParams {
    /// Which.
    pub name: SecretName,
    /// Where.
    pub scope: Scope,
    /// Which expansions are asked for.
    pub expansion: Expansion,
}

impl DeleteParams {
    /// Reads the parameters of a delete.
    ///
    /// # Errors
    /// The first rule of contract section 6 that does not hold.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_all(&parameters, Answer::Secret, &KNOWN)?;
        let name = name(parameters.take("name"))?;
        let scope = scope::decode(parameters.take("scope"))?;
        let expansion = expand::decode(Answer::Secret, parameters.get("expand"))?;
        Ok(Self { name, scope, expansion })
    }
}
