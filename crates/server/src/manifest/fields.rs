//! Reading the fields that Cholla needs. Every fault is kept with its line, and reading goes on, so that one run shows them all.

use std::cell::RefCell;

use cholla_domain::limits::STRING_CHARS_MAX;
use cholla_domain::name::is_legal;

use super::tree::{Node, Value};
use crate::platform::Fault;

/// Faults of one manifest that are reported.
const REPORTED_MAX: usize = 100;
/// Entries of one list that is read.
const ENTRIES_MAX: usize = 1_000;

/// What was found wrong so far.
pub(super) struct Found<'a> {
    text: &'a str,
    file: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Found<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file, faults: RefCell::default() }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    /// Reports what is wrong at `line`.
    pub(super) fn fault(&self, line: usize, text: String) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < REPORTED_MAX {
            faults.push(Fault { file: self.file.to_owned(), line: Some(line), text });
        }
    }

    /// Reports what is wrong where `node` begins.
    pub(super) fn fault_at(&self, node: &Node, text: String) {
        self.fault(1 + self.text[..node.span.start].matches('\n').count(), text);
    }
}

/// One object of the manifest.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    found: &'a Found<'a>,
    /// `None` for an object that is left out.
    node: Option<&'a Node>,
    /// The keys that lead here, each with a dot behind it, or `entry N of …, `.
    path: String,
}

impl<'a> Fields<'a> {
    /// The outermost object.
    pub(super) fn of(root: &'a Node, found: &'a Found<'a>) -> Self {
        Self { found, node: Some(root), path: String::new() }
    }

    /// Whether it is an object at all.
    pub(super) fn is_table(&self) -> bool {
        self.node.is_some_and(|node| matches!(node.value, Value::Table(_)))
    }

    /// The value of `key`; `None` where it is left out or null. A key that is there twice is a fault: tools disagree on which one counts.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let mut values = self.node?.entries().iter().filter(|entry| entry.key == key).map(|entry| &entry.value);
        let first = values.next()?;
        if let Some(second) = values.next() {
            self.found.fault_at(second, format!("{} stands there twice; remove one of them", self.name(key)));
        }
        Some(first).filter(|node| !matches!(node.value, Value::Null))
    }

    /// A string that may be left out.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let node = self.get(key)?;
        self.legal(key, node)
    }

    /// A string that may be left out or empty.
    pub(super) fn text_or_empty(&self, key: &str) -> Option<String> {
        let node = self.get(key)?;
        if matches!(&node.value, Value::Text(text) if text.is_empty()) {
            return Some(String::new());
        }
        self.legal(key, node)
    }

    /// A string that must be there.
    pub(super) fn required(&self, key: &str) -> Option<String> {
        let Some(node) = self.get(key) else {
            self.fault(format!("has no `{key}`; add it, or remove the entry"));
            return None;
        };
        self.legal(key, node)
    }

    /// A list of strings, none of them twice and none with an objection; empty where it is left out.
    pub(super) fn texts(&self, key: &str, objection: fn(&str) -> Option<&'static str>) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for (number, node) in self.list(key).unwrap_or_default().iter().enumerate() {
            let name = format!("entry {} of {}", number + 1, self.name(key));
            let Some(text) = self.legal_as(&name, node) else { continue };
            if texts.contains(&text) {
                self.found.fault_at(node, format!("{name} repeats an earlier one; remove it"));
            } else if let Some(why) = objection(&text) {
                self.found.fault_at(node, format!("{name} {why}"));
            } else {
                texts.push(text);
            }
        }
        texts
    }

    /// The object of `key`, without fields where it is left out.
    pub(super) fn table(&self, key: &str) -> Self {
        let path = format!("{}{key}.", self.path);
        let node = self.get(key).filter(|node| self.checked_table(&self.name(key), node));
        Self { found: self.found, node, path }
    }

    /// The objects of a list; `None` where it is left out.
    pub(super) fn tables(&self, key: &str) -> Option<Vec<Self>> {
        let mut tables = Vec::new();
        for (number, node) in self.list(key)?.iter().enumerate() {
            let name = format!("entry {} of {}", number + 1, self.name(key));
            if self.checked_table(&name, node) {
                tables.push(Self { found: self.found, node: Some(node), path: format!("{name}, ") });
            }
        }
        Some(tables)
    }

    /// Reports what is wrong with the object itself.
    pub(super) fn fault(&self, text: String) {
        if let Some(node) = self.node {
            let text = if self.path.is_empty() {
                text
            } else {
                format!("{} {text}", self.path.trim_end_matches([',', ' ', '.']))
            };
            self.found.fault_at(node, text);
        }
    }

    /// Reports what is wrong with the value of `key`.
    pub(super) fn fault_in(&self, key: &str, text: &str) {
        if let Some(entry) = self.node.and_then(|node| node.entry(key)) {
            self.found.fault_at(&entry.value, format!("{} {text}", self.name(key)));
        }
    }

    fn name(&self, key: &str) -> String {
        match self.path.strip_suffix(", ") {
            Some(entry) => format!("`{key}` of {entry}"),
            None => format!("`{}{key}`", self.path),
        }
    }

    fn list(&self, key: &str) -> Option<&'a [Node]> {
        let node = self.get(key)?;
        if let Value::List(elements) = &node.value {
            if elements.len() > ENTRIES_MAX {
                let name = self.name(key);
                self.found.fault_at(node, format!("{name} holds more than {ENTRIES_MAX} entries; remove some"));
                return None;
            }
            return Some(elements);
        }
        self.wrong_type(&self.name(key), "a list", node);
        None
    }

    fn checked_table(&self, name: &str, node: &Node) -> bool {
        let Value::Table(entries) = &node.value else {
            self.wrong_type(name, "an object", node);
            return false;
        };
        if let Some(merged) = entries.iter().find(|entry| entry.key == "<<") {
            self.found.fault_at(&merged.value, format!("{name} merges another object; write out what it holds"));
        }
        true
    }

    fn legal(&self, key: &str, node: &Node) -> Option<String> {
        self.legal_as(&self.name(key), node)
    }

    fn legal_as(&self, name: &str, node: &Node) -> Option<String> {
        let Value::Text(text) = &node.value else {
            self.wrong_type(name, "a string", node);
            return None;
        };
        if is_legal(text) {
            return Some(text.clone());
        }
        let why = if text.is_empty() {
            "holds an empty string; give it a value or remove it".to_owned()
        } else {
            format!("holds NUL or more than {STRING_CHARS_MAX} characters; shorten it")
        };
        self.found.fault_at(node, format!("{name} {why}"));
        None
    }

    fn wrong_type(&self, name: &str, wanted: &str, node: &Node) {
        let what = node.value.what();
        let how = match &node.value {
            Value::Other { what: "an alias", .. } => "write it out".to_owned(),
            Value::Other { .. } if wanted == "a string" => "put it in quotes".to_owned(),
            _ => format!("make it {wanted}"),
        };
        self.found.fault_at(node, format!("{name} holds {what}; {how}"));
    }
}
