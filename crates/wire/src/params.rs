//! The tree of parameters that bracketed names make, as Rack builds it (contract 3.1, 3.2 and 3.8).

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::json;

/// Names that the contract knows, and the first index of an array. They are not copied; any other name may be a misplaced secret and is
/// wiped.
const KNOWN: [&str; 12] = [
    "name",
    "payload",
    "scope",
    "type",
    "user",
    "expires_at",
    "expand",
    "limit",
    "starting_after",
    "ending_before",
    "include_only",
    "0",
];

/// Bytes after which the JSON of a tree is cut off: enough for any message, which shows far less.
const JSON_BYTES_MAX: usize = 4_096;

/// The name of a member.
enum Key {
    Known(&'static str),
    Other(Zeroizing<String>),
}

impl Key {
    fn new(name: &str) -> Self {
        match KNOWN.iter().find(|known| **known == name) {
            Some(known) => Self::Known(known),
            None => Self::Other(Zeroizing::new(name.to_owned())),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Other(name) => name,
        }
    }
}

/// The text of a value: a piece of the query or body as it stands, or decoded into a buffer of its own, which is wiped when dropped.
pub(crate) enum Text<'a> {
    Literal(&'a str),
    Decoded(Zeroizing<String>),
}

impl Text<'_> {
    /// A string for a type that wipes itself where that matters.
    pub(crate) fn into_string(self) -> String {
        match self {
            Self::Literal(text) => text.to_owned(),
            Self::Decoded(mut text) => std::mem::take(&mut *text),
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// What stands under a name. Everything in it is wiped when dropped, or is a piece of the query or body.
pub(crate) enum Value<'a> {
    /// `name=text`
    Text(Text<'a>),
    /// `name[]=…`
    Array(Vec<Value<'a>>),
    /// `name[key]=…`, which is also how an indexed array comes.
    Object(Object<'a>),
}

/// Members by name, in the order in which their names came first.
#[derive(Default)]
pub(crate) struct Object<'a>(Vec<(Key, Value<'a>)>);

/// Two shapes under one name (contract 3.8).
pub(crate) struct MixedShapes {
    /// Bytes of the name at hand that lie behind the one with two shapes: `[type]` where it is `scope` in `scope[type]`.
    pub(crate) behind: usize,
}

/// The first bracket of `path`, and what is behind it.
fn step(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('[').and_then(|inside| inside.split_once(']'))
}

impl<'a> Value<'a> {
    /// The value whose only leaf is `text`, at `path` (brackets only).
    fn new(path: &str, text: Text<'a>) -> Self {
        match step(path) {
            None => Self::Text(text),
            Some(("", rest)) => Self::Array(vec![Self::new(rest, text)]),
            Some((key, rest)) => Self::Object(Object(vec![(Key::new(key), Self::new(rest, text))])),
        }
    }

    /// Adds `text` at `path`. A scalar replaces a scalar: the last one wins.
    fn add(&mut self, path: &str, text: Text<'a>) -> Result<(), MixedShapes> {
        match (self, step(path)) {
            (Self::Text(old), None) => *old = text,
            (Self::Array(items), Some(("", rest))) => match (items.last_mut(), step(rest)) {
                // `a[][x]=1&a[][y]=2` is one element, `a[][x]=1&a[][x]=2` are two.
                (Some(Self::Object(last)), Some((key, deeper))) if !key.is_empty() && last.get(key).is_none() => {
                    last.add(key, deeper, text)?;
                }
                _ => items.push(Self::new(rest, text)),
            },
            (Self::Object(members), Some((key, rest))) if !key.is_empty() => members.add(key, rest, text)?,
            _ => return Err(MixedShapes { behind: path.len() }),
        }
        Ok(())
    }

    /// The elements of an array: of `[]`, or of an object whose keys are all indexes. `None` for anything else.
    pub(crate) fn items(&self) -> Option<Vec<&Self>> {
        let is_index = |key: &Key| key.as_str().bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Array(items) => Some(items.iter().collect()),
            Self::Object(Object(members)) if members.iter().all(|(key, _)| is_index(key)) => {
                Some(members.iter().map(|(_, value)| value).collect())
            }
            Self::Text(_) | Self::Object(_) => None,
        }
    }

    /// The index of the element at `position` of [`items`](Self::items), as it was sent.
    pub(crate) fn index(&self, position: usize) -> String {
        match self {
            Self::Object(Object(members)) => members[position].0.as_str().to_owned(),
            Self::Array(_) | Self::Text(_) => position.to_string(),
        }
    }

    /// The value as JSON on one line, for messages that show what was sent. Cut off when it is long.
    pub(crate) fn json(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(Vec::new());
        self.push_json(&mut out);
        Zeroizing::new(String::from_utf8_lossy(&out).into_owned())
    }

    fn push_json(&self, out: &mut Vec<u8>) {
        if out.len() > JSON_BYTES_MAX {
            return;
        }
        match self {
            Self::Text(text) => {
                let end = text.char_indices().nth(JSON_BYTES_MAX).map_or(text.len(), |(end, _)| end);
                json::push_string(out, &text[..end]);
            }
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.push_json(out);
                }
                out.push(b']');
            }
            Self::Object(Object(members)) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::push_string(out, key.as_str());
                    out.push(b':');
                    value.push_json(out);
                }
                out.push(b'}');
            }
        }
    }
}

