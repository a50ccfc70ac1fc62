//! The YAML notation. An alias stays an alias: nothing is ever expanded, so a small file stays a small tree.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::tree::{Broken, Entry, NESTING_MAX, Node, Value};

/// Reads `text`, which begins at byte `start` of its file.
pub(super) fn tree(text: &str, start: usize) -> Result<Node, Broken> {
    let options = granit_parser::options! {
        flow_nesting_limit: NESTING_MAX,
        block_nesting_limit: NESTING_MAX,
    };
    let mut reader = Reader { text, start, parser: Parser::new_from_str_with_options(text, options) };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => break,
            (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (_, span) if root.is_some() => {
                let text = "holds a second document; keep the first one".to_owned();
                return Err(Broken { line: span.start.line(), text });
            }
            (event, span) => root = Some(reader.node(event, span)?),
        }
    }
    Ok(root.unwrap_or(Node { span: start..start, value: Value::Null }))
}

struct Reader<'t> {
    text: &'t str,
    start: usize,
    parser: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Broken> {
        let broken = |error: &ScanError| {
            // The parser says what it wanted, and names keys and anchors at most.
            let text = format!("is not YAML that can be read ({}); correct it there", error.info());
            Broken { line: error.marker().line(), text }
        };
        match self.parser.next_event() {
            Some(next) => next.map_err(|error| broken(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The node that begins with `event`. The parser bounds how deep this goes.
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, Broken> {
        let mut range = self.range(span);
        let value = match event {
            Event::Scalar(text, style, _, tag) => scalar(&text, style, tag.as_deref(), &self.text[self.slice(&range)]),
            Event::Alias(_) => Value::Other { what: "an alias", written: self.text[self.slice(&range)].to_owned() },
            Event::SequenceStart(..) => {
                let mut elements: Vec<Node> = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, span) => break self.range(span),
                        (event, span) => elements.push(self.node(event, span)?),
                    }
                };
                range.end = closed(&end, elements.last().map(|node| node.span.end), &range);
                Value::List(elements)
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<Entry> = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::MappingEnd, span) => break self.range(span),
                        (event, span) => entries.push(self.entry(event, span)?),
                    }
                };
                range.end = closed(&end, entries.last().map(|entry| entry.value.span.end), &range);
                Value::Table(entries)
            }
            _ => Value::Other { what: "something unknown", written: String::new() },
        };
        Ok(Node { span: range, value })
    }

    fn entry(&mut self, event: Event<'t>, span: Span) -> Result<Entry, Broken> {
        let line = span.start.line();
        let key = self.node(event, span)?;
        let name = match key.value {
            Value::Text(text) => text,
            Value::Null => String::new(),
            Value::Other { written, .. } => written,
            Value::List(_) | Value::Table(_) => {
                return Err(Broken { line, text: "has a list or an object as a key; write a plain one".to_owned() });
            }
        };
        let (event, span) = self.next()?;
        Ok(Entry { key: name, key_span: key.span, value: self.node(event, span)? })
    }

    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range().expect("a parser of a string knows every byte offset");
        self.start + range.start..self.start + range.end
    }

    fn slice(&self, range: &Range<usize>) -> Range<usize> {
        range.start - self.start..range.end - self.start
    }
}

/// Where a collection ends: behind its bracket, or with its last value.
fn closed(end: &Range<usize>, last: Option<usize>, start: &Range<usize>) -> usize {
    if end.is_empty() { last.unwrap_or(start.end) } else { end.end }
}

/// What a scalar is in YAML's core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, written: &str) -> Value {
    let other = |what| Value::Other { what, written: written.to_owned() };
    match tag {
        Some(tag) if tag.is_yaml_core_schema_tag("str") => return Value::Text(text.to_owned()),
        Some(_) => return other("a value with a tag"),
        None => {}
    }
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    if written.is_empty() {
        return Value::Null;
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => other("a boolean"),
        _ if is_number(text) => other("a number"),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let all = |digits: &str, legal: fn(char) -> bool| !digits.is_empty() && digits.chars().all(legal);
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |digit| digit.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return all(digits, |digit| matches!(digit, '0'..='7'));
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // Rust reads `inf` and `nan` as numbers too, which begin with a letter.
    let begins = unsigned.trim_start_matches('.').starts_with(|digit: char| digit.is_ascii_digit());
    begins && unsigned.parse::<f64>().is_ok()
}
