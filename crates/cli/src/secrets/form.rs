//! Flags as the parameters of the API.

use cholla_wire::client::Form;

use crate::args::secrets::{RequestArgs, ScopeArgs, ScopeType};
use crate::output::Failure;
use crate::sensitive::Sensitive;

/// A form that begins with a secret's name. One that is not given is the server's to ask for.
pub(super) fn named(name: Option<&Sensitive>) -> Form {
    Form::default().with("name", name.map(Sensitive::expose_secret))
}

/// Adds the scope. A user without a type means that user's scope.
pub(super) fn with_scope(form: Form, scope: &ScopeArgs) -> Form {
    let kind = match (scope.scope, &scope.user) {
        (Some(ScopeType::Account), _) => Some("account"),
        (Some(ScopeType::User), _) | (None, Some(_)) => Some("user"),
        (None, None) => None,
    };
    form.with("scope[type]", kind).with("scope[user]", scope.user.as_ref().map(Sensitive::expose_secret))
}

/// Adds what every operation takes.
///
/// # Errors
/// When a `--data` is not `KEY=VALUE`. It is not repeated: it may be a payload.
pub(super) fn with_request(mut form: Form, args: &RequestArgs) -> Result<Form, Failure> {
    for path in &args.expand {
        form = form.with_expand(path);
    }
    for pair in &args.data {
        let help = "Write it as the API names it, such as -d \"scope[type]\"=account.";
        let with = form.with_pair(pair.expose_secret());
        form = with.ok_or_else(|| Failure::usage("a --data is not KEY=VALUE", help))?;
    }
    Ok(form)
}
