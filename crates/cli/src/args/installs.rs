//! The commands on single installs, and on consent.

use clap::Subcommand;

use super::admin::{AdminArgs, Mode, RollArgs};

#[derive(Subcommand)]
pub(crate) enum InstallsCommand {
    /// List installs
    List(InstallListArgs),
    /// Show one install
    Show(InstallArgs),
    /// Grant and withdraw single permissions
    Permissions(PermissionsArgs),
    /// Issue the restricted key of an install whose app has that access; it is shown once. A further one takes the place of the old
    IssueKey(IssueKeyArgs),
}

/// Which install.
#[derive(clap::Args)]
pub(crate) struct InstallArgs {
    /// The install's id, `appinst_…`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct InstallListArgs {
    /// Only those on this account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: Option<String>,
    /// Only those of this app
    #[arg(long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Only those of this mode
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct PermissionsArgs {
    #[command(flatten)]
    pub(crate) install: InstallArgs,
    /// Grant this permission, which the app asks for (repeatable)
    #[arg(long, value_name = "NAME", required_unless_present = "withdraw")]
    pub(crate) grant: Vec<String>,
    /// Withdraw this permission (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) withdraw: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct IssueKeyArgs {
    #[command(flatten)]
    pub(crate) install: InstallArgs,
    #[command(flatten)]
    pub(crate) roll: RollArgs,
}

#[derive(Subcommand)]
pub(crate) enum AuthorizationsCommand {
    /// Show what a person would be asked; nothing is written
    Preview(ConsentArgs),
    /// Install the app as the person allowed it, and print where to send the browser, once
    Allow(DecideArgs),
    /// Print where to send the browser of a person who denied it; nothing is written
    Deny(DecideArgs),
}

/// Who is asked for what.
#[derive(clap::Args)]
pub(crate) struct ConsentArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The account that it is to be installed on
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    /// The person
    #[arg(long, value_name = "USER")]
    pub(crate) user: String,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    /// Where the browser is to be sent: exactly one of the app's [default: its first]
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct DecideArgs {
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    /// The `state` of the link, which is handed back as it came
    #[arg(long, value_name = "TEXT")]
    pub(crate) state: Option<String>,
    /// The `code_challenge` of the link, of the method S256
    #[arg(long, value_name = "TEXT")]
    pub(crate) code_challenge: Option<String>,
}