impl<'a> Object<'a> {
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(key, _)| key.as_str() == name)
    }

    fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.position(name).map(|at| &self.0[at].1)
    }

    fn add(&mut self, name: &str, path: &str, text: Text<'a>) -> Result<(), MixedShapes> {
        if let Some(at) = self.position(name) {
            return self.0[at].1.add(path, text);
        }
        self.0.push((Key::new(name), Value::new(path, text)));
        Ok(())
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        self.position(name).map(|at| self.0.remove(at).1)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
}

/// The parameters of a request, in the order in which their names came first. What was decoded is wiped when dropped; `Debug` shows nothing.
#[derive(Default)]
pub struct Parameters<'a> {
    known: Object<'a>,
    /// Parameters in the body of a GET, which knows none there (contract 3.4).
    misplaced: Object<'a>,
    /// Whether a scalar was given twice, in the query, the body or both: elsewhere the last one wins, OAuth refuses it.
    repeated: bool,
}

impl<'a> Parameters<'a> {
    /// Adds a parameter whose name is `name` as it was sent, brackets included.
    pub(crate) fn add(&mut self, name: &str, text: Text<'a>) -> Result<(), MixedShapes> {
        let (name, path) = split(name);
        self.repeated |= path.is_empty() && self.known.get(name).is_some();
        self.known.add(name, path, text)
    }

    /// Whether a scalar was given twice.
    pub(crate) fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Puts a body's parameters over these: those of the same top-level name are replaced whole (contract 3.2).
    pub(crate) fn merge_body(&mut self, body: Self) {
        self.repeated |= body.repeated;
        for (key, value) in body.known.0 {
            match self.known.position(key.as_str()) {
                Some(at) => {
                    self.repeated = true;
                    self.known.0[at].1 = value;
                }
                None => self.known.0.push((key, value)),
            }
        }
    }

    /// Remembers the parameters in the body of a GET: all of them are unknown (contract 3.4).
    pub(crate) fn set_aside_body(&mut self, body: Self) {
        self.misplaced = body.known;
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.known.get(name)
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        self.known.take(name)
    }

    /// Refuses parameters that are not in `known`, and members of `scope` other than `type` and `user`.
    ///
    /// # Errors
    /// Contract 6.5, naming all of them in order.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), ApiError> {
        self.refuse_unknown_in(known, &[("scope", &["type", "user"])])
    }

    /// Refuses parameters that are not in `known`, and of those in `members` the members that are not listed there.
    ///
    /// # Errors
    /// Contract 6.5, naming all of them in order.
    pub(crate) fn refuse_unknown_in(&self, known: &[&str], members: &[(&str, &[&str])]) -> Result<(), ApiError> {
        let unknown = self.unknown(known, members);
        let names = unknown.iter().map(|name| name.as_str()).collect::<Vec<_>>();
        if names.is_empty() { Ok(()) } else { Err(ApiError::parameters_unknown(&names)) }
    }

    /// The names that [`refuse_unknown_in`](Self::refuse_unknown_in) refuses.
    pub(crate) fn unknown(&self, known: &[&str], members: &[(&str, &[&str])]) -> Vec<Zeroizing<String>> {
        let mut unknown = Vec::new();
        for (key, value) in &self.known.0 {
            let name = key.as_str();
            if !known.contains(&name) {
                unknown.push(Zeroizing::new(name.to_owned()));
            } else if let (Some((_, listed)), Value::Object(own)) =
                (members.iter().find(|(parent, _)| *parent == name), value)
            {
                let others = own.names().filter(|member| !listed.contains(member));
                unknown.extend(others.map(|member| Zeroizing::new(format!("{name}[{member}]"))));
            }
        }
        for name in self.misplaced.names() {
            if !unknown.iter().any(|listed| listed.as_str() == name) {
                unknown.push(Zeroizing::new(name.to_owned()));
            }
        }
        unknown
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parameters(****)")
    }
}

