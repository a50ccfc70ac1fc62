//! `cholla init`: what a production server needs before its first start.

use std::fmt::Write as _;

use cholla_server::init::{InitOptions, init};
use zeroize::Zeroizing;

use crate::args::InitArgs;
use crate::output::{self, Exit, Failure};

/// Makes the files and prints what to do next.
///
/// # Errors
/// When one of them exists, or cannot be made.
pub(crate) fn run(args: InitArgs) -> Result<(), Failure> {
    let options = InitOptions { directory: args.directory, hostnames: args.hostnames };
    let failed =
        |error: cholla_server::init::InitError| Failure::new(Exit::Refused, error.to_string(), error.recommendation());
    let made = init(&options).map_err(failed)?;
    let mut text = Zeroizing::new(String::from("Made:\n"));
    for file in &made.files {
        let _ = writeln!(text, "  {}", file.display());
    }
    let _ = writeln!(
        text,
        "\nAdmin token (also in admin.token; health, readiness and metrics need none): {}\n",
        made.admin_token.as_str()
    );
    let _ = writeln!(text, "Next:");
    let _ = writeln!(
        text,
        "  1. Keep a copy of root.key somewhere else. Without it nobody can read the data, you included."
    );
    let _ = writeln!(
        text,
        "  2. Let clients trust tls/ca.pem (for 820 days, then renew it), or put a certificate of your own in tls/server.pem and tls/server.key."
    );
    let directory = &options.directory;
    let _ = writeln!(text, "  3. cholla serve --config {}", directory.join("cholla.toml").display());
    let _ = writeln!(
        text,
        "  4. Make accounts, apps, installs and keys while it runs: `cholla accounts create`, `cholla apps upload`, `cholla apps install`, `cholla keys create`; or declare them in a platform file and run `cholla apply -f platform.toml`. Each takes --admin-token-file {}.",
        directory.join("admin.token").display()
    );
    output::bytes(text.as_bytes())
}
