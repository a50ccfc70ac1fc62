//! Codes of OAuth, as they are issued (contract 15.2).

use crate::directory::decision::{Context, Drawn};
use crate::directory::grant::{Code, Grant};
use crate::id::InstallId;
use crate::limits::{CODE_CHARS, CODE_SECONDS};

/// What a code begins with.
const PREFIX: &str = "ac_";

/// Draws a code of an install: single use, five minutes, bound to its challenge and, from a redirect, to its `redirect_uri`. It voids the
/// unused code of the grant. Answers the grant to put, and the code, which is shown this once.
pub fn issue_code(
    ctx: &Context<'_>,
    grant: Option<&Grant>,
    install: InstallId,
    challenge: Option<String>,
    redirect_uri: Option<String>,
) -> (Grant, Drawn) {
    let drawn = Drawn::draw(ctx.mint, PREFIX, CODE_CHARS);
    let code = Code { key: drawn.key, challenge, redirect_uri, expires_at: ctx.now.plus(CODE_SECONDS) };
    let grant = Grant { code: Some(code), ..grant.cloned().unwrap_or_else(|| Grant::new(install)) };
    (grant, drawn)
}
