//! Errors of parameters (contract 3.3, 3.9, 6.5 to 6.13, 6.16, 6.21, 6.22, 6.33 and 8.2).

use std::borrow::Cow;

use cholla_domain::limits::{
    EXPAND_DEPTH_MAX, FINDABLE_BYTES_MAX, IDEMPOTENCY_KEY_CHARS_MAX, PARAMETER_NESTING_MAX, PARAMETERS_MAX,
    STRING_CHARS_MAX, UNKNOWN_PARAMETERS_SHOWN_MAX,
};

use super::ApiError;
use crate::text::{MASK, ends, shown, shown_name};

/// What is wrong with a request that cannot be read (contract 6.33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A NUL character.
    Nul,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A `%` without two hexadecimal digits behind it.
    PercentEncoding,
    /// A scalar, an object and an array, or two of them, under one name.
    MixedShapes,
    /// More pairs than [`PARAMETERS_MAX`].
    TooMany,
    /// More brackets than [`PARAMETER_NESTING_MAX`].
    TooDeep,
    /// An `Idempotency-Key` of more than [`IDEMPOTENCY_KEY_CHARS_MAX`] characters.
    LongIdempotencyKey,
    /// An `Idempotency-Key` that is not UTF-8.
    UnreadableIdempotencyKey,
    /// An `If-Match` that is neither `*` nor a list of entity tags.
    IfMatch,
}

impl ApiError {
    /// Contract 3.3: a body that is no form.
    pub fn body_form() -> Self {
        Self::new(400, "Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
    }

    /// Contract 6.33: a request that cannot be read. `param` is the parameter's name, where one is meant.
    pub fn malformed(what: Malformed, param: Option<&str>) -> Self {
        let message: Cow<'static, str> = match what {
            Malformed::Nul => "Invalid request: a parameter contains a NUL character.".into(),
            Malformed::Utf8 => "Invalid request: a parameter is not valid UTF-8.".into(),
            Malformed::PercentEncoding => "Invalid request: a parameter has a broken percent-encoding.".into(),
            Malformed::MixedShapes => {
                "Invalid request: a parameter is given both as a scalar and as an object or array, or as both of these."
                    .into()
            }
            Malformed::TooMany => format!("Invalid request: there are more than {PARAMETERS_MAX} parameters.").into(),
            Malformed::TooDeep => {
                format!("Invalid request: a parameter is nested deeper than {PARAMETER_NESTING_MAX} levels.").into()
            }
            Malformed::LongIdempotencyKey => {
                format!("Invalid Idempotency-Key: it must be at most {IDEMPOTENCY_KEY_CHARS_MAX} characters.").into()
            }
            Malformed::UnreadableIdempotencyKey => "Invalid Idempotency-Key: it is not valid UTF-8.".into(),
            Malformed::IfMatch => {
                "Invalid If-Match: it must be * or a list of entity tags, such as \"0123abcd\".".into()
            }
        };
        let error = Self::new(400, message);
        match param {
            Some(name) => error.with_param(shown_name(name).to_owned()),
            None => error,
        }
    }

    /// Contract 6.5: unknown parameters, at least one, in the order in which they came.
    pub fn parameters_unknown(names: &[impl AsRef<str>]) -> Self {
        let known = names.iter().map(|name| shown_name(name.as_ref()));
        let listed = known.take(UNKNOWN_PARAMETERS_SHOWN_MAX).collect::<Vec<_>>();
        let noun = if names.len() == 1 { "parameter" } else { "parameters" };
        let rest = if names.len() > listed.len() { ", …" } else { "" };
        let message = format!("Received unknown {noun}: {}{rest}", listed.join(", "));
        Self::new(400, message)
            .with_code("parameter_unknown")
            .with_param(listed.first().copied().unwrap_or(MASK).to_owned())
    }

    /// Contract 6.6: a parameter that must be given.
    pub fn parameter_missing(param: &'static str) -> Self {
        Self::new(400, format!("Missing required param: {param}.")).with_code("parameter_missing").with_param(param)
    }

