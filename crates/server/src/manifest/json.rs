//! The JSON notation. `serde_json` decides what is legal; where each value stands follows from the slices that it lends.

use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::tree::{Broken, Entry, NESTING_MAX, Node, Value};

/// Reads `text`, which begins at byte `start` of its file.
pub(super) fn tree(text: &str, start: usize) -> Result<Node, Broken> {
    let reader = Reader { text, start };
    // The whole text first: afterwards every slice is legal by itself, and the reader's message shows nothing of what was written.
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let why = message.split(" at line ").next().unwrap_or_default();
        Broken { line: error.line().max(1), text: format!("is not JSON ({why}); correct it there") }
    })?;
    reader.node(raw, 0)
}

struct Reader<'t> {
    text: &'t str,
    start: usize,
}

impl<'t> Reader<'t> {
    fn node(&self, raw: &'t RawValue, depth: usize) -> Result<Node, Broken> {
        let written = raw.get();
        let span = self.span(written);
        if depth > NESTING_MAX {
            return Err(self.broken(&span, format!("is nested more than {NESTING_MAX} levels deep; flatten it")));
        }
        // Only the parts of a value that is legal as a whole are read again, so what fails here is a broken escape.
        let escape = |_| self.broken(&span, "holds a string with a broken escape; correct it there".to_owned());
        let other = |what| Value::Other { what, written: written.to_owned() };
        let value = match written.as_bytes().first() {
            Some(b'"') => Value::Text(serde_json::from_str(written).map_err(escape)?),
            Some(b'[') => {
                let Slices(slices) = serde_json::from_str(written).map_err(escape)?;
                Value::List(slices.into_iter().map(|slice| self.node(slice, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let Pairs(pairs) = serde_json::from_str(written).map_err(escape)?;
                Value::Table(self.entries(&span, pairs, depth)?)
            }
            Some(b'n') => Value::Null,
            Some(b't' | b'f') => other("a boolean"),
            _ => other("a number"),
        };
        Ok(Node { span, value })
    }

    fn entries(
        &self,
        table: &Range<usize>,
        pairs: Vec<(String, &'t RawValue)>,
        depth: usize,
    ) -> Result<Vec<Entry>, Broken> {
        let mut entries = Vec::with_capacity(pairs.len());
        let mut before = table.start + 1;
        for (key, raw) in pairs {
            let value = self.node(raw, depth + 1)?;
            // Between two values stand a comma, the key and a colon, and otherwise white space.
            let between = &self.text[before - self.start..value.span.start - self.start];
            let from = between.find('"').unwrap_or_default();
            let to = between.rfind('"').map_or(between.len(), |quote| quote + 1);
            entries.push(Entry { key, key_span: before + from..before + to, value });
            before = entries.last().map_or(before, |entry: &Entry| entry.value.span.end);
        }
        Ok(entries)
    }

    /// Where a slice of the text stands in the file.
    fn span(&self, slice: &str) -> Range<usize> {
        let from = self.start + (slice.as_ptr().addr() - self.text.as_ptr().addr());
        from..from + slice.len()
    }

    fn broken(&self, at: &Range<usize>, text: String) -> Broken {
        Broken { line: 1 + self.text[..at.start - self.start].matches('\n').count(), text }
    }
}

/// The elements of an array, as slices.
struct Slices<'t>(Vec<&'t RawValue>);
/// The pairs of an object, in their order, keys that are there twice included.
struct Pairs<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Slices<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'t> Visitor<'t> for Elements {
            type Value = Slices<'t>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'t>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut slices = Vec::new();
                while let Some(slice) = access.next_element()? {
                    slices.push(slice);
                }
                Ok(Slices(slices))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl<'t> Deserialize<'t> for Pairs<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'t> Visitor<'t> for Entries {
            type Value = Pairs<'t>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
