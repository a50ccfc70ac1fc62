//! `cholla apps install` and `cholla apps uninstall`

use cholla_wire::client::Form;
use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Nothing, path};
use crate::args::admin::Mode;
use crate::args::apps::{InstallAppArgs, UninstallArgs};
use crate::output::{Exit, Failure, date};
use crate::rows::{self, Row, listed};

/// An install (contract 11.1), as a table shows it.
#[derive(Deserialize)]
pub(crate) struct Install {
    id: String,
    account: String,
    app: String,
    livemode: bool,
    channel: String,
    created: i64,
    permissions_granted: Vec<String>,
    permissions_pending: Vec<String>,
    status: String,
}

impl Row for Install {
    const HEAD: &'static [&'static str] =
        &["ID", "APP", "ACCOUNT", "MODE", "CHANNEL", "STATUS", "GRANTED", "PENDING", "CREATED"];
    const NONE: &'static str = "No installs.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.app.clone(),
            self.account.clone(),
            if self.livemode { Mode::Live } else { Mode::Test }.as_str().to_owned(),
            self.channel.clone(),
            self.status.clone(),
            listed(&self.permissions_granted),
            listed(&self.permissions_pending),
            date(self.created),
        ]
    }
}

/// Which installs.
pub(crate) fn of(form: Form, app: Option<&str>, account: Option<&str>, mode: Option<&str>) -> Form {
    form.with("app", app).with("account", account).with("mode", mode)
}

/// Installs an app.
pub(super) fn install(args: &InstallAppArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewInstall<'a> {
        app: &'a str,
        account: &'a str,
        mode: &'a str,
        permissions: Option<&'a [String]>,
    }
    let admin = Admin::open(&args.admin)?;
    let permissions = Some(args.permissions.as_slice()).filter(|listed| !listed.is_empty());
    let new = NewInstall { app: &args.app, account: &args.account, mode: args.mode.as_str(), permissions };
    rows::print_one::<Install>(&admin, &admin.post(&path(&["installs"]), &new)?)
}

/// Ends the install of an app on an account.
pub(super) fn uninstall(args: &UninstallArgs) -> Result<(), Failure> {
    /// A page of at most one install.
    #[derive(Deserialize)]
    struct Found {
        data: Vec<Install>,
    }
    let admin = Admin::open(&args.admin)?;
    let mode = args.mode.as_str();
    let query = of(Form::default(), Some(&args.app), Some(&args.account), Some(mode));
    let found: Found = admin.get(&path(&["installs"]), &query)?.decode()?;
    let Some(install) = found.data.first() else {
        let message = format!("{} is not installed on {} in {mode} mode", args.app, args.account);
        let help = "See where it is installed with `cholla apps show APP`; --mode live is the other mode.";
        return Err(Failure::new(Exit::Refused, message, help));
    };
    let ended = admin.post(&path(&["installs", &install.id, "uninstall"]), &Nothing {})?;
    rows::print_one::<Install>(&admin, &ended)
}
