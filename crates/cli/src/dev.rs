//! `cholla dev`: a server for development.

use cholla_server::dev::{DevOptions, start};

use crate::args::DevArgs;
use crate::output::{self, Failure};
use crate::{logging, runtime};

/// Runs until a signal ends it.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run(args: DevArgs) -> Result<(), Failure> {
    logging::text(&args.log)?;
    let options = DevOptions {
        platform: args.platform,
        data: args.data,
        strict: args.strict,
        listen: args.listen,
        listen_https: args.listen_https,
        admin: args.admin,
        ready_file: args.ready_file,
        payload_guard: args.payload_guard,
        cache_bytes: None,
    };
    runtime::build()?.block_on(async {
        let signals = runtime::Signals::catch()?;
        let running = start(options).await.map_err(|error| runtime::not_started(&error))?;
        output::bytes(running.summary().as_bytes())?;
        runtime::until_signal(running, signals).await
    })
}
