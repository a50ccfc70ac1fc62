//! `cholla webhooks`: endpoints, what is delivered to them, and a receiver of our own.

mod create;
mod deliveries;
mod listen;
mod receiver;

use serde::Deserialize;

use crate::admin::{Admin, path};
use crate::args::webhooks::{RollWebhookArgs, WebhookArgs, WebhookListArgs, WebhooksCommand};
use crate::output::{self, Failure, date, printable};
use crate::rows::{self, Row, listed, or_dash};
use crate::sensitive::Sensitive;
use crate::shown;

/// An endpoint, as a table shows it.
#[derive(Deserialize)]
struct Webhook {
    id: String,
    account: Option<String>,
    mode: String,
    url: String,
    connect: bool,
    events: Vec<String>,
    created: i64,
}

impl Row for Webhook {
    const HEAD: &'static [&'static str] = &["ID", "ACCOUNT", "MODE", "URL", "CONNECT", "EVENTS", "CREATED"];
    const NONE: &'static str = "No endpoints.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            or_dash(self.account.as_deref()),
            self.mode.clone(),
            self.url.clone(),
            if self.connect { "yes" } else { "no" }.to_owned(),
            listed(&self.events),
            date(self.created),
        ]
    }
}

/// Runs one command on webhooks.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: WebhooksCommand) -> Result<(), Failure> {
    match command {
        WebhooksCommand::Create(args) => create::run(&args),
        WebhooksCommand::List(args) => list(&args),
        WebhooksCommand::Delete(args) => delete(&args),
        WebhooksCommand::Roll(args) => roll(&args),
        WebhooksCommand::Deliveries(args) => deliveries::list(&args),
        WebhooksCommand::Resend(args) => deliveries::resend(&args),
        WebhooksCommand::Listen(args) => listen::run(&args),
    }
}

fn list(args: &WebhookListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_list::<Webhook>(&admin, &path(&["webhooks"]), |form| form.with("account", args.account.as_deref()))
}

fn delete(args: &WebhookArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let gone = admin.delete(&path(&["webhooks", &args.id]))?;
    if admin.json { output::bytes(gone.bytes()) } else { output::bytes(b"Deleted.\n") }
}

fn roll(args: &RollWebhookArgs) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Rolled {
        webhook: String,
        secret: Sensitive,
    }
    let admin = Admin::open(&args.webhook.admin)?;
    let rolled = admin.roll(&["webhooks", &args.webhook.id, "roll"], &args.roll)?;
    if admin.json {
        return output::bytes(rolled.bytes());
    }
    let Rolled { webhook, secret } = rolled.decode()?;
    shown::print(&secret, &format!("The new signing secret of {}:", printable(&webhook)))
}
