//! What the commands on the admin API have in common.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::sensitive::Sensitive;

/// Which server, as which operator, and how the answer is shown.
#[derive(clap::Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct AdminArgs {
    /// The server's admin listener
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:12113",
        env = "CHOLLA_ADMIN_BASE",
        hide_env_values = true
    )]
    pub(crate) admin_base: String,
    /// The admin token; `-` reads it from standard input
    #[arg(long, value_name = "TOKEN", env = "CHOLLA_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<Sensitive>,
    /// The file that holds the admin token, such as the `admin.token` that `cholla init` makes
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file, and only those [default: what the system trusts]
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Print the server's JSON as it came
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Test,
    Live,
}

impl Mode {
    /// `test` or `live`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// How long the old one lives on beside the new one.
#[derive(clap::Args)]
pub(crate) struct RollArgs {
    /// How long the old one counts beside the new one, such as 24h, at most 7d [default: not at all]
    #[arg(long, value_name = "DURATION")]
    pub(crate) overlap: Option<String>,
}
