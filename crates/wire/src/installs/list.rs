//! List (contract 10.1 and 10.12).

use cholla_domain::installs::{CreatedRange, ListRequest, Status};
use cholla_domain::list::PageLimit;

use super::create::channel;
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field::{self, Field};
use crate::params::{Parameters, Text, Value};

const KNOWN: [&str; 11] = [
    "account",
    "app",
    "approval_required",
    "channel",
    "created",
    "created_by",
    "status",
    "limit",
    "starting_after",
    "ending_before",
    "expand",
];
/// Bounds of `created`, each with the parameter as messages name it.
const BOUNDS: [(&str, &str); 4] =
    [("gt", "created[gt]"), ("gte", "created[gte]"), ("lt", "created[lt]"), ("lte", "created[lte]")];
const ACCOUNT: Field = Field::new("account");
const APP: Field = Field::new("app");
const CREATED_BY: Field = Field::new("created_by");
const STATUS: Field = Field::new("status");
const STARTING_AFTER: Field = Field::new("starting_after");
const ENDING_BEFORE: Field = Field::new("ending_before");

/// Reads the parameters of a list. Both cursors together are for the domain to refuse: an unknown one is reported first.
///
/// # Errors
/// The first rule of contract section 6 that does not hold, and 18.5, 18.17 and 18.18.
pub fn decode_list(mut parameters: Parameters<'_>) -> Result<ListRequest, ApiError> {
    expand::check_paths(Answer::InstallList, parameters.get("expand"))?;
    parameters.refuse_unknown_in(&KNOWN, &[("created", &BOUNDS.map(|(name, _)| name))])?;
    let account = text(&ACCOUNT, parameters.take("account"))?;
    let app = text(&APP, parameters.take("app"))?;
    let approval_required = boolean("approval_required", parameters.take("approval_required"))?;
    let channel = channel(parameters.take("channel"))?;
    let created = created(parameters.take("created"))?;
    let created_by = text(&CREATED_BY, parameters.take("created_by"))?;
    let status = STATUS.choice(parameters.take("status"))?;
    let status = status.map(|text| Status::parse(&text).ok_or_else(ApiError::bad_status)).transpose()?;
    let limit = match parameters.take("limit").filter(|value| !field::is_empty(value)) {
        None => PageLimit::default(),
        Some(value) => field::integer("limit", &value).map(PageLimit::clamp)?,
    };
    let starting_after = text(&STARTING_AFTER, parameters.take("starting_after"))?;
    let ending_before = text(&ENDING_BEFORE, parameters.take("ending_before"))?;
    expand::decode(Answer::InstallList, parameters.get("expand"))?;
    Ok(ListRequest {
        account,
        app,
        approval_required,
        channel,
        created,
        created_by,
        status,
        limit,
        starting_after,
        ending_before,
    })
}

fn text(field: &Field, value: Option<Value<'_>>) -> Result<Option<String>, ApiError> {
    Ok(field.optional(value)?.map(Text::into_string))
}

/// `true` or `false` in any letter case: older SDKs for Python send `True`. An object or array is no boolean either (contract 18.17).
fn boolean(param: &'static str, value: Option<Value<'_>>) -> Result<Option<bool>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::Text(text)) if text.is_empty() => Ok(None),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(Value::Text(text)) => Err(ApiError::not_a_boolean(param, &text)),
        Some(other) => Err(ApiError::not_a_boolean(param, &other.json())),
    }
}

/// An integer, or an object of bounds, all of which must hold.
fn created(value: Option<Value<'_>>) -> Result<CreatedRange, ApiError> {
    let mut range = CreatedRange::default();
    match value.filter(|value| !field::is_empty(value)) {
        None => {}
        Some(Value::Object(mut bounds)) => {
            for (name, param) in BOUNDS {
                let Some(bound) = bounds.take(name).filter(|value| !field::is_empty(value)) else { continue };
                let at = field::integer(param, &bound)?;
                range = range.and(match name {
                    "gt" => CreatedRange::after(at),
                    "gte" => CreatedRange::from(at),
                    "lt" => CreatedRange::before(at),
                    _ => CreatedRange::until(at),
                });
            }
        }
        Some(value) => range = CreatedRange::at(field::integer("created", &value)?),
    }
    Ok(range)
}
