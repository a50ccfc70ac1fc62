//! Lists and objects of YAML that are written line by line.

use cholla_server::manifest::Format;
use cholla_server::manifest::tree::{Entry, Node};

use super::place::{self, Splice};
use super::{Asking, flow, scalar};

/// The list with one more element, laid out like the last one.
pub(super) fn appended(text: &str, list: &Node, asking: Asking<'_>) -> Option<Vec<Splice>> {
    let newline = place::newline(text);
    let (model, before) = list.elements().split_last()?;
    let dash = dash(text, before.last(), model)?;
    let margin = place::indent(text, dash);
    let lead = &text[dash..model.span.start];
    let lead = if lead[1..].trim_start_matches(' ').is_empty() { lead } else { "- " };
    let lines = if place::is_flow(text, model) {
        format!("{margin}{lead}{}{newline}", flow::like(text, model, asking))
    } else {
        let below = format!("{margin}{}", " ".repeat(lead.len()));
        let value = |value, key: &str| {
            let like = model.entry(key).map_or("", |entry| &text[entry.value.span.clone()]);
            scalar::written(value, like, Format::V2Yaml, false)
        };
        let (permission, purpose) = (value(asking.permission, "permission"), value(asking.purpose, "purpose"));
        let (first, second) = keys(text, model);
        format!("{margin}{lead}{first}: {permission}{newline}{below}{second}: {purpose}{newline}")
    };
    let end = place::line_end(text, place::content_end(text, model.span.end));
    Some(vec![place::inserted_lines(text, end, &lines)])
}

/// The list of `entry` without one element. Comments on lines of their own stay.
pub(super) fn removed(text: &str, entry: &Entry, index: usize) -> Option<Vec<Splice>> {
    let elements = entry.value.elements();
    let element = elements.get(index)?;
    let before = index.checked_sub(1).and_then(|before| elements.get(before));
    let mut start = place::line_start(text, dash(text, before, element)?);
    let end = place::line_end(text, place::content_end(text, element.span.end));
    if end == text.len() && !text.ends_with('\n') {
        // The line before becomes the last one, without a newline as this one.
        start -= place::newline(text).len();
    }
    let mut splices = Vec::new();
    if elements.len() == 1 {
        let colon = place::colon(text, entry)?;
        splices.push(Splice::new(colon + 1..colon + 1, " []"));
    }
    splices.push(Splice::new(start..end, ""));
    Some(splices)
}

/// The permission `element` with a purpose, which it does not have yet.
pub(super) fn with_purpose(text: &str, element: &Node, purpose: &str) -> Option<Vec<Splice>> {
    let permission = element.entry("permission")?;
    let end = place::line_end(text, place::content_end(text, permission.value.span.end));
    let margin = place::indent(text, permission.key_span.start);
    let purpose = scalar::written(purpose, "", Format::V2Yaml, false);
    let (_, key) = keys(text, element);
    let line = format!("{margin}{key}: {purpose}{}", place::newline(text));
    Some(vec![place::inserted_lines(text, end, &line)])
}

/// The lines of a list with one permission, below the keys of `path`, each ending in a newline.
pub(super) fn nested(text: &str, margin: &str, unit: &str, path: &[&str], asking: Asking<'_>) -> String {
    let newline = place::newline(text);
    let mut margin = margin.to_owned();
    let mut lines = String::new();
    for key in path {
        lines.extend([margin.as_str(), key, ":", newline]);
        margin.push_str(unit);
    }
    let value = |value| scalar::written(value, "", Format::V2Yaml, false);
    let (permission, purpose) = (value(asking.permission), value(asking.purpose));
    lines + &format!("{margin}- permission: {permission}{newline}{margin}  purpose: {purpose}{newline}")
}

/// The two keys, in quotes where those of `element` are.
fn keys(text: &str, element: &Node) -> (&'static str, &'static str) {
    let is_quoted = element.entries().first().is_some_and(|entry| text[entry.key_span.clone()].starts_with('"'));
    if is_quoted { ("\"permission\"", "\"purpose\"") } else { ("permission", "purpose") }
}

/// Where the dash of `element` stands, which is the first thing on its line.
fn dash(text: &str, before: Option<&Node>, element: &Node) -> Option<usize> {
    let from = before.map_or(0, |before| place::content_end(text, before.span.end));
    let mut at = place::line_start(text, element.span.start);
    loop {
        let dash = at + place::blanks(&text[at..]);
        let behind = text[dash..].strip_prefix('-');
        if behind.is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\t', '\r', '\n'])) {
            return Some(dash);
        }
        // Between the dash and its element stand comments, a tag or an anchor at most.
        at = place::line_start(text, at.checked_sub(1).filter(|before| *before > from)?);
    }
}
