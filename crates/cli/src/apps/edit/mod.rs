//! Changing the permissions of a manifest and not one byte besides.
//!
//! The file is read as a tree whose values know where they stand; a change is a few splices of the text. What comes out is read again, and
//! must differ from what went in by exactly that change: a layout that this does not understand is refused, never damaged.

mod block;
mod flow;
mod place;
mod scalar;

use cholla_server::manifest::tree::{Node, Value};
use cholla_server::manifest::{Format, Manifest, tree};
use cholla_server::platform::{AskedPermission, Faults};

use place::Splice;

/// What granting a permission did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// Nothing: it is there, with this purpose.
    Unchanged,
    /// It is there, and has this purpose in the new text.
    Repurposed(String),
    /// It is there in the new text.
    Added(String),
}

/// Why a manifest was not changed.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is not a manifest.
    Faulty(Faults),
    /// It would not be one afterwards.
    Spoiled(Faults),
    /// Its layout is beyond this editor.
    Layout,
}

/// The manifest `text` of the file `file`, asking for `permission` with `purpose`.
///
/// # Errors
/// When it is no manifest, would be none afterwards, or cannot be edited in place.
pub(crate) fn grant(text: &str, file: &str, permission: &str, purpose: &str) -> Result<Granted, Refused> {
    let sheet = Sheet::read(text, file).map_err(Refused::Faulty)?;
    let mut asked = sheet.manifest.permissions.clone().unwrap_or_default();
    let wanted = AskedPermission { permission: permission.to_owned(), purpose: Some(purpose.to_owned()) };
    if let Some(index) = asked.iter().position(|asked| asked.permission == permission) {
        if asked[index] == wanted {
            return Ok(Granted::Unchanged);
        }
        asked[index] = wanted;
        let splices = sheet.list().and_then(|list| repurposed(text, &list.elements()[index], purpose, sheet.format));
        return sheet.changed(splices, asked, permission).map(Granted::Repurposed);
    }
    asked.push(wanted);
    let asking = Asking { permission, purpose, format: sheet.format };
    let splices = match sheet.list() {
        Some(list) if list.elements().is_empty() => place::into_empty(text, &sheet.root, asking),
        Some(list) if place::is_flow(text, list) => flow::appended(text, list, asking),
        Some(list) => block::appended(text, list, asking),
        None => place::into_empty(text, &sheet.root, asking),
    };
    sheet.changed(splices, asked, permission).map(Granted::Added)
}

/// The manifest `text` of the file `file` without `permission`; `None` when it is not there.
///
/// # Errors
/// When it is no manifest, or cannot be edited in place.
pub(crate) fn revoke(text: &str, file: &str, permission: &str) -> Result<Option<String>, Refused> {
    let sheet = Sheet::read(text, file).map_err(Refused::Faulty)?;
    let mut asked = sheet.manifest.permissions.clone().unwrap_or_default();
    let Some(index) = asked.iter().position(|asked| asked.permission == permission) else { return Ok(None) };
    asked.remove(index);
    let splices = sheet.list().and_then(|list| {
        if place::is_flow(text, list) {
            flow::removed(text, list, index)
        } else {
            block::removed(text, sheet.list_entry()?, index)
        }
    });
    sheet.changed(splices, asked, permission).map(Some)
}

/// What a new entry says.
#[derive(Clone, Copy)]
struct Asking<'a> {
    permission: &'a str,
    purpose: &'a str,
    format: Format,
}

/// A manifest as it is written, and what it says.
struct Sheet<'t> {
    text: &'t str,
    file: &'t str,
    format: Format,
    root: Node,
    manifest: Manifest,
}

impl<'t> Sheet<'t> {
    fn read(text: &'t str, file: &'t str) -> Result<Self, Faults> {
        let manifest = Manifest::parse(text, file)?;
        Ok(Self { text, file, format: manifest.format, root: tree(text, file)?, manifest })
    }

