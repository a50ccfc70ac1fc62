//! A code becomes a pair of tokens (contract 15.2 to 15.10).

use super::{
    Developer, Issue, OAuthError, Tokens, check_client, issue, own, revoke_access, revoke_all_access, revoke_pair,
};
use crate::directory::change::Change;
use crate::directory::credential::CredentialKey;
use crate::directory::decision::{Context, Decision};
use crate::directory::grant::{Code, Grant};
use crate::directory::install::Install;
use crate::directory::record::Record;
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
    if grant.used_code == Some(key) {
        return reuse(ctx, grant, install, request);
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
    let what = Issue { install, issued_under: request.issued_under, family: None, replayed: false };
    let (pair, family, tokens) = issue(ctx, &what, &mut change);
    change.put(Record::Grant(Box::new(Grant {
        install: install.id,
        code: None,
        used_code: Some(key),
        family: Some(family),
        pair: Some(pair),
        rotated: Vec::new(),
        issued_under: Vec::new(),
    })));
    Decision { change, outcome: Ok(tokens) }
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
) -> Decision<Result<Tokens, OAuthError>> {
    let is_retry = |under: Option<[u8; 32]>| under.is_some() && under == request.issued_under;
    let is_late_retry = request.issued_under.is_some_and(|under| grant.issued_under.contains(&under));
    match &grant.pair {
        Some(pair) if is_retry(pair.issued_under) && !pair.presented => {
            let mut change = Change::default();
            revoke_access(ctx, &pair.access, ctx.now, &mut change);
            let what = Issue { install, issued_under: request.issued_under, family: None, replayed: true };
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
