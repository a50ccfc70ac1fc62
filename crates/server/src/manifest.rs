//! A Stripe App manifest: `stripe-app.json` (version 1) and `stripe-app.yaml` (version 2), as far as the platform needs it.
//!
//! What Cholla reads is checked exactly; every other field is left alone. Both notations become one tree (`tree`), whose values know where
//! they stand, so that faults have a line and the command line can edit a file in place.

pub use cholla_domain::directory::app::ApiAccess;
use cholla_domain::id::AppId;
use http::Uri;

use crate::platform::{AskedPermission, Distribution, Fault, Faults};

mod fields;
mod json;
pub mod tree;
mod yaml;

use fields::{Fields, Found};
use tree::Node;

/// Bytes of a manifest that are read.
const MANIFEST_BYTES_MAX: usize = 1024 * 1024;
/// What is wrong with an id that is not [`AppId::is_legal`], and what to do.
pub(crate) const NO_APP_ID: &str = "is no app id; begin it with a letter or digit, and make it 1 to 255 letters, digits, `.`, `-` and `_`, such as `com.example.app`, and not what keys and drawn ids begin with, such as `ca_`";
/// The mark that some editors put at the beginning of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// How a manifest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Version 1, `stripe-app.json`.
    V1Json,
    /// Version 2, `stripe-app.yaml`.
    V2Yaml,
}

impl Format {
    /// The format of a file of this name: YAML where it ends in `.yaml` or `.yml`, else JSON.
    pub fn of(file: &str) -> Self {
        let is_yaml = file
            .rsplit_once('.')
            .is_some_and(|(_, ending)| ["yaml", "yml"].iter().any(|yaml| ending.eq_ignore_ascii_case(yaml)));
        if is_yaml { Self::V2Yaml } else { Self::V1Json }
    }

    /// The keys that lead to the list of permissions.
    pub fn permissions_path(self) -> &'static [&'static str] {
        match self {
            Self::V1Json => &["permissions"],
            Self::V2Yaml => &["declarations", "stripe_api_access", "permissions"],
        }
    }

    /// Keys of the outermost object that belong elsewhere in this format, and where.
    fn misplaced(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::V1Json => &[("declarations", "the outermost object")],
            Self::V2Yaml => &[
                ("permissions", "`declarations.stripe_api_access`"),
                ("stripe_api_access_type", "`declarations`"),
                ("allowed_redirect_uris", "`declarations`"),
                ("distribution_type", "`declarations`"),
            ],
        }
    }

    /// How the other format's files are named.
    fn other_file(self) -> &'static str {
        match self {
            Self::V1Json => "stripe-app.yaml",
            Self::V2Yaml => "stripe-app.json",
        }
    }
}

/// Where a UI extension may send requests and load images from (contract 11.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentSecurityPolicy {
    /// `connect-src`.
    pub connect_src: Vec<String>,
    /// `image-src`.
    pub image_src: Vec<String>,
}

/// What a manifest says of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The app's id.
    pub id: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it asks for, in the order of the file and without duplicates; `None` where the manifest has no such list.
    pub permissions: Option<Vec<AskedPermission>>,
    /// How its backend gets its credentials, where the manifest says so (contract 15.1).
    pub api_access: Option<ApiAccess>,
    /// Where a browser may be sent after an install, the first by default (contract 15.11): absolute `http` or `https` URIs without a
    /// fragment.
    pub redirect_uris: Vec<String>,
    /// Where its UI extension may go.
    pub content_security_policy: ContentSecurityPolicy,
    /// Published or private, where the manifest says so. A platform file decides by itself.
    pub distribution: Option<Distribution>,
    /// How it is written.
    pub format: Format,
}

