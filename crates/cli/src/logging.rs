//! Logs: one line per event on standard error, as text for people or as JSON for collectors.

use tracing_subscriber::EnvFilter;

use crate::output::Failure;

/// Logs text that passes `filter`.
///
/// # Errors
/// When `filter` is none.
pub(crate) fn text(filter: &str) -> Result<(), Failure> {
    tracing_subscriber::fmt().with_env_filter(parse(filter)?).with_writer(std::io::stderr).init();
    Ok(())
}

/// Logs JSON that passes `filter`.
///
/// # Errors
/// When `filter` is none.
pub(crate) fn json(filter: &str) -> Result<(), Failure> {
    tracing_subscriber::fmt().json().with_env_filter(parse(filter)?).with_writer(std::io::stderr).init();
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, Failure> {
    let wrong = |_| Failure::usage("the log filter is not one", "Use a level such as info, or info,h2=debug.");
    EnvFilter::builder().parse(filter).map_err(wrong)
}
