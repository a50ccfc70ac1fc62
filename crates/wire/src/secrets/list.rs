//! List (contract 1.2).

use cholla_domain::list::{PageLimit, PageRequest};
use cholla_domain::place::Scope;

use super::check_all;
use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field::{self, Field};
use crate::params::{Parameters, Text, Value};
use crate::scope;

const KNOWN: [&str; 5] = ["scope", "limit", "starting_after", "ending_before", "expand"];
const STARTING_AFTER: Field = Field::new("starting_after");
const ENDING_BEFORE: Field = Field::new("ending_before");

/// The parameters of a list.
#[derive(Debug)]
pub struct ListParams {
    /// Where.
    pub scope: Scope,
    /// Which page.
    pub page: PageRequest,
}

impl ListParams {
    /// Reads the parameters of a list. Both cursors together are for the domain to refuse: an unknown one is reported first.
    ///
    /// # Errors
    /// The first rule of contract section 6 that does not hold.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        check_all(&parameters, Answer::List, &KNOWN)?;
        let scope = scope::decode(parameters.take("scope"))?;
        let limit = limit(parameters.take("limit"))?;
        let starting_after = STARTING_AFTER.optional(parameters.take("starting_after"))?.map(Text::into_string);
        let ending_before = ENDING_BEFORE.optional(parameters.take("ending_before"))?.map(Text::into_string);
        let expansion = expand::decode(Answer::List, parameters.get("expand"))?;
        let page = PageRequest { limit, starting_after, ending_before, expand_payload: expansion.payload };
        Ok(Self { scope, page })
    }
}

/// Any integer, clamped; an empty value unsets.
fn limit(value: Option<Value<'_>>) -> Result<PageLimit, ApiError> {
    match value.filter(|value| !field::is_empty(value)) {
        None => Ok(PageLimit::default()),
        Some(value) => field::integer("limit", &value).map(PageLimit::clamp),
    }
}
