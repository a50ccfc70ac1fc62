//! Every command and flag, and nothing else.
//!
//! Payloads and keys are [`Sensitive`](crate::sensitive::Sensitive) from here on, and taken by parsers that cannot fail, because a parser's message would
//! show what it was given.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod apps;
pub(crate) mod installs;
pub(crate) mod keys;
pub(crate) mod oversight;
pub(crate) mod secrets;
pub(crate) mod webhooks;

use accounts::{AccountsCommand, UsersCommand};
use apps::AppsCommand;
use installs::{AuthorizationsCommand, InstallsCommand};
use keys::{KeysCommand, SessionsCommand, TokensCommand};
use oversight::{ApplyArgs, AuditCommand, ErasuresCommand, InventoryArgs, ReceiptsCommand};
use webhooks::WebhooksCommand;

/// A self-hosted secret store that speaks the Stripe Apps Secret Store API.
#[derive(Parser)]
#[command(name = "cholla", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a server for development: nothing to configure, keys printed
    Dev(DevArgs),
    /// Make the configuration, the root key, the admin token and a certificate of a production server
    Init(InitArgs),
    /// Start a production server
    Serve(ServeArgs),
    /// Bring accounts, users, apps, installs and keys to what a platform file declares, with a plan shown first
    Apply(ApplyArgs),
    /// Work with accounts
    Accounts {
        #[command(subcommand)]
        command: AccountsCommand,
    },
    /// Work with the users of an account
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Work with apps
    Apps {
        #[command(subcommand)]
        command: AppsCommand,
    },
    /// Work with single installs
    Installs {
        #[command(subcommand)]
        command: InstallsCommand,
    },
    /// Work with the consent of people who are asked to install an app
    Authorizations {
        #[command(subcommand)]
        command: AuthorizationsCommand,
    },
    /// Work with keys
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Work with sessions of UI extensions
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Work with webhook endpoints and deliveries
    Webhooks {
        #[command(subcommand)]
        command: WebhooksCommand,
    },
    /// Show which secrets there are: names, ages and expiries, never payloads
    Inventory(InventoryArgs),
    /// Work with erasures
    Erasures {
        #[command(subcommand)]
        command: ErasuresCommand,
    },
    /// Work with the signed receipts of erasures
    Receipts {
        #[command(subcommand)]
        command: ReceiptsCommand,
    },
    /// Work with admin tokens
    Tokens {
        #[command(subcommand)]
        command: TokensCommand,
    },
    /// Work with the audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(clap::Args)]
pub(crate) struct DevArgs {
    /// The accounts, users, apps, installs and keys to start with [default: The Cactus Practice]
    #[arg(long, value_name = "FILE")]
    pub(crate) platform: Option<PathBuf>,
    /// Keep everything in this directory [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Refuse keys and accounts that were not declared, instead of making them up
    #[arg(long)]
    pub(crate) strict: bool,
    /// Refuse payloads in which a card number stands
    #[arg(long)]
    pub(crate) payload_guard: bool,
    /// Where to answer HTTP; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:12111")]
    pub(crate) listen: SocketAddr,
    /// Where to answer HTTPS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:12112")]
    pub(crate) listen_https: SocketAddr,
    /// Where to answer the admin API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:12113")]
    pub(crate) admin: SocketAddr,
    /// Write what it started with to this file, as JSON, once it accepts connections
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// What to log on standard error: error, warn, info, debug or trace; or a filter such as `cholla=debug,h2=debug`, with which
    /// libraries may print what clients send
    #[arg(long, value_name = "FILTER", default_value = "info", env = "CHOLLA_LOG", hide_env_values = true)]
    pub(crate) log: String,
}

#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// Where to make them; nothing that exists is overwritten
    #[arg(value_name = "DIRECTORY", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// A host name or IP address that clients will use (repeatable)
    #[arg(long = "hostname", value_name = "NAME")]
    pub(crate) hostnames: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "./cholla.toml")]
    pub(crate) config: PathBuf,
    /// Write addresses, and what the platform file declares, to this file, as JSON, once it accepts connections. Keys that the server drew are
    /// there at the first start only
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
