//! A manifest as a tree of values, each with its place in the text, whichever of the two notations it is written in.

use std::ops::Range;

/// Levels of lists and objects within each other.
pub(super) const NESTING_MAX: usize = 64;

/// One value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its bytes in the text, anchors and tags of YAML apart. A YAML block begins with its first key or dash and ends with its last value;
    /// of a block scalar only the content counts. What YAML leaves out has no bytes.
    pub span: Range<usize>,
    /// The value.
    pub value: Value,
}

/// A value of a manifest.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// JSON's `null`, or one of YAML's ways to write it.
    Null,
    /// A number, a boolean, or what only YAML has: nothing that Cholla reads.
    Other {
        /// What it is, with its article.
        what: &'static str,
        /// As it is written.
        written: String,
    },
    /// A JSON array, a YAML sequence.
    List(Vec<Node>),
    /// A JSON object, a YAML mapping.
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its bytes in the text, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Value {
    /// What it is, with its article.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Null => "null",
            Self::Other { what, .. } => what,
            Self::List(_) => "a list",
            Self::Table(_) => "an object",
        }
    }
}

impl Node {
    /// The entries of an object; none for everything else.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Table(entries) = &self.value { entries } else { &[] }
    }

    /// The elements of a list; none for everything else.
    pub fn elements(&self) -> &[Node] {
        if let Value::List(elements) = &self.value { elements } else { &[] }
    }

    /// The entry of `key`, the first one should it be there twice.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Whether both hold the same, wherever it stands in its text.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Text(own), Value::Text(others))
            | (Value::Other { written: own, .. }, Value::Other { written: others, .. }) => own == others,
            (Value::List(own), Value::List(others)) => {
                own.len() == others.len() && own.iter().zip(others).all(|(own, other)| own.holds_the_same(other))
            }
            (Value::Table(own), Value::Table(others)) => {
                let same =
                    |(own, other): (&Entry, &Entry)| own.key == other.key && own.value.holds_the_same(&other.value);
                own.len() == others.len() && own.iter().zip(others).all(same)
            }
            _ => false,
        }
    }
}

/// Why a text is no tree.
#[derive(Debug)]
pub(super) struct Broken {
    /// Where reading stopped.
    pub(super) line: usize,
    /// What is wrong; what to do.
    pub(super) text: String,
}