    /// Contract 6.7: an empty value for a parameter that cannot be unset.
    pub fn parameter_empty(param: &'static str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however \
             '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
        );
        Self::new(400, message).with_code("parameter_invalid_empty").with_param(param)
    }

    /// Contract 6.8, and its like for `include_only`: not one of the values that there are.
    pub fn not_one_of(param: impl Into<Cow<'static, str>>, values: &str) -> Self {
        let param = param.into();
        Self::new(400, format!("Invalid {param}: must be one of {values}")).with_param(param)
    }

    /// Contract 6.9: a string that is too long. `value` is `None` where no part of it may be shown.
    pub fn too_long(param: impl Into<Cow<'static, str>>, value: Option<&str>) -> Self {
        let shown = value.map_or_else(|| format!("{MASK}...{MASK}"), ends);
        let message = format!("Invalid string: {shown}; must be at most {STRING_CHARS_MAX} characters");
        Self::new(400, message).with_param(param)
    }

    /// Contract 6.10: an object or array for a string. `json` is the tree, `None` where no part of it may be shown.
    pub fn not_a_string(param: impl Into<Cow<'static, str>>, json: Option<&str>) -> Self {
        let shown = json.map_or(Cow::Borrowed(MASK), shown);
        Self::new(400, format!("Invalid string: {shown}")).with_param(param)
    }

    /// Contract 6.11: something else for an object.
    pub fn not_an_object(param: &'static str) -> Self {
        Self::new(400, "Invalid object").with_param(param)
    }

    /// Contract 6.12: something else for an array.
    pub fn not_an_array(param: &'static str) -> Self {
        Self::new(400, "Invalid array").with_param(param)
    }

    /// Contract 6.13: something else for an integer.
    pub fn not_an_integer(param: &'static str, value: &str) -> Self {
        Self::new(400, format!("Invalid integer: {}", shown(value)))
            .with_code("parameter_invalid_integer")
            .with_param(param)
    }

    /// Contract 6.16: `scope[user]` on the account scope.
    pub fn user_on_account_scope() -> Self {
        Self::new(400, "Invalid scope[user]: it can only be given when scope[type] is user").with_param("scope[user]")
    }

    /// Contract 3.9: a name that, with its user, no GET could ask for.
    pub fn not_findable() -> Self {
        let message = format!(
            "Invalid name: percent-encoded, name and scope[user] together must be at most {FINDABLE_BYTES_MAX} bytes, or the secret \
             could not be found again"
        );
        Self::new(400, message).with_param("name")
    }

    /// Contract 6.21: an `expand` path that leads nowhere. `suggestion` is what a list was probably meant to expand.
    pub fn not_expandable(path: &str, suggestion: Option<&str>) -> Self {
        let hint =
            suggestion.map(|path| format!(" You may want to try expanding '{path}' instead.")).unwrap_or_default();
        Self::new(400, format!("This property cannot be expanded ({path}).{hint}"))
    }

    /// Contract 6.22: an `expand` path of too many levels.
    pub fn expansion_too_deep(path: &str) -> Self {
        let message = format!("You cannot expand more than {EXPAND_DEPTH_MAX} levels of a property. Property: {path}");
        Self::new(400, message).with_code("property_expansion_max_depth")
    }

    /// A payload that the payload guard refuses. Nothing of it is shown.
    pub fn card_number_in_payload() -> Self {
        Self::new(
            400,
            "Invalid payload: it holds what looks like a card number, which this server is set up not to store",
        )
        .with_param("payload")
    }

    /// Contract 8.2: a `payload` that cannot be signed. Nothing of it is shown.
    pub fn not_signable() -> Self {
        Self::new(
            400,
            "Invalid payload: it must be a JSON object that repeats no key and names neither user_id nor account_id",
        )
        .with_param("payload")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn rule_6_5_unknown_parameters() {
        for (count, expected) in [
            (1, "parameter_unknown p1 Received unknown parameter: p1"),
            (2, "parameter_unknown p1 Received unknown parameters: p1, p2"),
            (10, "parameter_unknown p1 Received unknown parameters: p1, p2, p3, p4, p5, p6, p7, p8, p9, p10"),
            (11, "parameter_unknown p1 Received unknown parameters: p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, …"),
        ] {
            let names = (1..=count).map(|n| format!("p{n}")).collect::<Vec<_>>();
            check(&ApiError::parameters_unknown(&names), 400, expected);
        }
        let masked = ApiError::parameters_unknown(&["hunter 2", "foo"]);
        check(&masked, 400, "parameter_unknown **** Received unknown parameters: ****, foo");
    }

    #[test]
    fn rule_6_6_to_6_13_and_6_21_and_6_22_messages() {
        check(&ApiError::parameter_missing("name"), 400, "parameter_missing name Missing required param: name.");
        check(
            &ApiError::parameter_empty("name"),
            400,
            "parameter_invalid_empty name You passed an empty string for 'name'. We assume empty values are an attempt to unset a \
             parameter; however 'name' cannot be unset. You should remove 'name' from your request or supply a non-empty value.",
        );
        check(
            &ApiError::not_one_of("scope[type]", "account or user"),
            400,
            "- scope[type] Invalid scope[type]: must be one of account or user",
        );
        check(
            &ApiError::too_long("name", Some("abcdefwxyz")),
            400,
            "- name Invalid string: abcd...wxyz; must be at most 5000 characters",
        );
        check(
            &ApiError::too_long("payload", None),
            400,
            "- payload Invalid string: ****...****; must be at most 5000 characters",
        );
        check(&ApiError::not_a_string("name", Some(r#"{"0":"a"}"#)), 400, r#"- name Invalid string: {"0":"a"}"#);
        check(&ApiError::not_a_string("payload", None), 400, "- payload Invalid string: ****");
        check(&ApiError::not_an_object("scope"), 400, "- scope Invalid object");
        check(&ApiError::not_an_array("expand"), 400, "- expand Invalid array");
        check(&ApiError::not_an_integer("limit", "abc"), 400, "parameter_invalid_integer limit Invalid integer: abc");
        check(
            &ApiError::card_number_in_payload(),
            400,
            "- payload Invalid payload: it holds what looks like a card number, which this server is set up not to store",
        );
        check(&ApiError::not_expandable("foo.bar", None), 400, "- - This property cannot be expanded (foo.bar).");
        check(
            &ApiError::not_expandable("foo", Some("data.foo")),
            400,
            "- - This property cannot be expanded (foo). You may want to try expanding 'data.foo' instead.",
        );
        check(
            &ApiError::expansion_too_deep("a.b.c.d.e"),
            400,
            "property_expansion_max_depth - You cannot expand more than 4 levels of a property. Property: a.b.c.d.e",
        );
        check(
            &ApiError::body_form(),
            400,
            "- - Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
        );
    }

    #[test]
    fn rule_6_33_a_name_that_may_be_a_secret_is_masked() {
        for (name, param) in
            [(None, None), (Some("scope[user]"), Some("scope[user]")), (Some("hunter 2"), Some("****"))]
        {
            let error = ApiError::malformed(Malformed::Nul, name);
            assert_eq!((error.status(), error.code(), error.param()), (400, None, param));
        }
    }
}
