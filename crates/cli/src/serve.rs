//! `cholla serve`: a production server.

use cholla_server::config::{Config, LogFormat};
use cholla_server::production::start;
use cholla_server::running::StartError;

use crate::args::ServeArgs;
use crate::output::{self, Failure};
use crate::{logging, runtime};

/// Runs until a signal ends it.
///
/// # Errors
/// When the configuration is wrong, or the server cannot be started.
pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    let config = Config::read(&args.config).map_err(|error| runtime::not_started(&StartError::Config(error)))?;
    match config.log.format {
        LogFormat::Json => logging::json(config.log.level)?,
        LogFormat::Text => logging::text(config.log.level)?,
    }
    runtime::build()?.block_on(async {
        let signals = runtime::Signals::catch()?;
        let running = start(config, args.ready_file).await.map_err(|error| runtime::not_started(&error))?;
        output::bytes(running.summary().as_bytes())?;
        runtime::until_signal(running, signals).await
    })
}