/// Splits `scope[type]` into `scope` and `[type]`. A name whose brackets do not match is one plain name.
pub(crate) fn split(name: &str) -> (&str, &str) {
    // A bracket at the very beginning opens nothing.
    let Some(at) = name.bytes().skip(1).position(|byte| byte == b'[') else { return (name, "") };
    let (key, path) = name.split_at(at + 1);
    let mut rest = path;
    while let Some((inside, behind)) = step(rest) {
        if inside.contains('[') {
            break;
        }
        rest = behind;
    }
    if rest.is_empty() { (key, path) } else { (name, "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree of `name=value` pairs (not encoded) as JSON.
    fn tree(pairs: &str) -> String {
        let mut parameters = Parameters::default();
        for pair in pairs.split('&') {
            let (name, text) = pair.split_once('=').unwrap();
            if let Err(MixedShapes { behind }) = parameters.add(name, Text::Literal(text)) {
                return format!("mixed at {}", &name[..name.len() - behind]);
            }
        }
        Value::Object(parameters.known).json().to_string()
    }

    #[test]
    fn rule_3_1_and_3_8_trees() {
        for (pairs, expected) in [
            ("a=1&b=2", r#"{"a":"1","b":"2"}"#),
            ("a=1&b=2&a=3", r#"{"a":"3","b":"2"}"#),
            ("scope[type]=user&scope[user]=u", r#"{"scope":{"type":"user","user":"u"}}"#),
            ("scope[type]=user&scope[type]=account", r#"{"scope":{"type":"account"}}"#),
            ("e[]=a&e[]=b", r#"{"e":["a","b"]}"#),
            ("e[0]=a&e[1]=b", r#"{"e":{"0":"a","1":"b"}}"#),
            ("a[b][c][]=1", r#"{"a":{"b":{"c":["1"]}}}"#),
            ("a[][x]=1&a[][y]=2&a[][x]=3", r#"{"a":[{"x":"1","y":"2"},{"x":"3"}]}"#),
            ("a[][]=1&a[][]=2", r#"{"a":[["1"],["2"]]}"#),
            ("=1", r#"{"":"1"}"#),
            ("[]=1&[x]=2", r#"{"[]":"1","[x]":"2"}"#),
            ("[x][y]=1", r#"{"[x]":{"y":"1"}}"#),
            ("a[=1&a]=2&a[b=3&a[b]c=4", r#"{"a[":"1","a]":"2","a[b":"3","a[b]c":"4"}"#),
            ("a[b[c]]=1", r#"{"a[b[c]]":"1"}"#),
            ("ä[ö]=ü", r#"{"ä":{"ö":"ü"}}"#),
            ("a=1&a[b]=2", "mixed at a"),
            ("a[b]=1&a=2", "mixed at a"),
            ("a=1&a[]=2", "mixed at a"),
            ("a[]=1&a=2", "mixed at a"),
            ("a[]=1&a[0]=2", "mixed at a"),
            ("a[0]=1&a[]=2", "mixed at a"),
            ("a[b]=1&a[b][c]=2", "mixed at a[b]"),
            ("a[b][c]=1&a[b]=2", "mixed at a[b]"),
            ("a[][x]=1&a[][y]=2&a[x]=3", "mixed at a"),
        ] {
            assert_eq!(tree(pairs), expected, "{pairs}");
        }
    }

    #[test]
    fn rule_6_10_the_json_of_a_tree_is_bounded() {
        let mut parameters = Parameters::default();
        for n in 0..1_000 {
            assert!(parameters.add(&format!("name[{n}]"), Text::Decoded(Zeroizing::new("x".repeat(1_000)))).is_ok());
        }
        assert!(parameters.get("name").unwrap().json().len() < 16_000);
    }

    #[test]
    fn debug_shows_nothing_of_parameters() {
        let mut parameters = Parameters::default();
        assert!(parameters.add("payload", Text::Literal("hunter2")).is_ok());
        assert_eq!(format!("{parameters:?}"), "Parameters(****)");
    }
}
