//! The commands on accounts and their users.

use clap::Subcommand;

use super::admin::AdminArgs;

#[derive(Subcommand)]
pub(crate) enum AccountsCommand {
    /// Create an account: of a developer, of one who installs apps, or both
    Create(CreateAccountArgs),
    /// List the accounts
    List(AccountListArgs),
    /// Show one account
    Show(AccountArgs),
    /// Give an account another name
    Rename(RenameArgs),
    /// Let a developer install its own apps on an account
    Connect(ConnectArgs),
    /// Do not let a developer install its apps there any more; installs stay
    Disconnect(ConnectArgs),
}

#[derive(clap::Args)]
pub(crate) struct CreateAccountArgs {
    /// Its id: `acct_` and letters, digits or `_`
    #[arg(value_name = "ACCT")]
    pub(crate) account: String,
    /// Its name, for people
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct AccountListArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct AccountArgs {
    /// The account
    #[arg(value_name = "ACCT")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct RenameArgs {
    /// The account
    #[arg(value_name = "ACCT")]
    pub(crate) account: String,
    /// Its name from now on
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct ConnectArgs {
    /// The account
    #[arg(value_name = "ACCT")]
    pub(crate) account: String,
    /// The account of the developer
    #[arg(long, value_name = "ACCT")]
    pub(crate) developer: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum UsersCommand {
    /// List a user with an account; users who are not listed can be used all the same
    Add(UserArgs),
    /// List the users of an account
    List(UserListArgs),
    /// Erase all scopes of a user in an account, and revoke the user's keys there
    Offboard(OffboardArgs),
}

#[derive(clap::Args)]
pub(crate) struct UserArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// The user's account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct UserListArgs {
    /// The account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct OffboardArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// Say what would be erased, and erase nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
