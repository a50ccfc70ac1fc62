//! What a request gives, checked against what its endpoint takes. Every error names the member; none shows what it holds.

use std::collections::{BTreeMap, BTreeSet};

use cholla_domain::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, STRING_CHARS_MAX};
use cholla_domain::livemode::Livemode;
use cholla_wire::error::{ApiError, Malformed};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::json::{self, Unread};
use super::route::{Kind, Member};
use crate::platform::duration_seconds;

/// A value of the kind that its member takes.
#[derive(Clone)]
enum Checked {
    Text(Zeroizing<String>),
    Texts(Vec<String>),
    Number(i64),
    Flag(bool),
    Document(Value),
}

/// What a request gives. Names that its endpoint does not take are a defect of ours.
pub(super) struct Given {
    takes: &'static [Member],
    values: BTreeMap<&'static str, Checked>,
}

impl Given {
    /// Reads a body: a JSON object, or nothing at all.
    ///
    /// # Errors
    /// When it is no such object, or not what the endpoint takes.
    pub(super) fn of_body(takes: &'static [Member], body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Self::of(takes, Map::new(), from_json);
        }
        match json::read(body) {
            Ok(Value::Object(members)) => Self::of(takes, members, from_json),
            Ok(_) => Err(Failure::plain(http::StatusCode::BAD_REQUEST, "The body is JSON, but no object; send `{…}`.")),
            Err(unread) => {
                let param = match &unread {
                    Unread::Repeated(name) => takes.iter().find(|member| member.name == name),
                    Unread::Broken { .. } => None,
                };
                Err(match param {
                    Some(member) => Failure::refused(member.name, unread.to_string()),
                    None => Failure::plain(http::StatusCode::BAD_REQUEST, unread.to_string()),
                })
            }
        }
    }

    /// Reads a query.
    ///
    /// # Errors
    /// When a parameter is there twice, or not what the endpoint takes.
    pub(super) fn of_query(takes: &'static [Member], pairs: Vec<(String, String)>) -> Result<Self, Failure> {
        let mut members = Map::new();
        for (name, value) in pairs {
            if members.insert(name.clone(), Value::String(value)).is_some() {
                let message = "A parameter of the query is given twice; give it once.";
                return Err(Failure::plain(http::StatusCode::BAD_REQUEST, message));
            }
        }
        Self::of(takes, members, from_query)
    }

    fn of(
        takes: &'static [Member],
        members: Map<String, Value>,
        read: fn(&'static Member, Value) -> Result<Checked, Failure>,
    ) -> Result<Self, Failure> {
        let known = |name: &str| takes.iter().find(|member| member.name == name);
        let unknown: Vec<_> = members.keys().filter(|name| known(name).is_none()).collect();
        if !unknown.is_empty() {
            return Err(ApiError::parameters_unknown(&unknown).into());
        }
        let mut members = members;
        let mut values = BTreeMap::new();
        for member in takes {
            match members.remove(member.name) {
                None if member.is_required => return Err(ApiError::parameter_missing(member.name).into()),
                Some(Value::Null) if member.is_required && !member.is_nullable => {
                    return Err(ApiError::parameter_missing(member.name).into());
                }
                // Null is how many clients write that they leave something out.
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if text.is_empty() && member.may_be_empty => {}
                Some(value) => {
                    values.insert(member.name, read(member, value)?);
                }
            }
        }
        Ok(Self { takes, values })
    }

    fn value(&self, name: &str) -> Option<&Checked> {
        assert!(self.takes.iter().any(|member| member.name == name), "the endpoint does not take `{name}`");
        self.values.get(name)
    }

    /// A text, a word or a length of time as it was written.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Checked::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that the endpoint requires.
    pub(super) fn required(&self, name: &str) -> &str {
        self.text(name).expect("what is required was looked for when the request was read")
    }

    /// A text that nobody else may see, wiped when dropped.
    pub(super) fn secret(&self, name: &str) -> Option<Zeroizing<String>> {
        match self.value(name) {
            Some(Checked::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// A list.
    pub(super) fn texts(&self, name: &str) -> Option<&[String]> {
        match self.value(name) {
            Some(Checked::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A list as a set, empty where it is absent.
    pub(super) fn set(&self, name: &str) -> BTreeSet<String> {
        self.texts(name).unwrap_or_default().iter().cloned().collect()
    }

    /// A number, or a length of time in seconds.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Some(Checked::Number(number)) => Some(*number),
            Some(Checked::Text(text)) => duration_seconds(text),
            _ => None,
        }
    }

    /// True or false; false where it is absent.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Checked::Flag(true)))
    }

    /// An object, or the text of a file.
    pub(super) fn document(&self, name: &str) -> Option<&Value> {
        match self.value(name) {
            Some(Checked::Document(document)) => Some(document),
            _ => None,
        }
    }

    /// The mode; test where none is given.
    pub(super) fn mode(&self) -> Livemode {
        self.mode_asked().unwrap_or(Livemode::Test)
    }

    /// The mode, where one is given.
    pub(super) fn mode_asked(&self) -> Option<Livemode> {
        let word = self.text("mode")?;
        Livemode::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// How long a page is.
    pub(super) fn limit(&self) -> usize {
        let asked = self.number("limit").map(|limit| usize::try_from(limit).unwrap_or_default());
        asked.unwrap_or(PAGE_LIMIT_DEFAULT).clamp(1, PAGE_LIMIT_MAX)
    }
}

fn from_json(member: &'static Member, value: Value) -> Result<Checked, Failure> {
    let name = member.name;
    match (member.kind, value) {
        (Kind::Text | Kind::Word(_) | Kind::Span, Value::String(text)) => checked_text(member, text),
        (Kind::Text | Kind::Word(_) | Kind::Span, _) => Err(ApiError::not_a_string(name, None).into()),
        (Kind::Texts, Value::Array(items)) => {
            let legal = |item: &Value| item.as_str().is_some_and(cholla_domain::name::is_legal);
            if !items.iter().all(legal) {
                return Err(ApiError::not_a_string(name, None).into());
            }
            Ok(Checked::Texts(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
        }
        (Kind::Texts, _) => Err(ApiError::not_an_array(name).into()),
        (Kind::Integer | Kind::Time, value) => {
            value.as_i64().map(Checked::Number).ok_or_else(|| ApiError::not_an_integer(name, "****").into())
        }
        (Kind::Flag, Value::Bool(flag)) => Ok(Checked::Flag(flag)),
        (Kind::Flag, _) => Err(not_a_flag(name)),
        (Kind::Document, value @ (Value::Object(_) | Value::String(_))) => Ok(Checked::Document(value)),
        _ => Err(ApiError::not_an_object(name).into()),
    }
}

fn from_query(member: &'static Member, value: Value) -> Result<Checked, Failure> {
    let Value::String(text) = value else { return Err(ApiError::not_a_string(member.name, None).into()) };
    match member.kind {
        Kind::Text | Kind::Word(_) | Kind::Span => checked_text(member, text),
        Kind::Integer | Kind::Time => {
            text.parse().map(Checked::Number).map_err(|_| ApiError::not_an_integer(member.name, "****").into())
        }
        Kind::Flag => match &*text {
            "true" => Ok(Checked::Flag(true)),
            "false" => Ok(Checked::Flag(false)),
            _ => Err(not_a_flag(member.name)),
        },
        _ => Err(ApiError::not_an_object(member.name).into()),
    }
}

fn not_a_flag(name: &'static str) -> Failure {
    Failure::refused(name, format!("Invalid {name}: must be true or false"))
}

fn checked_text(member: &'static Member, text: String) -> Result<Checked, Failure> {
    let name = member.name;
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Err(ApiError::parameter_empty(name).into());
    }
    if text.contains('\0') {
        return Err(ApiError::malformed(Malformed::Nul, Some(name)).into());
    }
    if text.chars().nth(STRING_CHARS_MAX).is_some() {
        return Err(ApiError::too_long(name, None).into());
    }
    match member.kind {
        Kind::Word(words) if !words.contains(&text.as_str()) => {
            Err(ApiError::not_one_of(name, &alternatives(words)).into())
        }
        Kind::Span if duration_seconds(&text).is_none() => {
            let message = format!("Write `{name}` as a whole number and one of s, m, h, d, such as `24h`.");
            Err(Failure::refused(name, message))
        }
        _ => Ok(Checked::Text(text)),
    }
}

/// `a`, `a or b`, `a, b, or c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [first, second] => format!("{first} or {second}"),
        [most @ .., last] if !most.is_empty() => format!("{}, or {last}", most.join(", ")),
        _ => words.join(""),
    }
}
