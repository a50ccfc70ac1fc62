//! A TOML file read table by table. Every fault is kept with its line, and reading goes on, so that one run shows them all.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use cholla_domain::limits::STRING_CHARS_MAX;
use cholla_domain::name::is_legal;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, listed, quoted};

/// A value and the line it stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    pub(crate) line: usize,
    pub(crate) value: T,
}

/// The file being read: where its lines begin, and what was found wrong so far.
pub(crate) struct Document<'a> {
    file: &'a str,
    newlines: Vec<usize>,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Document<'a> {
    /// Parses `text` and reads it with `read`, which answers `None` only where it found a fault.
    pub(crate) fn read<T>(file: &'a str, text: &str, read: impl FnOnce(Table<'_>) -> Option<T>) -> Result<T, Faults> {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        let document = Document { file, newlines, faults: RefCell::default() };
        let value = match DeTable::parse(text) {
            Ok(root) => {
                read(Table { document: &document, entries: Some(root.get_ref()), heading: "the file", line: 1 })
            }
            Err(error) => {
                // The parser's description names what it wanted and shows nothing of the text.
                let line = document.line(error.span().unwrap_or_default());
                document.fault(line, format!("{}; correct the TOML there", error.message()));
                None
            }
        };
        let faults = document.faults.into_inner();
        if faults.is_empty() {
            Ok(value.expect("a reader gives up only where it reported a fault"))
        } else {
            Err(Faults::new(faults))
        }
    }

    fn line(&self, span: Range<usize>) -> usize {
        1 + self.newlines.partition_point(|newline| *newline < span.start)
    }

    fn fault(&self, line: usize, text: String) {
        self.faults.borrow_mut().push(Fault { file: self.file.to_owned(), line: Some(line), text });
    }
}

/// One table of the file.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    document: &'a Document<'a>,
    /// `None` for a table that is left out: its defaults count.
    entries: Option<&'a DeTable<'a>>,
    heading: &'a str,
    line: usize,
}

impl<'a> Table<'a> {
    /// The line of the table's heading.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Reports what is wrong at `line`.
    pub(crate) fn fault(&self, line: usize, text: impl Into<String>) {
        self.document.fault(line, text.into());
    }

    /// Reports every key but `legal` ones.
    pub(crate) fn allow(&self, legal: &[&str]) {
        for key in self.entries.iter().flat_map(|entries| entries.keys()) {
            if !legal.contains(&key.get_ref().as_ref()) {
                let (name, heading) = (quoted(key.get_ref()), self.heading);
                let legal = listed(legal.iter().copied());
                let text = format!("unknown key {name} in {heading}; remove it or use one of {legal}");
                self.fault(self.document.line(key.span()), text);
            }
        }
    }

    /// The line of `key`, where the table has it.
    pub(crate) fn line_of(&self, key: &str) -> Option<usize> {
        self.entries?.get_key_value(key).map(|(key, _)| self.document.line(key.span()))
    }

    /// A string that may be left out.
    pub(crate) fn text(&self, key: &str) -> Option<At<&'a str>> {
        let found = self.get(key)?;
        let line = self.document.line(found.span());
        let DeValue::String(text) = found.get_ref() else {
            self.wrong_type(line, key, "a string", found);
            return None;
        };
        self.legal(line, key, text).then_some(At { line, value: text.as_ref() })
    }

    /// A string that must be there.
    pub(crate) fn required(&self, key: &str) -> Option<At<&'a str>> {
        if self.get(key).is_none() {
            self.fault(self.line, format!("`{key}` is missing in {}; add it", self.heading));
        }
        self.text(key)
    }

    /// An array of strings, none of them twice. `None` where it is left out; what is wrong in it is reported and skipped.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<At<&'a str>>> {
        let mut texts: Vec<At<&'a str>> = Vec::new();
        for (number, element) in self.array(key, "an array of strings")?.iter().enumerate() {
            let line = self.document.line(element.span());
            let DeValue::String(text) = element.get_ref() else {
                self.wrong_type(line, key, "an array of strings", element);
                continue;
            };
            if !self.legal(line, key, text) {
                continue;
            }
            if texts.iter().any(|other| other.value == text.as_ref()) {
                let number = number + 1;
                self.fault(line, format!("entry {number} of `{key}` repeats an earlier one; remove it"));
                continue;
            }
            texts.push(At { line, value: text });
        }
        Some(texts)
    }

    /// A whole number within `range`, or `default`.
    pub(crate) fn number(&self, key: &str, range: RangeInclusive<u64>, default: u64) -> Option<u64> {
        let Some(found) = self.get(key) else { return Some(default) };
        let line = self.document.line(found.span());
        let DeValue::Integer(digits) = found.get_ref() else {
            self.wrong_type(line, key, "a whole number", found);
            return None;
        };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (start, end) = (range.start(), range.end());
            self.fault(line, format!("`{key}` is out of range; give a number from {start} to {end}"));
        }
        number
    }

    /// `true` or `false`; `false` where it is left out.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let Some(found) = self.get(key) else { return Some(false) };
        if let DeValue::Boolean(flag) = found.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(self.document.line(found.span()), key, "`true` or `false`", found);
        None
    }

    /// The tables of `[[key]]`, or of an array of inline tables. None where it is left out.
    pub(crate) fn tables(&self, key: &str, heading: &'a str) -> Option<Vec<Table<'a>>> {
        let mut tables = Vec::new();
        for element in self.array(key, "an array of tables")? {
            let line = self.document.line(element.span());
            if let DeValue::Table(entries) = element.get_ref() {
                tables.push(Table { document: self.document, entries: Some(entries), heading, line });
            } else {
                self.wrong_type(line, key, "an array of tables", element);
            }
        }
        Some(tables)
    }

    /// The table of `[key]`, or of an inline one.
    pub(crate) fn table(&self, key: &str, heading: &'a str) -> Table<'a> {
        let absent = Table { document: self.document, entries: None, heading, line: 1 };
        let Some(found) = self.get(key) else { return absent };
        let line = self.document.line(found.span());
        if let DeValue::Table(entries) = found.get_ref() {
            return Table { entries: Some(entries), line, ..absent };
        }
        self.wrong_type(line, key, "a table", found);
        Table { line, ..absent }
    }

    /// Whether the value of `key` is a table.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.get(key).is_some_and(|found| found.get_ref().is_table())
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries?.get(key)
    }

    fn array(&self, key: &str, wanted: &str) -> Option<&'a [Spanned<DeValue<'a>>]> {
        let found = self.get(key)?;
        if let DeValue::Array(elements) = found.get_ref() {
            return Some(elements);
        }
        self.wrong_type(self.document.line(found.span()), key, wanted, found);
        None
    }

    fn wrong_type(&self, line: usize, key: &str, wanted: &str, found: &Spanned<DeValue<'_>>) {
        let found = match found.get_ref().type_str() {
            "integer" => "an integer",
            "array" => "an array",
            "string" => "a string",
            "float" => "a float",
            "boolean" => "a boolean",
            "table" => "a table",
            _ => "a date",
        };
        self.fault(line, format!("`{key}` holds {found}; make it {wanted}"));
    }

    fn legal(&self, line: usize, key: &str, text: &str) -> bool {
        let legal = is_legal(text);
        if text.is_empty() {
            self.fault(line, format!("`{key}` holds an empty string; give it a value or remove it"));
        } else if !legal {
            self.fault(line, format!("`{key}` holds NUL or more than {STRING_CHARS_MAX} characters; shorten it"));
        }
        legal
    }
}
