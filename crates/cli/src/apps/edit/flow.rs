//! Lists and objects in brackets: all of JSON, and YAML where it is written so.

use cholla_server::manifest::Format;
use cholla_server::manifest::tree::Node;

use super::place::{self, Splice};
use super::{Asking, scalar};

/// What stands between the parts of an object.
struct Layout<'t> {
    /// Behind the opening brace.
    open: &'t str,
    /// Between a key and its value.
    colon: &'t str,
    /// Between two entries.
    between: String,
    /// Before the closing brace.
    close: &'t str,
    has_quoted_keys: bool,
}

impl<'t> Layout<'t> {
    /// The layout of `table`; that of one line where it has comments, or anything else that must not be repeated.
    fn of(text: &'t str, table: &Node) -> Option<Self> {
        let [first, others @ ..] = table.entries() else { return None };
        let last = others.last().unwrap_or(first);
        let open = text.get(table.span.start + 1..first.key_span.start)?;
        let colon = text.get(first.key_span.end..first.value.span.start)?;
        let close = text.get(last.value.span.end..table.span.end.checked_sub(1)?)?;
        let between = match others.first() {
            Some(second) => text.get(first.value.span.end..second.key_span.start)?.to_owned(),
            None if open.contains('\n') => format!(",{open}"),
            None if colon.ends_with(' ') => ", ".to_owned(),
            None => ",".to_owned(),
        };
        let is_blank = |part: &str| part.trim().is_empty();
        let is_plain = is_blank(open) && is_blank(close) && colon.trim() == ":" && between.trim() == ",";
        let has_quoted_keys = text[first.key_span.clone()].starts_with('"');
        (place::is_flow(text, table) && is_plain).then_some(Self { open, colon, between, close, has_quoted_keys })
    }

    fn key(&self, name: &str) -> String {
        if self.has_quoted_keys { format!("\"{name}\"") } else { name.to_owned() }
    }
}

/// A new element, laid out like `element`.
pub(super) fn like(text: &str, element: &Node, asking: Asking<'_>) -> String {
    let Some(layout) = Layout::of(text, element) else { return one_line(asking) };
    let value = |value, key: &str| {
        let like = element.entry(key).map_or("", |entry| &text[entry.value.span.clone()]);
        format!("{}{}{}", layout.key(key), layout.colon, scalar::written(value, like, asking.format, true))
    };
    let (permission, purpose) = (value(asking.permission, "permission"), value(asking.purpose, "purpose"));
    let Layout { open, between, close, .. } = &layout;
    format!("{{{open}{permission}{between}{purpose}{close}}}")
}

/// A list with one more element.
pub(super) fn appended(text: &str, list: &Node, asking: Asking<'_>) -> Option<Vec<Splice>> {
    let (model, before) = list.elements().split_last()?;
    let open = &text[list.span.start + 1..list.elements().first()?.span.start];
    let is_tight = Layout::of(text, model).is_some_and(|layout| !layout.colon.ends_with(' '));
    let separator = match before.last().map(|before| &text[before.span.end..model.span.start]) {
        Some(separator) if separator.trim() == "," => separator.to_owned(),
        None if open.trim().is_empty() && open.contains('\n') => format!(",{open}"),
        _ if is_tight => ",".to_owned(),
        _ => ", ".to_owned(),
    };
    let end = model.span.end;
    Some(vec![Splice::new(end..end, separator + &like(text, model, asking))])
}

