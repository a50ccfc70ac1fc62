//! `cholla apply`: brings a server to what a platform file declares, with a plan shown first.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Success, path};
use crate::args::oversight::ApplyArgs;
use crate::input;
use crate::output::{self, Exit, Failure, printable};
use crate::rows::{self, Row};
use crate::sensitive::Sensitive;
use crate::shown;

/// Bytes of a platform file or a manifest that are read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What is applied, and how.
#[derive(Serialize)]
struct Request<'a> {
    file: &'a str,
    text: &'a str,
    manifests: &'a BTreeMap<String, String>,
    dry_run: bool,
    prune: bool,
    allow_values: bool,
}

#[derive(Deserialize)]
struct Applied {
    plan: Vec<Step>,
    #[serde(default)]
    keys: Vec<Made>,
    #[serde(default)]
    secrets: Vec<Secret>,
}

/// A line of the plan.
#[derive(Deserialize)]
struct Step {
    action: String,
    kind: String,
    name: String,
    detail: String,
}

impl Row for Step {
    const HEAD: &'static [&'static str] = &["ACTION", "KIND", "NAME", "DETAIL"];
    const NONE: &'static str = "Nothing to do: the server is as the file says.";

    fn cells(&self) -> Vec<String> {
        vec![self.action.clone(), self.kind.clone(), self.name.clone(), self.detail.clone()]
    }
}

/// A key that was drawn.
#[derive(Deserialize)]
struct Made {
    kind: String,
    account: String,
    app: Option<String>,
    mode: String,
    value: Sensitive,
}

/// Another secret that was drawn: of a new app, or of a new webhook endpoint.
#[derive(Deserialize)]
struct Secret {
    account: String,
    app: Option<String>,
    webhook: Option<String>,
    url: Option<String>,
    value: Sensitive,
}

impl Secret {
    fn what(&self) -> String {
        let of = match (&self.app, &self.webhook, &self.url) {
            (Some(app), _, _) => app.clone(),
            (_, Some(webhook), Some(url)) => format!("{webhook}, which delivers to {url}"),
            _ => "what was made".to_owned(),
        };
        printable(&format!("The signing secret of {of}, of {}:", self.account))
    }
}

/// Shows the plan, asks, and applies.
///
/// # Errors
/// When the file cannot be read, nobody can be asked or the answer is no, the server cannot be reached, or it refuses.
pub(crate) fn run(args: &ApplyArgs) -> Result<(), Failure> {
    let instead = "Look at the plan with --dry-run, then apply it with --yes.";
    if !args.dry_run && !args.yes && !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody can be asked: standard input is no terminal", instead));
    }
    let text = read(&args.file)?;
    let (manifests, name) = (manifests(&args.file, &text)?, args.file.display().to_string());
    let admin = Admin::open(&args.admin)?;
    let ask = |dry_run| {
        let (prune, allow_values) = (args.prune, args.allow_values);
        let request = Request { file: &name, text: &text, manifests: &manifests, dry_run, prune, allow_values };
        admin.post(&path(&["platform"]), &request)
    };
    let planned = ask(true)?;
    let plan = planned.decode::<Applied>()?.plan;
    if !admin.json {
        rows::print_all(&plan)?;
    }
    if args.dry_run || plan.is_empty() {
        return if admin.json { output::bytes(planned.bytes()) } else { Ok(()) };
    }
    if !args.yes && !input::confirm(&format!("Apply these {} changes?", plan.len()), instead)? {
        return Err(Failure::new(Exit::Refused, "nothing was changed", "Answer y to apply the plan."));
    }
    finish(&admin, &ask(false)?)
}

fn finish(admin: &Admin, answer: &Success) -> Result<(), Failure> {
    if admin.json {
        return output::bytes(answer.bytes());
    }
    let applied = answer.decode::<Applied>()?;
    output::bytes(format!("Applied {} changes.\n", applied.plan.len()).as_bytes())?;
    for key in &applied.keys {
        let of = key.app.as_deref().map(|app| format!(" of {app}")).unwrap_or_default();
        let what = format!("The {} key{of} on {}, in {} mode:", key.kind, key.account, key.mode);
        shown::print(&key.value, &printable(&what))?;
    }
    for secret in &applied.secrets {
        shown::print(&secret.value, &secret.what())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| {
        let message = format!("{} {why}", file.display());
        Failure::usage(message, "Name a UTF-8 file of at most 1 MiB that exists and that you may read.")
    };
    let length = fs::metadata(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?.len();
    if length > FILE_BYTES_MAX {
        return Err(wrong("is too long"));
    }
    fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))
}

/// The manifests that the file names, by how it names them. A file that is no TOML names none: the server says what is wrong with it.
fn manifests(file: &Path, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let declared = text.parse::<toml::Table>().unwrap_or_default();
    let apps = declared.get("apps").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names = apps.iter().filter_map(|app| app.get("manifest")?.as_str());
    names.map(|name| Ok((name.to_owned(), read(&folder.join(name))?))).collect()
}
