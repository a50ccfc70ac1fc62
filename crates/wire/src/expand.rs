//! `expand` (contract 4.8, 6.12, 6.21 and 6.22).

use cholla_domain::limits::EXPAND_DEPTH_MAX;
use cholla_domain::set::Expansion;

use crate::error::ApiError;
use crate::field;
use crate::params::Value;
use crate::text;

/// What an operation answers with, and so what can be expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One secret: `payload`, and `scope` to no effect.
    Secret,
    /// A list: `data.payload`, and `data` and `data.scope` to no effect.
    List,
    /// One install: its two policies, to no effect (contract 11.8).
    Install,
    /// A list of installs: `data` and the two policies behind it, to no effect.
    InstallList,
}

/// Checks the paths: those that are strings of legal length, before any other parameter. Everything else waits for
/// [`decode`].
///
/// # Errors
/// Contract 6.22 and 6.21, for the first path at fault.
pub(crate) fn check_paths(answer: Answer, value: Option<&Value<'_>>) -> Result<(), ApiError> {
    for item in value.and_then(Value::items).unwrap_or_default() {
        match item {
            Value::Text(path) if !path.is_empty() && !text::is_too_long(path) => check_path(answer, path)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_path(answer: Answer, path: &str) -> Result<(), ApiError> {
    if path.split('.').count() > EXPAND_DEPTH_MAX {
        return Err(ApiError::expansion_too_deep(path));
    }
    if is_expandable(answer, path) {
        return Ok(());
    }
    match (answer, path) {
        (Answer::List | Answer::InstallList, path) if !path.starts_with("data.") => {
            Err(ApiError::not_expandable(path, Some(&format!("data.{path}"))))
        }
        _ => Err(ApiError::not_expandable(path, None)),
    }
}

fn is_expandable(answer: Answer, path: &str) -> bool {
    let is_policy = |path: &str| matches!(path, "content_security_policy_granted" | "content_security_policy_pending");
    match answer {
        Answer::Secret => matches!(path, "payload" | "scope"),
        Answer::List => matches!(path, "data" | "data.payload" | "data.scope"),
        Answer::Install => is_policy(path),
        Answer::InstallList => path == "data" || path.strip_prefix("data.").is_some_and(is_policy),
    }
}

/// Reads what is to be expanded, once [`check_paths`] has passed: shape and length of `expand` itself.
///
/// # Errors
/// Contract 6.12, 6.10 and 6.9.
pub(crate) fn decode(answer: Answer, value: Option<&Value<'_>>) -> Result<Expansion, ApiError> {
    let paths = field::strings("expand", value)?;
    let (payload, scope) = match answer {
        Answer::Secret => ("payload", "scope"),
        Answer::List => ("data.payload", "data.scope"),
        Answer::Install | Answer::InstallList => return Ok(Expansion::default()),
    };
    Ok(Expansion { payload: paths.contains(&payload), scope: paths.contains(&scope) })
}
