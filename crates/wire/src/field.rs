//! One parameter at a time: shape, required, empty, length (contract section 6, order of checks).

use std::borrow::Cow;

use crate::error::ApiError;
use crate::params::{Text, Value};
use crate::text;

/// A parameter that holds a string.
pub(crate) struct Field {
    param: &'static str,
    shown: bool,
}

impl Field {
    /// One whose value a message may show in part.
    pub(crate) const fn new(param: &'static str) -> Self {
        Self { param, shown: true }
    }

    /// One of whose value no message shows anything.
    pub(crate) const fn masked(param: &'static str) -> Self {
        Self { param, shown: false }
    }

    /// Shape: a string, if it is there.
    pub(crate) fn text<'a>(&self, value: Option<Value<'a>>) -> Result<Option<Text<'a>>, ApiError> {
        match value {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => {
                let json = self.shown.then(|| other.json());
                Err(ApiError::not_a_string(self.param, json.as_deref().map(String::as_str)))
            }
        }
    }

    /// Shape, required and empty.
    pub(crate) fn present<'a>(&self, value: Option<Value<'a>>) -> Result<Text<'a>, ApiError> {
        self.text(value)?.ok_or_else(|| ApiError::parameter_missing(self.param)).and_then(|text| self.not_empty(text))
    }

    /// Shape, required, empty and length.
    pub(crate) fn required<'a>(&self, value: Option<Value<'a>>) -> Result<Text<'a>, ApiError> {
        let text = self.present(value)?;
        self.check_length(&text)?;
        Ok(text)
    }

    /// Shape of a parameter that an empty value unsets (contract 3.6), and whose legal values are few: they are judged before its length.
    pub(crate) fn choice<'a>(&self, value: Option<Value<'a>>) -> Result<Option<Text<'a>>, ApiError> {
        Ok(self.text(value)?.filter(|text| !text.is_empty()))
    }

    /// Shape and length of a parameter that an empty value unsets (contract 3.6).
    pub(crate) fn optional<'a>(&self, value: Option<Value<'a>>) -> Result<Option<Text<'a>>, ApiError> {
        let text = self.choice(value)?;
        if let Some(text) = &text {
            self.check_length(text)?;
        }
        Ok(text)
    }

    /// Empty.
    pub(crate) fn not_empty<'a>(&self, text: Text<'a>) -> Result<Text<'a>, ApiError> {
        if text.is_empty() { Err(ApiError::parameter_empty(self.param)) } else { Ok(text) }
    }

    /// Length.
    pub(crate) fn check_length(&self, text: &str) -> Result<(), ApiError> {
        if text::is_too_long(text) { Err(ApiError::too_long(self.param, self.shown.then_some(text))) } else { Ok(()) }
    }
}

/// An integer that is not empty, if it is there. An object or array is not an integer either.
pub(crate) fn integer(param: &'static str, value: &Value<'_>) -> Result<i64, ApiError> {
    match value {
        Value::Text(text) => text::integer(text).ok_or_else(|| ApiError::not_an_integer(param, text)),
        other => Err(ApiError::not_an_integer(param, &other.json())),
    }
}

/// Whether the value is one that unsets (contract 3.6).
pub(crate) fn is_empty(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

/// The strings of an array parameter. Empty values are left out: they unset.
///
/// # Errors
/// Contract 6.12 when it is no array, 6.10 and 6.9 for the first element that is no string, or is too long.
pub(crate) fn strings<'a>(param: &'static str, value: Option<&'a Value<'_>>) -> Result<Vec<&'a str>, ApiError> {
    let Some(value) = value.filter(|value| !is_empty(value)) else { return Ok(Vec::new()) };
    let items = value.items().ok_or_else(|| ApiError::not_an_array(param))?;
    let mut strings = Vec::with_capacity(items.len());
    for (position, item) in items.into_iter().enumerate() {
        match item {
            Value::Text(text) if text.is_empty() => {}
            Value::Text(text) if text::is_too_long(text) => {
                return Err(ApiError::too_long(item_param(param, value, position), Some(text)));
            }
            Value::Text(text) => strings.push(&**text),
            other => return Err(ApiError::not_a_string(item_param(param, value, position), Some(&other.json()))),
        }
    }
    Ok(strings)
}

/// `expand[0]`
fn item_param(param: &'static str, array: &Value<'_>, position: usize) -> Cow<'static, str> {
    let name = format!("{param}[{}]", array.index(position));
    Cow::Owned(text::shown_name(&name).to_owned())
}
