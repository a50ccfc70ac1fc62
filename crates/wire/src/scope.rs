//! `scope`, as every operation takes it (contract 3.6, 4.6, 6.6 to 6.11 and 6.16).

use cholla_domain::id::UserId;
use cholla_domain::place::Scope;

use crate::error::ApiError;
use crate::field::{self, Field};
use crate::params::Value;

const TYPE: Field = Field::new("scope[type]");
const USER: Field = Field::new("scope[user]");

/// Reads the scope.
///
/// # Errors
/// The first rule that does not hold: of `scope` itself, then of its type, then of its user.
pub(crate) fn decode(value: Option<Value<'_>>) -> Result<Scope, ApiError> {
    let missing = || ApiError::parameter_missing("scope");
    let mut members = match value.filter(|value| !field::is_empty(value)).ok_or_else(missing)? {
        Value::Object(members) => members,
        Value::Text(_) | Value::Array(_) => return Err(ApiError::not_an_object("scope")),
    };
    let kind = TYPE.present(members.take("type"))?;
    let of_user = match &*kind {
        "user" => true,
        "account" => false,
        _ => return Err(ApiError::not_one_of("scope[type]", "account or user")),
    };
    let user = members.take("user");
    if of_user {
        return Ok(Scope::User(UserId::new(&*USER.required(user)?)));
    }
    match USER.text(user)? {
        None => Ok(Scope::Account),
        // An empty user is an attempt to unset what cannot be unset, whatever the type.
        Some(user) => {
            let user = USER.not_empty(user)?;
            USER.check_length(&user)?;
            Err(ApiError::user_on_account_scope())
        }
    }
}