impl Manifest {
    /// Reads the manifest `text` of the file that is named `file`, whose ending tells the format.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn parse(text: &str, file: &str) -> Result<Self, Faults> {
        let root = tree(text, file)?;
        let found = Found::new(text, file);
        let manifest = Self::read(&root, Format::of(file), &found);
        let faults = found.into_faults();
        if faults.is_empty() { Ok(manifest) } else { Err(Faults::new(faults)) }
    }

    fn read(root: &Node, format: Format, found: &Found<'_>) -> Self {
        let root = Fields::of(root, found);
        if !root.is_table() {
            found.fault(1, "is no object; begin it with the app's `id`".to_owned());
        }
        for (key, place) in format.misplaced() {
            if let Some(node) = root.get(key) {
                let other = format.other_file();
                found.fault_at(node, format!("`{key}` stands where a {other} has it; put what it holds into {place}"));
            }
        }
        if let Some(node) = root.get("extends") {
            let text =
                "`extends` another manifest, which Cholla does not follow; name that one, or write out what it says";
            found.fault_at(node, text.to_owned());
        }
        let (declared, asked) = match format {
            Format::V1Json => (root.clone(), root.clone()),
            Format::V2Yaml => {
                let declared = root.table("declarations");
                let asked = declared.table("stripe_api_access");
                (declared, asked)
            }
        };
        let policy = root.table("ui_extension").table("content_security_policy");
        let id = root.text("id");
        if id.as_ref().is_some_and(|id| !AppId::is_legal(id)) {
            root.fault_in("id", NO_APP_ID);
        }
        Self {
            id,
            version: root.text("version"),
            name: root.text("name"),
            permissions: permissions(&asked),
            api_access: word(&declared, "stripe_api_access_type", &ApiAccess::ALL, ApiAccess::as_str),
            redirect_uris: declared.texts("allowed_redirect_uris", |uri| {
                let why = "is no absolute http or https URI without a fragment; write it out, such as `https://example.com/callback`";
                (!is_redirect_uri(uri)).then_some(why)
            }),
            content_security_policy: ContentSecurityPolicy {
                connect_src: policy.texts("connect-src", |_| None),
                image_src: policy.texts("image-src", |_| None),
            },
            distribution: word(&declared, "distribution_type", &Distribution::ALL, Distribution::as_str),
            format,
        }
    }
}

/// The manifest `text` of the file `file` as it is written.
///
/// # Errors
/// When it is too long, or not of its format. The one fault has the line.
pub fn tree(text: &str, file: &str) -> Result<Node, Faults> {
    let fault = |line, text| Faults::new(vec![Fault { file: file.to_owned(), line, text }]);
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(fault(None, format!("is longer than {MANIFEST_BYTES_MAX} bytes; shorten it")));
    }
    let plain = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let start = text.len() - plain.len();
    let read = match Format::of(file) {
        Format::V1Json => json::tree(plain, start),
        Format::V2Yaml => yaml::tree(plain, start),
    };
    read.map_err(|broken| fault(Some(broken.line), broken.text))
}

fn permissions(asked: &Fields<'_>) -> Option<Vec<AskedPermission>> {
    let mut permissions: Vec<AskedPermission> = Vec::new();
    for entry in asked.tables("permissions")? {
        let Some(permission) = entry.required("permission") else { continue };
        // Tools write an empty purpose where they have none.
        let purpose = entry.text_or_empty("purpose").filter(|purpose| !purpose.is_empty());
        if permissions.iter().any(|other| other.permission == permission) {
            entry.fault(format!("asks for {} twice; remove one of them", crate::platform::quoted(&permission)));
            continue;
        }
        permissions.push(AskedPermission { permission, purpose });
    }
    Some(permissions)
}

/// Whether a browser may be sent to `text` after an install (contract 15.11): an absolute `http` or `https` URI without a fragment.
pub fn is_redirect_uri(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    matches!(uri.scheme_str(), Some("http" | "https")) && has_host && !text.contains('#')
}

/// The value of `key`, which is one of `known`.
fn word<T: Copy>(fields: &Fields<'_>, key: &str, known: &[T], name: fn(T) -> &'static str) -> Option<T> {
    let text = fields.text(key)?;
    let found = known.iter().copied().find(|known| name(*known) == text);
    if found.is_none() {
        let legal = crate::platform::listed(known.iter().map(|known| name(*known)));
        fields.fault_in(key, &format!("is {}; make it one of {legal}", crate::platform::quoted(&text)));
    }
    found
}

#[cfg(test)]
mod tests;
