//! `cholla webhooks deliveries` and `cholla webhooks resend`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, path};
use crate::args::webhooks::{DeliveryListArgs, ResendArgs};
use crate::output::{self, Exit, Failure, date};
use crate::rows::{self, Row, or_dash};

/// A delivery, as a table shows it.
#[derive(Deserialize)]
struct Delivery {
    event: String,
    webhook: Option<String>,
    status: String,
    attempts: u32,
    queued: i64,
    due: i64,
}

impl Row for Delivery {
    const HEAD: &'static [&'static str] = &["EVENT", "WEBHOOK", "STATUS", "ATTEMPTS", "QUEUED", "DUE"];
    const NONE: &'static str = "No deliveries.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.event.clone(),
            or_dash(self.webhook.as_deref()),
            self.status.clone(),
            self.attempts.to_string(),
            date(self.queued),
            date(self.due),
        ]
    }
}

/// Lists deliveries.
pub(super) fn list(args: &DeliveryListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let event = args.event.as_deref();
    rows::print_some::<Delivery>(&admin, &path(&["deliveries"]), rows::limit(args.limit), |form| {
        form.with("event", event)
    })
}

/// Delivers an event once more: to one endpoint, or to all that it was for.
pub(super) fn resend(args: &ResendArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Again<'a> {
        event: &'a str,
        webhook: &'a str,
    }
    let mut admin = Admin::open(&args.admin)?;
    let webhooks = match &args.endpoint {
        Some(endpoint) => vec![endpoint.clone()],
        None => receivers(&mut admin, &args.event)?,
    };
    if webhooks.is_empty() {
        let message = format!("no endpoint that is there was to get {}", args.event);
        return Err(Failure::new(Exit::Refused, message, "See what is delivered with `cholla webhooks deliveries`."));
    }
    for webhook in &webhooks {
        let queued = admin.post(&path(&["deliveries", "resend"]), &Again { event: &args.event, webhook })?;
        if admin.json {
            output::bytes(queued.bytes())?;
        } else {
            output::bytes(format!("Queued for {}.\n", output::printable(webhook)).as_bytes())?;
        }
    }
    Ok(())
}

/// The endpoints that the event was for and that are there.
fn receivers(admin: &mut Admin, event: &str) -> Result<Vec<String>, Failure> {
    let json = std::mem::replace(&mut admin.json, false);
    let found = admin.list::<Delivery>(&path(&["deliveries"]), usize::MAX, |form| form.with("event", Some(event)));
    admin.json = json;
    Ok(found?.into_iter().filter_map(|delivery| delivery.webhook).collect())
}
