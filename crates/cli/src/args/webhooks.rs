//! The commands on webhook endpoints and what is delivered to them.

use std::net::SocketAddr;

use clap::Subcommand;

use super::admin::{AdminArgs, Mode, RollArgs};

#[derive(Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Create an endpoint; its signing secret is shown once
    Create(CreateWebhookArgs),
    /// List the endpoints
    List(WebhookListArgs),
    /// Delete an endpoint; what is queued for it is not delivered
    Delete(WebhookArgs),
    /// Give an endpoint another signing secret; it is shown once
    Roll(RollWebhookArgs),
    /// List deliveries and how they stand, the newest first
    Deliveries(DeliveryListArgs),
    /// Deliver an event once more
    Resend(ResendArgs),
    /// Receive events here and forward them, through an endpoint that goes when this command ends
    Listen(ListenArgs),
}

/// Whose events, and which.
#[derive(clap::Args)]
pub(crate) struct SubscriptionArgs {
    /// The account whose endpoint it is [default: the operator's own, which hears of secrets]
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: Option<String>,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    /// Events of the accounts that installed this account's apps, instead of its own
    #[arg(long)]
    pub(crate) connect: bool,
    /// Only this type of event (repeatable, or separated by commas) [default: all]
    #[arg(long = "events", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) events: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct CreateWebhookArgs {
    /// Where events are posted
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) subscription: SubscriptionArgs,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct WebhookListArgs {
    /// Only those of this account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct WebhookArgs {
    /// The endpoint's id, `we_…`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct RollWebhookArgs {
    #[command(flatten)]
    pub(crate) webhook: WebhookArgs,
    #[command(flatten)]
    pub(crate) roll: RollArgs,
}

#[derive(clap::Args)]
pub(crate) struct DeliveryListArgs {
    /// Only those of this event, `evt_…`
    #[arg(value_name = "EVENT")]
    pub(crate) event: Option<String>,
    /// At most this many, one or more
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct ResendArgs {
    /// The event's id, `evt_…`
    #[arg(value_name = "EVENT")]
    pub(crate) event: String,
    /// Only to this endpoint [default: to all that it was for]
    #[arg(long, value_name = "ID")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct ListenArgs {
    /// Where each event is forwarded, as it came
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: String,
    #[command(flatten)]
    pub(crate) subscription: SubscriptionArgs,
    /// Where to receive: an address that the server can reach
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}
