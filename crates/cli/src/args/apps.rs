//! The commands on apps and their installs.

use std::path::PathBuf;

use clap::Subcommand;

use super::admin::{AdminArgs, Mode, RollArgs};
use super::secrets::SecretsCommand;

#[derive(Subcommand)]
pub(crate) enum AppsCommand {
    /// Ask for something in the app's manifest
    Grant {
        #[command(subcommand)]
        command: GrantCommand,
    },
    /// Stop asking for something in the app's manifest
    Revoke {
        #[command(subcommand)]
        command: RevokeCommand,
    },
    /// Set, find, list and delete secrets
    Secrets {
        #[command(subcommand)]
        command: Box<SecretsCommand>,
    },
    /// Check the app's manifest, and show what Cholla reads of it
    Validate(ValidateArgs),
    /// Upload the app's manifest: a new version, and the app itself the first time
    Upload(UploadArgs),
    /// Publish the newest upload of an app: every public install follows
    Publish(AppArgs),
    /// Install an app on an account, or grant an install what its app asks for
    Install(InstallAppArgs),
    /// End an install: its secrets are out of reach at once, and erased after the grace period
    Uninstall(UninstallArgs),
    /// List the apps
    List(AppListArgs),
    /// Show one app, and where it is installed
    Show(AppArgs),
    /// Give an app another signing secret; it is shown once
    RollSigningSecret(RollSigningSecretArgs),
}

/// Which app.
#[derive(clap::Args)]
pub(crate) struct AppArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct UploadArgs {
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    /// The account of the app's developer
    #[arg(long, value_name = "ACCT")]
    pub(crate) owner: String,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct InstallAppArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The account to install it on
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    /// Grant this permission, and no other but those listed (repeatable) [default: all that the app asks for]
    #[arg(long = "permission", value_name = "NAME")]
    pub(crate) permissions: Vec<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct UninstallArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The account that installed it
    #[arg(long, value_name = "ACCT")]
    pub(crate) account: String,
    /// Test or live
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(crate) mode: Mode,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct AppListArgs {
    /// Only those of this developer
    #[arg(long, value_name = "ACCT")]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(clap::Args)]
pub(crate) struct RollSigningSecretArgs {
    /// The app, by its manifest id, its app_ id or its client id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    #[command(flatten)]
    pub(crate) roll: RollArgs,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Subcommand)]
pub(crate) enum GrantCommand {
    /// Ask for a permission, or for another reason than before
    Permission(GrantPermissionArgs),
}

#[derive(Subcommand)]
pub(crate) enum RevokeCommand {
    /// Do not ask for a permission any more
    Permission(RevokePermissionArgs),
}

#[derive(clap::Args)]
pub(crate) struct GrantPermissionArgs {
    /// The permission, such as `secret_write`
    #[arg(value_name = "NAME")]
    pub(crate) permission: String,
    /// Why the app needs it, for those who are asked for it
    #[arg(value_name = "PURPOSE")]
    pub(crate) purpose: String,
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
}

#[derive(clap::Args)]
pub(crate) struct RevokePermissionArgs {
    /// The permission, such as `secret_write`
    #[arg(value_name = "NAME")]
    pub(crate) permission: String,
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
}

#[derive(clap::Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which manifest.
#[derive(clap::Args)]
pub(crate) struct ManifestArgs {
    /// The manifest [default: ./stripe-app.json, else ./stripe-app.yaml]
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest: Option<PathBuf>,
}
