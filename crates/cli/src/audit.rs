//! `cholla audit`

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::admin::{Admin, path};
use crate::args::oversight::AuditCommand;
use crate::output::{Failure, date};
use crate::rows::{self, Row, listed};

/// An entry of the audit log, as a table shows it.
#[derive(Deserialize)]
struct Entry {
    at: i64,
    action: String,
    actor: String,
    subject: BTreeMap<String, String>,
}

impl Row for Entry {
    const HEAD: &'static [&'static str] = &["AT", "ACTION", "ACTOR", "SUBJECT"];
    const NONE: &'static str = "No entries.";

    fn cells(&self) -> Vec<String> {
        let subject: Vec<_> = self.subject.iter().map(|(word, id)| format!("{word} {id}")).collect();
        vec![date(self.at), self.action.clone(), self.actor.clone(), listed(&subject)]
    }
}

/// Runs one command on the audit log.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List(args) = command;
    let admin = Admin::open(&args.admin)?;
    rows::print_some::<Entry>(&admin, &path(&["audit"]), rows::limit(args.limit), |form| form)
}
