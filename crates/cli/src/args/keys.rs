//! The commands on credentials: keys, sessions of UI extensions, admin tokens.

use clap::{Subcommand, ValueEnum};

use super::admin::{AdminArgs, Mode, RollArgs};

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key; it is shown once
    Create(CreateKeyArgs),
    /// List keys: what they are, never the keys themselves
    List(KeyListArgs),
    /// Put another key in the place of one; it is shown once
    Roll(RollKeyArgs),
    /// Let a key expire at another time than before
    Expire(ExpireKeyArgs),
    /// Revoke a key, at once
    Revoke(KeyArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// An account's own secret key
    Secret,
    /// A restricted key: of an app with --app, else an account's own for the Install API
    Restricted,
    /// An OAuth access token of an app
    Oauth,
    /// A UI extension's key of one user
    Embedded,
    /// A publishable key, which opens nothing
    Publishable,
}

impl KeyKind {
    /// The word of the admin API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Restricted => "restricted",
            Self::Oauth => "oauth",
            Self::Embedded => "embedded",
            Self::Publishable => "publishable",
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct CreateKeyArgs {
    /// What it is
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: KeyKind,
    /// The account that it belongs to; for a key of an app the installing account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    /// The app, for its restricted keys, OAuth tokens and embedded keys
    #[arg(long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// The user of an embedded key
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    /// What it may do at most (repeatable) [default: all that the install is granted]
    #[arg(long = "permission", value_name = "NAME")]
    pub(crate) permissions: Vec<String>,
    /// How long it counts, such as 90d [default: until it is revoked; embedded 15m, OAuth 1h, and those 1h at most]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires_in: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct KeyListArgs {
    /// Only those of this account
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: Option<String>,
    /// Only those of this app
    #[arg(long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<KeyKind>,
    /// Only those of this mode
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct KeyArgs {
    /// The key's id, `key_…`, as the list shows it; never the key itself
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct RollKeyArgs {
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) roll: RollArgs,
}

#[derive(clap::Args)]
pub(crate) struct ExpireKeyArgs {
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// In how long it expires, such as 24h
    #[arg(long = "in", value_name = "DURATION")]
    pub(crate) within: String,
}

#[derive(Subcommand)]
pub(crate) enum SessionsCommand {
    /// Make the embedded key of a user who looks at an app's UI extension; it is shown once
    Create(CreateSessionArgs),
}

#[derive(clap::Args)]
pub(crate) struct CreateSessionArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(long, value_name = "APP")]
    pub(crate) app: String,
    /// The account that installed it
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    /// The user
    #[arg(long, value_name = "USER")]
    pub(crate) user: String,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    /// How long the key counts, such as 15m, at most 1h [default: 15m]
    #[arg(long, value_name = "DURATION")]
    pub(crate) lifetime: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum TokensCommand {
    /// Create an admin token; it is shown once
    Create(CreateTokenArgs),
    /// List the admin tokens: what they are, never the tokens themselves
    List(TokenListArgs),
    /// Revoke an admin token, at once
    Revoke(KeyArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// May do everything
    Operator,
    /// May look at everything that is no secret, and change nothing
    Auditor,
}

impl Role {
    /// The word of the admin API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct CreateTokenArgs {
    /// What it may do
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Role,
    /// How long it counts, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires_in: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct TokenListArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}