/// A list without one element. Comments of YAML stay.
pub(super) fn removed(text: &str, list: &Node, index: usize) -> Option<Vec<Splice>> {
    let elements = list.elements();
    let element = elements.get(index)?.span.clone();
    let inside = list.span.start + 1..list.span.end - 1;
    // The comma that goes with it: the one behind, or before the last element the one before.
    let (gap, is_before) = match (index.checked_sub(1).and_then(|before| elements.get(before)), elements.get(index + 1))
    {
        (_, Some(next)) => (element.end..next.span.start, false),
        (Some(before), None) => (before.span.end..element.start, true),
        (None, None) => {
            let is_bare = [&text[inside.start..element.start], &text[element.end..inside.end]].iter().all(|part| {
                part.trim_matches(|character: char| character.is_whitespace() || character == ',').is_empty()
            });
            return Some(vec![Splice::new(if is_bare { inside } else { element }, "")]);
        }
    };
    let between = &text[gap.clone()];
    if between.trim() == "," {
        let range = if is_before { gap.start..element.end } else { element.start..gap.end };
        return Some(vec![Splice::new(range, "")]);
    }
    let comma = gap.start + between.find(',')?;
    Some(vec![Splice::new(element, ""), Splice::new(comma..comma + 1, "")])
}

/// The permission `element` with a purpose, which it does not have yet.
pub(super) fn with_purpose(text: &str, element: &Node, purpose: &str, format: Format) -> Option<Vec<Splice>> {
    let layout = Layout::of(text, element)?;
    let end = element.entry("permission")?.value.span.end;
    let purpose = scalar::written(purpose, "", format, true);
    let (between, key, colon) = (&layout.between, layout.key("purpose"), layout.colon);
    Some(vec![Splice::new(end..end, format!("{between}{key}{colon}{purpose}"))])
}

/// A list with one permission below the keys of `path`, on one line.
pub(super) fn nested(path: &[&str], asking: Asking<'_>) -> String {
    let list = format!("[{}]", one_line(asking));
    path.iter().rev().fold(list, |inner, key| format!("{{{key}: {inner}}}"))
}

fn one_line(asking: Asking<'_>) -> String {
    let value = |value| scalar::written(value, "", asking.format, true);
    let (permission, purpose) = (value(asking.permission), value(asking.purpose));
    if asking.format == Format::V1Json {
        return format!("{{\"permission\": {permission}, \"purpose\": {purpose}}}");
    }
    format!("{{permission: {permission}, purpose: {purpose}}}")
}

/// The first permission of a JSON manifest.
pub(super) fn into_json(text: &str, root: &Node, asking: Asking<'_>) -> Vec<Splice> {
    let newline = place::newline(text);
    let first = root.entries().first();
    let spread = first.is_some_and(|first| text[root.span.start..first.key_span.start].contains('\n'));
    let is_spread = spread || (first.is_none() && text.contains('\n'));
    let unit = match first {
        Some(first) if spread => place::indent(text, first.key_span.start),
        _ => String::new(),
    };
    let unit = if unit.is_empty() { "  ".to_owned() } else { unit };
    let colon = Layout::of(text, root).map_or(": ", |layout| layout.colon);
    let comma = if colon.ends_with(' ') { ", " } else { "," };
    let (permission, purpose) = (
        scalar::written(asking.permission, "", asking.format, true),
        scalar::written(asking.purpose, "", asking.format, true),
    );
    let list = if is_spread {
        let margin = |levels: usize| format!("{newline}{}", unit.repeat(levels));
        let (one, two, three) = (margin(1), margin(2), margin(3));
        format!("[{two}{{{three}\"permission\"{colon}{permission},{three}\"purpose\"{colon}{purpose}{two}}}{one}]")
    } else {
        format!("[{{\"permission\"{colon}{permission}{comma}\"purpose\"{colon}{purpose}}}]")
    };
    if let Some(entry) = root.entry("permissions") {
        return vec![Splice::new(entry.value.span.clone(), list)];
    }
    let entry = format!("\"permissions\"{colon}{list}");
    let splice = match place::before_permissions(root) {
        Some(before) => {
            let separator = if is_spread { format!(",{newline}{unit}") } else { comma.to_owned() };
            let end = before.value.span.end;
            Splice::new(end..end, format!("{separator}{entry}"))
        }
        None if is_spread => Splice::new(root.span.clone(), format!("{{{newline}{unit}{entry}{newline}}}")),
        None => Splice::new(root.span.clone(), format!("{{{entry}}}")),
    };
    vec![splice]
}
