//! JSON that says everything once. `serde_json` takes the last of two members of one name, so that who reads a body and who judged it
//! before, such as a proxy, may see different ones: a repeated member is refused.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a body is not read. What stands in it is not told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not JSON.
    Broken {
        /// From 1.
        line: usize,
        /// From 1; 0 at the end of a line.
        column: usize,
    },
    /// An object has a member twice: the member's name.
    Repeated(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { line, column } => {
                write!(f, "The body is not JSON (line {line}, column {column}); send an object, `{{…}}`.")
            }
            Self::Repeated(name) => {
                write!(f, "An object of the body has {} twice; give it once.", crate::platform::quoted(name))
            }
        }
    }
}

/// Reads `body`.
///
/// # Errors
/// When it is not JSON, or an object in it has a member twice.
pub(crate) fn read(body: &[u8]) -> Result<Value, Unread> {
    let repeated = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Reading(&repeated).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| match repeated.take() {
        Some(name) => Unread::Repeated(name),
        None => Unread::Broken { line: error.line(), column: error.column() },
    })
}

/// Reads a value; the name of a member that is there twice is left behind.
#[derive(Clone, Copy)]
struct Reading<'a>(&'a RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                *self.0.borrow_mut() = Some(name);
                return Err(A::Error::custom("a repeated member"));
            }
            let value = access.next_value_seed(self)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_stand_once() {
        for (body, expected) in [
            ("{}", Ok(json!({}))),
            (
                r#"{"a": [1, -2, 1.5, true, null, "é\n"], "b": {"a": {}}}"#,
                Ok(json!({"a": [1, -2, 1.5, true, null, "é\n"], "b": {"a": {}}})),
            ),
            (" null ", Ok(Value::Null)),
            (r#"{"a": 1, "a": 1}"#, Err(Unread::Repeated("a".to_owned()))),
            (r#"{"a": 1, "\u0061": 1}"#, Err(Unread::Repeated("a".to_owned()))),
            (r#"{"a": [{"b": 1, "c": 2, "b": 3}]}"#, Err(Unread::Repeated("b".to_owned()))),
            ("{\n\"a\": }", Err(Unread::Broken { line: 2, column: 6 })),
            ("{} {}", Err(Unread::Broken { line: 1, column: 4 })),
            (r#"{"a": 1, "a""#, Err(Unread::Repeated("a".to_owned()))),
            ("", Err(Unread::Broken { line: 1, column: 0 })),
            (&"[".repeat(1_000), Err(Unread::Broken { line: 1, column: 128 })),
        ] {
            assert_eq!(read(body.as_bytes()), expected, "{body}");
        }
        let shown = Unread::Repeated("role".to_owned()).to_string();
        assert_eq!(shown, "An object of the body has `role` twice; give it once.");
    }
}
