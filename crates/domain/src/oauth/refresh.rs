//! A refresh token becomes a new pair of tokens (contract 15.6 to 15.9).

use super::{
    Developer, FAMILY_CHARS, IsPresented, Issue, OAuthError, REFRESH_PREFIX, Tokens, check_client, is_unseen, issue,
    own, revoke_access, revoke_pair,
};
use crate::directory::change::Change;
use crate::directory::credential::CredentialKey;
use crate::directory::decision::{Context, Decision};
use crate::directory::grant::{Grant, Pair, Rotated};
use crate::directory::install::Install;
use crate::directory::record::Record;
use crate::limits::{ISSUES_REMEMBERED_MAX, ROTATED_ACCESS_SECONDS, ROTATED_KEPT_MAX, ROTATION_RACE_SECONDS};
use crate::time::is_expired;
use zeroize::Zeroizing;

/// A refresh as a client asked for it.
#[derive(Clone)]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: Zeroizing<String>,
    /// The client id, where one came.
    pub client_id: Option<String>,
    /// The keyed hash of the idempotency key and all parameters, where a key came.
    pub issued_under: Option<[u8; 32]>,
}

/// Refreshes. A refusal may still have to be committed: a token that was rotated long ago revokes the whole grant.
pub fn refresh(
    ctx: &Context<'_>,
    developer: &Developer,
    request: &RefreshRequest,
    is_presented: IsPresented<'_>,
) -> Decision<Result<Tokens, OAuthError>> {
    let unknown = || Decision::unchanged(Err(OAuthError::RefreshTokenUnknown));
    let token = &request.refresh_token;
    let family = token.get(..REFRESH_PREFIX.len() + FAMILY_CHARS).filter(|text| text.starts_with(REFRESH_PREFIX));
    let grant =
        family.and_then(|family| ctx.directory.grant_of_token(&CredentialKey::of(&ctx.mint.hash(family.as_bytes()))));
    let known = grant.and_then(|grant| Some((grant, own(ctx, grant, developer)?)));
    let app = known.map(|(_, (_, app))| app);
    if let Err(error) = check_client(ctx, request.client_id.as_deref(), app, developer) {
        return Decision::unchanged(Err(error));
    }
    let (Some(family), Some((grant, (install, _)))) = (family, known) else { return unknown() };
    let Some(pair) = &grant.pair else { return unknown() };
    let key = CredentialKey::of(&ctx.mint.hash(token.as_bytes()));
    let is_retry = request.issued_under.is_some() && pair.issued_under == request.issued_under;
    let raced = |rotated: &Rotated| {
        rotated.refresh == key && ctx.now.as_unix() - rotated.rotated_at.as_unix() <= ROTATION_RACE_SECONDS
    };
    if pair.refresh == key {
        if is_expired(Some(pair.refresh_expires_at), ctx.now) {
            return unknown();
        }
        // The old access token lives on for a moment: another worker may be using it right now.
        return rotate(ctx, grant, pair, install, family, request, ROTATED_ACCESS_SECONDS);
    }
    if is_retry && is_unseen(pair, is_presented) {
        return rotate(ctx, grant, pair, install, family, request, 0);
    }
    let is_late_retry = request.issued_under.is_some_and(|under| grant.issued_under.contains(&under));
    if is_retry || is_late_retry || grant.rotated.iter().any(raced) {
        return unknown();
    }
    Decision {
        change: revoke_pair(ctx, grant, "oauth.refresh_token_reused"),
        outcome: Err(OAuthError::RefreshTokenUnknown),
    }
}

/// A new pair of the same family takes the place of `pair`, whose access token counts for `access_seconds` more.
fn rotate(
    ctx: &Context<'_>,
    grant: &Grant,
    pair: &Pair,
    install: &Install,
    family: &str,
    request: &RefreshRequest,
    access_seconds: i64,
) -> Decision<Result<Tokens, OAuthError>> {
    let mut change = Change::default();
    revoke_access(ctx, &pair.access, ctx.now.plus(access_seconds), &mut change);
    let is_first = pair.refresh == CredentialKey::of(&ctx.mint.hash(request.refresh_token.as_bytes()));
    let replay_of = (!is_first).then_some(pair.original);
    let what = Issue { install, issued_under: request.issued_under, family: Some(family), replay_of };
    let (new, family, tokens) = issue(ctx, &what, &mut change);
    let recent = |rotated: &&Rotated| ctx.now.as_unix() - rotated.rotated_at.as_unix() <= ROTATION_RACE_SECONDS;
    let mut rotated: Vec<_> = grant.rotated.iter().filter(recent).cloned().collect();
    rotated.push(Rotated { refresh: pair.refresh, access: pair.access, rotated_at: ctx.now });
    rotated.drain(..rotated.len().saturating_sub(ROTATED_KEPT_MAX));
    let mut issued_under = grant.issued_under.clone();
    issued_under.extend(pair.issued_under);
    issued_under.drain(..issued_under.len().saturating_sub(ISSUES_REMEMBERED_MAX));
    change.put(Record::Grant(Box::new(Grant {
        family: Some(family),
        pair: Some(new),
        rotated,
        issued_under,
        ..grant.clone()
    })));
    Decision { change, outcome: Ok(tokens) }
}
