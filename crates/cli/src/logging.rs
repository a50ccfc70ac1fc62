//! Logs: one line per event on standard error, as text for people or as JSON for collectors.

use tracing_subscriber::EnvFilter;

use crate::output::Failure;

/// The levels, from the least talkative.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Logs text that passes `filter`, a level or a filter of the operator's own.
///
/// # Errors
/// When `filter` is none.
pub(crate) fn text(filter: &str) -> Result<(), Failure> {
    tracing_subscriber::fmt().with_env_filter(parse(filter)?).with_writer(std::io::stderr).init();
    Ok(())
}

/// Logs JSON that passes `filter`, a level or a filter of the operator's own.
///
/// # Errors
/// When `filter` is none.
pub(crate) fn json(filter: &str) -> Result<(), Failure> {
    tracing_subscriber::fmt().json().with_env_filter(parse(filter)?).with_writer(std::io::stderr).init();
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, Failure> {
    let wrong = |_| Failure::usage("the log filter is not one", "Use a level such as info, or cholla=debug,h2=debug.");
    let ours = LEVELS.iter().find(|level| level.eq_ignore_ascii_case(filter)).map(|level| ours_at(level));
    EnvFilter::builder().parse(ours.as_deref().unwrap_or(filter)).map_err(wrong)
}

/// A level is that of our own events. Libraries may say what is wrong with the machine; those that read what clients send say nothing at
/// all, because a malformed request is printed as it came, with the names and users in it.
fn ours_at(level: &str) -> String {
    let others = if level == "error" { "error" } else { "warn" };
    format!("{others},cholla={level},h2=off,hyper=off,hyper_util=off,rustls=off,tokio_rustls=off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, expected: &[&str]) {
        let shown = parse(filter).map(|filter| filter.to_string()).unwrap_or_default();
        let mut directives: Vec<_> = shown.split(',').filter(|directive| !directive.is_empty()).collect();
        let mut expected = expected.to_vec();
        directives.sort_unstable();
        expected.sort_unstable();
        assert_eq!(directives, expected, "{filter}");
    }

    #[test]
    fn a_level_is_that_of_our_own_events() {
        let off = ["h2=off", "hyper=off", "hyper_util=off", "rustls=off", "tokio_rustls=off"];
        for (level, ours, others) in [
            ("error", "cholla=error", "error"),
            ("warn", "cholla=warn", "warn"),
            ("info", "cholla=info", "warn"),
            ("DEBUG", "cholla=debug", "warn"),
            ("trace", "cholla=trace", "warn"),
        ] {
            check(level, &[&[ours][..], &off, &[others]].concat());
        }
        check("info,h2=debug", &["h2=debug", "info"]);
        check("cholla_server::sweep=trace", &["cholla_server::sweep=trace"]);
        check("cholla=loud", &[]);
    }
}
