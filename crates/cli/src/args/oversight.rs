//! The commands that look: at what is stored, what was erased and who did what.

use std::path::PathBuf;

use clap::Subcommand;

use super::admin::AdminArgs;

#[derive(clap::Args)]
#[command(override_usage = "cholla inventory [OPTIONS] <--account <ACCT>|--app <APP>>")]
#[command(group = clap::ArgGroup::new("whose").required(true).args(["account", "app"]))]
pub(crate) struct InventoryArgs {
    /// Of this account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: Option<String>,
    /// Of this app
    #[arg(long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Only secrets that expire within this time, such as 7d
    #[arg(long, value_name = "DURATION")]
    pub(crate) expiring_within: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum ErasuresCommand {
    /// List the erasures, the newest first
    List(ErasureListArgs),
    /// Show one erasure, with its receipt once it is finished
    Show(ErasureArgs),
    /// Say what an uninstall or an offboarding would erase, and erase nothing
    Plan(PlanArgs),
}

#[derive(clap::Args)]
pub(crate) struct ErasureListArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct ErasureArgs {
    /// The erasure's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
#[command(override_usage = "cholla erasures plan [OPTIONS] <--install <ID>|--account <ACCT> --user <USER>>")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["install", "account"]))]
pub(crate) struct PlanArgs {
    /// The install that would end
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    pub(crate) install: Option<String>,
    /// The account whose user would be offboarded; with --user
    #[arg(long, value_name = "ACCT", requires = "user")]
    pub(crate) account: Option<String>,
    /// The user; with --account
    #[arg(long, value_name = "USER", requires = "account")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum ReceiptsCommand {
    /// Verify the signature of an erasure's receipt, and show what it says
    Verify(VerifyArgs),
    /// Print the server's public keys as a JWK set, for those who verify without it
    Keys(KeySetArgs),
}

#[derive(clap::Args)]
pub(crate) struct KeySetArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// The receipt; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The server's public keys, so that nothing is asked of it [default: those that the admin listener answers]
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List what was done and by whom, the newest first
    List(AuditListArgs),
}

#[derive(clap::Args)]
pub(crate) struct AuditListArgs {
    /// At most this many, one or more
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(clap::Args)]
pub(crate) struct ApplyArgs {
    /// The platform file; the manifests that it names are read relative to it
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Show the plan, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Remove installs, keys and endpoints of the file's accounts that it does not name; the plan says what the end of an install erases
    #[arg(long)]
    pub(crate) prune: bool,
    /// Take keys and signing secrets whose values stand in the file
    #[arg(long)]
    pub(crate) allow_values: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}
