//! A code becomes a pair of tokens (contract 15.2 to 15.10).

use super::{
    Developer, IsPresented, Issue, OAuthError, Tokens, check_client, is_unseen, issue, own, revoke_access,
    revoke_all_access, revoke_pair,
};
use crate::directory::change::Change;
use crate::directory::credential::CredentialKey;
use crate::directory::decision::{Context, Decision};
use crate::directory::grant::{Code, Grant, UsedCode};
use crate::directory::install::Install;
use crate::directory::record::Record;
use crate::limits::USED_CODES_MAX;
use crate::time::is_expired;
use zeroize::Zeroizing;

/// An exchange as a client asked for it.
#[derive(Clone)]
pub struct ExchangeRequest {
    /// The code.
    pub code: Zeroizing<String>,
    /// `BASE64URL(SHA256(code_verifier))`, where a verifier came.
    pub challenge: Option<String>,
    /// The redirect URI, where it was repeated.
    pub redirect_uri: Option<String>,
    /// The client id, where one came.
    pub client_id: Option<String>,
    /// The keyed hash of the idempotency key and all parameters, where a key came.
    pub issued_under: Option<[u8; 32]>,
}

/// Exchanges a code. A refusal may still have to be committed: a reused code revokes what it brought.
pub fn exchange(
    ctx: &Context<'_>,
    developer: &Developer,
    request: &ExchangeRequest,
    is_presented: IsPresented<'_>,
) -> Decision<Result<Tokens, OAuthError>> {
    let key = CredentialKey::of(&ctx.mint.hash(request.code.as_bytes()));
    let known = ctx.directory.grant_of_token(&key).and_then(|grant| Some((grant, own(ctx, grant, developer)?)));
    let app = known.map(|(_, (_, app))| app);
    if let Err(error) = check_client(ctx, request.client_id.as_deref(), app, developer) {
        return Decision::unchanged(Err(error));
    }
    let Some((grant, (install, _))) = known else {
        return Decision::unchanged(Err(OAuthError::CodeUnknown));
    };
    if grant.descends_from(&key) {
        return reuse(ctx, grant, install, request, is_presented);
    }
    if grant.used_codes.iter().any(|used| used.key == key && !is_expired(Some(used.expires_at), ctx.now)) {
        // The code after it has ended what it brought; what lives now is not its.
        return Decision::unchanged(Err(OAuthError::CodeReused));
    }
    let Some(code) = grant.code.as_ref().filter(|code| code.key == key && !is_expired(Some(code.expires_at), ctx.now))
    else {
        return Decision::unchanged(Err(OAuthError::CodeUnknown));
    };
    if let Err(error) = check_code(ctx, code, request) {
        return Decision::unchanged(Err(error));
    }
    let mut change = Change::default();
    // One grant per install: a new code ends the one before.
    revoke_all_access(ctx, grant, &mut change);
    let what = Issue { install, issued_under: request.issued_under, family: None, replay_of: None };
    let (pair, family, tokens) = issue(ctx, &what, &mut change);
    change.put(Record::Grant(Box::new(Grant {
        install: install.id,
        code: None,
        used_codes: with_used(ctx, grant, code),
        family: Some(family),
        pair: Some(pair),
        rotated: Vec::new(),
        issued_under: Vec::new(),
    })));
    Decision { change, outcome: Ok(tokens) }
}

/// The used codes of a grant with one more: the last few, as long as they would have been of use.
fn with_used(ctx: &Context<'_>, grant: &Grant, code: &Code) -> Vec<UsedCode> {
    let could_be_used = |used: &&UsedCode| !is_expired(Some(used.expires_at), ctx.now);
    let mut used: Vec<_> = grant.used_codes.iter().filter(could_be_used).cloned().collect();
    used.push(UsedCode { key: code.key, expires_at: code.expires_at });
    used.drain(..used.len().saturating_sub(USED_CODES_MAX));
    used
}

/// A failed check leaves the code usable until its time is up (contract 15.10).
fn check_code(ctx: &Context<'_>, code: &Code, request: &ExchangeRequest) -> Result<(), OAuthError> {
    if request.redirect_uri.is_some() && request.redirect_uri != code.redirect_uri {
        return Err(OAuthError::RedirectUriWrong);
    }
    // Compared by their keyed hashes: how long that takes says nothing about the challenge.
    let hash = |text: &String| *ctx.mint.hash(text.as_bytes()).as_bytes();
    match (&code.challenge, &request.challenge) {
        (Some(_), None) => Err(OAuthError::VerifierMissing),
        (Some(asked), Some(given)) if hash(asked) == hash(given) => Ok(()),
        (None, None) => Ok(()),
        _ => Err(OAuthError::VerifierWrong),
    }
}

/// A code that was used before: a retry whose answer was lost, or somebody who should not have it (contract 15.8 and 15.9).
fn reuse(
    ctx: &Context<'_>,
    grant: &Grant,
    install: &Install,
    request: &ExchangeRequest,
    is_presented: IsPresented<'_>,
) -> Decision<Result<Tokens, OAuthError>> {
    let is_retry = |under: Option<[u8; 32]>| under.is_some() && under == request.issued_under;
    let is_late_retry = request.issued_under.is_some_and(|under| grant.issued_under.contains(&under));
    match &grant.pair {
        Some(pair) if is_retry(pair.issued_under) && is_unseen(pair, is_presented) => {
            let mut change = Change::default();
            revoke_access(ctx, &pair.access, ctx.now, &mut change);
            let replay_of = Some(pair.original);
            let what = Issue { install, issued_under: request.issued_under, family: None, replay_of };
            let (pair, family, tokens) = issue(ctx, &what, &mut change);
            change.put(Record::Grant(Box::new(Grant {
                family: Some(family),
                pair: Some(pair),
                rotated: Vec::new(),
                ..grant.clone()
            })));
            Decision { change, outcome: Ok(tokens) }
        }
        Some(pair) if is_retry(pair.issued_under) || is_late_retry => Decision::unchanged(Err(OAuthError::CodeUsed)),
        _ => Decision { change: revoke_pair(ctx, grant, "oauth.code_reused"), outcome: Err(OAuthError::CodeReused) },
    }
}
