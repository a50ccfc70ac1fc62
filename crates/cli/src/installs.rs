//! `cholla installs`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, path};
use crate::apps::installs::{Install, of};
use crate::args::admin::Mode;
use crate::args::installs::{InstallArgs, InstallListArgs, InstallsCommand, IssueKeyArgs, PermissionsArgs};
use crate::output::{self, Failure, printable};
use crate::rows;
use crate::sensitive::Sensitive;
use crate::shown;

/// Runs one command on installs.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &InstallsCommand) -> Result<(), Failure> {
    match command {
        InstallsCommand::List(args) => list(args),
        InstallsCommand::Show(args) => show(args),
        InstallsCommand::Permissions(args) => permissions(args),
        InstallsCommand::IssueKey(args) => issue_key(args),
    }
}

fn list(args: &InstallListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_list::<Install>(&admin, &path(&["installs"]), |form| {
        of(form, args.app.as_deref(), args.account.as_deref(), args.mode.map(Mode::as_str))
    })
}

fn show(args: &InstallArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_one::<Install>(
        &admin,
        &admin.get(&path(&["installs", &args.id]), &cholla_wire::client::Form::default())?,
    )
}

fn permissions(args: &PermissionsArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Changed<'a> {
        grant: &'a [String],
        withdraw: &'a [String],
    }
    let admin = Admin::open(&args.install.admin)?;
    let changed = Changed { grant: &args.grant, withdraw: &args.withdraw };
    rows::print_one::<Install>(&admin, &admin.post(&path(&["installs", &args.install.id, "permissions"]), &changed)?)
}

fn issue_key(args: &IssueKeyArgs) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Issued {
        key: Sensitive,
        install: String,
    }
    let admin = Admin::open(&args.install.admin)?;
    let issued = admin.roll(&["installs", &args.install.id, "keys"], &args.roll)?;
    if admin.json {
        return output::bytes(issued.bytes());
    }
    let Issued { key, install } = issued.decode()?;
    shown::print(&key, &format!("The restricted key of {}:", printable(&install)))
}
