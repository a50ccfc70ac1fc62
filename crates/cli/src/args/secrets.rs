//! The commands on secrets.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::sensitive::Sensitive;

#[derive(Subcommand)]
pub(crate) enum SecretsCommand {
    /// Create a secret, or replace the one of that name
    Create(CreateArgs),
    /// Find one secret by its name
    Find(FindArgs),
    /// List the secrets of a scope, newest first
    List(ListArgs),
    /// Delete one secret by its name
    Delete(DeleteArgs),
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    pub(crate) named: NamedArgs,
    /// The payload; `-` reads it from standard input, without the one newline at its end
    #[arg(long, value_name = "PAYLOAD", allow_hyphen_values = true)]
    pub(crate) payload: Option<Sensitive>,
    /// When the secret expires, in Unix seconds [default: never]
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    pub(crate) expires_at: Option<i64>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    /// Only if there is no such secret: `*`
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_none_match: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

#[derive(clap::Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) named: NamedArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Length of a page, 1 to 100 [default: 10]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) limit: Option<i64>,
    /// Only those older than the secret of this id
    #[arg(long, value_name = "ID")]
    pub(crate) starting_after: Option<String>,
    /// Only those newer than the secret of this id
    #[arg(long, value_name = "ID")]
    pub(crate) ending_before: Option<String>,
    /// Every page, one after the other
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

#[derive(clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) named: NamedArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

/// Which secret.
#[derive(clap::Args)]
pub(crate) struct NamedArgs {
    /// The name of the secret
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) name: Option<Sensitive>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
}

/// Which scope.
#[derive(clap::Args)]
pub(crate) struct ScopeArgs {
    /// Whose secrets: the whole account's or one user's [default: user, where --user is given]
    #[arg(long, value_name = "TYPE")]
    pub(crate) scope: Option<ScopeType>,
    /// The user of a user scope
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<Sensitive>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeType {
    Account,
    User,
}

/// What makes a write safe to repeat, or conditional.
#[derive(clap::Args)]
pub(crate) struct WriteArgs {
    /// Makes a retry safe: the same key and parameters have one effect
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Only if the secret still is this version (the ETAG column), or `*`: only if there is one
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_match: Option<String>,
}

/// Which server, as whom, and how the answer is shown.
#[derive(clap::Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestArgs {
    /// A parameter as the API names it, such as `scope[type]=account` (repeatable)
    #[arg(short = 'd', long = "data", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub(crate) data: Vec<Sensitive>,
    /// Part of the answer: `payload`, or `data.payload` when listing (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) expand: Vec<String>,
    /// The server
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:12111",
        env = "CHOLLA_API_BASE",
        hide_env_values = true
    )]
    pub(crate) api_base: String,
    /// The API key; `-` reads it from standard input; without one, `STRIPE_API_KEY` is used
    #[arg(long, value_name = "KEY", env = "CHOLLA_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<Sensitive>,
    /// The account to act on: one that installed an app of the key's owner
    #[arg(long, value_name = "ACCT")]
    pub(crate) stripe_account: Option<String>,
    /// Trust the certificates in this PEM file, and only those [default: what the system trusts]
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Print the server's JSON as it came
    #[arg(long)]
    pub(crate) json: bool,
}
