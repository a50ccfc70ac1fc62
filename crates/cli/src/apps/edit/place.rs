//! Places in a text: lines, indentation, and where a first permission goes.

use std::ops::Range;

use cholla_server::manifest::Format;
use cholla_server::manifest::tree::{Entry, Node, Value};

use super::{Asking, block, flow};

const BYTE_ORDER_MARK: char = '\u{feff}';
/// Keys that stand before the permissions in Stripe's own manifests: a new list goes behind the last one of them.
const BEFORE_PERMISSIONS: [&str; 9] = [
    "$schema",
    "id",
    "version",
    "name",
    "icon",
    "sandbox_install_compatible",
    "distribution_type",
    "stripe_api_access_type",
    "allowed_redirect_uris",
];

/// Other text in the place of a range.
#[derive(Debug)]
pub(super) struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    pub(super) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }
}

/// `text` after splices that do not overlap. Those of one place are made in their order.
pub(super) fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for splice in splices {
        changed.push_str(&text[at..splice.range.start]);
        changed.push_str(&splice.text);
        at = splice.range.end;
    }
    changed + &text[at..]
}

/// Whether a list or object is written in brackets, as all of them are in JSON.
pub(super) fn is_flow(text: &str, node: &Node) -> bool {
    text[node.span.clone()].starts_with(['[', '{'])
}

/// How the lines of `text` end.
pub(super) fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where the line of `at` begins, behind a byte order mark.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    if start == 0 && text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { start }
}

/// Where the next line begins, or the end of the text.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// White space as wide as what stands before `at` on its line.
pub(super) fn indent(text: &str, at: usize) -> String {
    let before = &text[line_start(text, at)..at];
    before.chars().map(|character| if character.is_whitespace() { character } else { ' ' }).collect()
}

/// `end` without the white space before it.
pub(super) fn content_end(text: &str, end: usize) -> usize {
    text[..end].trim_end().len()
}

/// How many spaces and tabs `text` begins with.
pub(super) fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// Where the colon behind a key stands; `None` for YAML's explicit keys.
pub(super) fn colon(text: &str, entry: &Entry) -> Option<usize> {
    let at = entry.key_span.end + blanks(&text[entry.key_span.end..]);
    text[at..].starts_with(':').then_some(at)
}

/// `lines`, each with its newline, put in at the beginning of a line or at the end of the text.
pub(super) fn inserted_lines(text: &str, at: usize, lines: &str) -> Splice {
    let newline = newline(text);
    if at == text.len() && !text.ends_with('\n') {
        let lines = lines.strip_suffix(newline).unwrap_or(lines);
        return Splice::new(at..at, format!("{newline}{lines}"));
    }
    Splice::new(at..at, lines)
}

/// The spaces of one level of indentation, as the text uses them elsewhere.
fn unit(text: &str, root: &Node) -> String {
    let is_first_on_line = |at: usize| text[line_start(text, at)..at].trim().is_empty();
    for entry in root.entries() {
        let first = entry.value.entries().first().map(|inner| inner.key_span.start);
        if let Some(inner) = first.filter(|at| is_first_on_line(*at) && !is_flow(text, &entry.value)) {
            return indent(text, inner).split_off(indent(text, entry.key_span.start).len());
        }
    }
    "  ".to_owned()
}

/// The first permission of a manifest that has no list of them, or an empty one.
pub(super) fn into_empty(text: &str, root: &Node, asking: Asking<'_>) -> Option<Vec<Splice>> {
    let path = asking.format.permissions_path();
    if asking.format == Format::V1Json {
        return Some(flow::into_json(text, root, asking));
    }
    // As far as the path exists with something in it; what comes behind is to be written.
    let mut table = root;
    for (depth, key) in path.iter().enumerate() {
        let Some(entry) = table.entry(key) else { return into_table(text, root, table, &path[depth..], asking) };
        let is_empty = entry.value.entries().is_empty();
        if is_empty {
            return below(text, root, table, entry, &path[depth + 1..], asking);
        }
        table = &entry.value;
    }
    None
}

/// A new key of `table`, with everything below it.
fn into_table(text: &str, root: &Node, table: &Node, path: &[&str], asking: Asking<'_>) -> Option<Vec<Splice>> {
    let entries = table.entries();
    let known = entries.iter().rfind(|entry| BEFORE_PERMISSIONS.contains(&entry.key.as_str()));
    let (first, last) = (entries.first(), entries.last());
    if is_flow(text, table) {
        let content = flow::nested(path, asking);
        let content = content.strip_prefix('{').and_then(|content| content.strip_suffix('}'))?.to_owned();
        let Some(last) = last else { return Some(vec![Splice::new(table.span.clone(), format!("{{{content}}}"))]) };
        let end = last.value.span.end;
        return Some(vec![Splice::new(end..end, format!(", {content}"))]);
    }
    let after = if std::ptr::eq(table, root) { known.or(last)? } else { last? };
    let end = line_end(text, content_end(text, after.value.span.end));
    let lines = block::nested(text, &indent(text, first?.key_span.start), &unit(text, root), path, asking);
    Some(vec![inserted_lines(text, end, &lines)])
}

/// What goes below the key of `entry` of `table`, which holds nothing yet.
fn below(
    text: &str,
    root: &Node,
    table: &Node,
    entry: &Entry,
    path: &[&str],
    asking: Asking<'_>,
) -> Option<Vec<Splice>> {
    let colon = colon(text, entry)?;
    let span = entry.value.span.clone();
    let is_absent = span.is_empty() || matches!(entry.value.value, Value::Null);
    let is_short = is_absent || !text[colon..span.end].contains('\n');
    if is_flow(text, table) || !is_short {
        let content = format!("{}{}", if is_absent { " " } else { "" }, flow::nested(path, asking));
        let range = if is_absent { colon + 1..span.end.max(colon + 1) } else { span };
        return Some(vec![Splice::new(range, content)]);
    }
    let mut splices = Vec::new();
    if !span.is_empty() {
        splices.push(Splice::new(colon + 1..span.end, ""));
    }
    let unit = unit(text, root);
    let lines = block::nested(text, &(indent(text, entry.key_span.start) + &unit), &unit, path, asking);
    splices.push(inserted_lines(text, line_end(text, span.end.max(colon + 1)), &lines));
    Some(splices)
}

/// Where in a JSON manifest a list of permissions goes: behind this entry.
pub(super) fn before_permissions(root: &Node) -> Option<&Entry> {
    let entries = root.entries();
    entries.iter().rfind(|entry| BEFORE_PERMISSIONS.contains(&entry.key.as_str())).or(entries.last())
}