    fn list_entry(&self) -> Option<&cholla_server::manifest::tree::Entry> {
        let (last, path) = self.format.permissions_path().split_last()?;
        path.iter().try_fold(&self.root, |node, key| node.entry(key).map(|entry| &entry.value))?.entry(last)
    }

    /// The list of permissions, where there is one.
    fn list(&self) -> Option<&Node> {
        self.list_entry().map(|entry| &entry.value).filter(|node| matches!(node.value, Value::List(_)))
    }

    /// The text after `splices`, when it says `asked` and, but for that of `permission`, everything that it said before.
    fn changed(
        &self,
        splices: Option<Vec<Splice>>,
        asked: Vec<AskedPermission>,
        permission: &str,
    ) -> Result<String, Refused> {
        let text = place::spliced(self.text, splices.ok_or(Refused::Layout)?);
        let after = Sheet::read(&text, self.file).map_err(Refused::Spoiled)?;
        let expected = Manifest { permissions: Some(asked), ..self.manifest.clone() };
        let others = |sheet: &Sheet<'_>| -> Vec<Node> {
            let elements = sheet.list().map(Node::elements).unwrap_or_default();
            let is_other =
                |node: &&Node| !node.entry("permission").is_some_and(|entry| is_text(&entry.value, permission));
            elements.iter().filter(is_other).cloned().collect()
        };
        let (before, kept) = (others(self), others(&after));
        let others_kept =
            before.len() == kept.len() && before.iter().zip(&kept).all(|(own, other)| own.holds_the_same(other));
        let rest_kept = differs_only_at(self.format.permissions_path(), Some(&self.root), Some(&after.root));
        if after.manifest == expected && others_kept && rest_kept { Ok(text) } else { Err(Refused::Layout) }
    }
}

fn is_text(node: &Node, expected: &str) -> bool {
    matches!(&node.value, Value::Text(text) if text == expected)
}

/// Whether two manifests hold the same everywhere but at `path`. What leads there may be missing in one of them.
fn differs_only_at(path: &[&str], before: Option<&Node>, after: Option<&Node>) -> bool {
    let Some((key, path)) = path.split_first() else { return true };
    let others = |node: Option<&Node>| -> Vec<_> {
        let entries = node.map(Node::entries).unwrap_or_default();
        entries.iter().filter(|entry| entry.key != *key).cloned().collect()
    };
    let (own, new) = (others(before), others(after));
    let same = own.len() == new.len()
        && own.iter().zip(&new).all(|(own, new)| own.key == new.key && own.value.holds_the_same(&new.value));
    let inner = |node: Option<&'_ Node>| node.and_then(|node| node.entry(key)).map(|entry| entry.value.clone());
    same && differs_only_at(path, inner(before).as_ref(), inner(after).as_ref())
}

/// The permission `element` with another purpose.
fn repurposed(text: &str, element: &Node, purpose: &str, format: Format) -> Option<Vec<Splice>> {
    let Some(entry) = element.entry("purpose") else {
        return if place::is_flow(text, element) {
            flow::with_purpose(text, element, purpose, format)
        } else {
            block::with_purpose(text, element, purpose)
        };
    };
    let span = entry.value.span.clone();
    let written = |like| scalar::written(purpose, like, format, place::is_flow(text, element));
    if format == Format::V1Json {
        return Some(vec![Splice::new(span, written(""))]);
    }
    let colon = place::colon(text, entry)?;
    let start = colon + 1 + place::blanks(&text[colon + 1..]);
    if text[start..].starts_with(['|', '>']) {
        // The head of a block scalar is not part of its value's bytes.
        return Some(vec![Splice::new(start..place::content_end(text, span.end).max(start + 1), written(""))]);
    }
    if span.is_empty() {
        return Some(vec![Splice::new(colon + 1..colon + 1, format!(" {}", written("")))]);
    }
    let like = &text[span.clone()];
    Some(vec![Splice::new(span.clone(), written(like))])
}

#[cfg(test)]
mod tests;
