//! The parameters of the four operations (contract section 1), each from a tree of parameters to the domain's types.
//!
//! Rules fire in the order of contract section 6: the paths of `expand`, unknown parameters, then one parameter after the other.

use cholla_domain::name::SecretName;

use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field::Field;
use crate::params::{Parameters, Value};

mod delete;
mod find;
mod list;
mod set;

pub use delete::DeleteParams;
pub use find::FindParams;
pub use list::ListParams;
pub use set::SetParams;

const NAME: Field = Field::new("name");

/// What is checked before any parameter is looked at for itself.
fn check_all(parameters: &Parameters<'_>, answer: Answer, known: &[&str]) -> Result<(), ApiError> {
    expand::check_paths(answer, parameters.get("expand"))?;
    parameters.refuse_unknown(known)
}

fn name(value: Option<Value<'_>>) -> Result<SecretName, ApiError> {
    Ok(SecretName::new(NAME.required(value)?.into_string())
        .expect("neither empty nor too long was checked here, the absence of NUL when the form was read"))
}

#[cfg(test)]
mod tests;
