//! Erasures: what grace periods and offboarding have decided is made physically true here, and signed for. An erasure that is interrupted
//! goes on after the restart: everything it knows is in the store.

use std::sync::Arc;

use cholla_domain::directory::decision::Decision;
use cholla_domain::directory::erasure::{Erasure, ErasureTarget};
use cholla_domain::error::SealError;
use cholla_domain::id::UserId;
use cholla_domain::limits::{ERASURE_STEP_ROWS, ERASURES_PER_ROUND_MAX};
use cholla_domain::operator::{due_endings, finish_erasure, namespaces_on};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::{ErasedCounts, ErasureStore, NamespaceKeys};
use cholla_domain::tag::ErasureId;
use cholla_domain::time::Timestamp;
use cholla_seal::{Instance, Keyring};
use cholla_wire::jose::ReceiptKey;
use serde_json::json;
use thiserror::Error;

use crate::keeper::{KeepError, Keeper};

/// The key of a namespace cannot be used, and with it the tags of its scopes.
#[derive(Debug, Error)]
#[error("the key of a namespace does not open")]
struct ClosedKey(#[source] SealError);

/// What erasing needs.
pub(crate) struct Erasing {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) store: Arc<dyn ErasureStore>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) keyring: Arc<Keyring>,
}

impl Erasing {
    /// One round: ends the grace periods that are over, and erases what is to be erased. One that fails holds up no other. Answers how many
    /// failed: they are tried again in the next round.
    ///
    /// # Errors
    /// When the directory does not answer.
    pub(crate) async fn round(&self) -> Result<i64, KeepError> {
        loop {
            let ended =
                self.keeper.decide(self.keeper.unasked(), |ctx| due_endings(ctx, ERASURES_PER_ROUND_MAX)).await?;
            if ended.is_empty() {
                break;
            }
        }
        // In the keeper's turn: what a batch shows and has not committed is no erasure yet, and ends no namespace.
        let unfinished = self.keeper.decide(self.keeper.unasked(), |ctx| {
            let unfinished = ctx.directory.unfinished_erasures();
            let of_user = |erasure: &Erasure| match &erasure.target {
                ErasureTarget::User { account, .. } => namespaces_on(ctx.directory, account),
                ErasureTarget::Namespace(_) => Vec::new(),
            };
            Decision::unchanged(unfinished.map(|erasure| (erasure.clone(), of_user(erasure))).collect::<Vec<_>>())
        });
        let (mut erased, mut failed) = (Vec::new(), 0);
        for (erasure, namespaces) in unfinished.await? {
            match self.erase(&erasure, &namespaces).await {
                Ok(counts) => erased.push((erasure, counts)),
                Err(error) => {
                    failed += 1;
                    waits(&erasure, &error);
                }
            }
        }
        if erased.is_empty() {
            return Ok(failed);
        }
        let shred = self.store.shred_log().await.map_err(KeepError::from);
        for (erasure, counts) in erased {
            let finished = match &shred {
                Ok(()) => self.finish(&erasure, counts).await,
                Err(error) => {
                    failed += 1;
                    waits(&erasure, error);
                    continue;
                }
            };
            if let Err(error) = finished {
                failed += 1;
                waits(&erasure, &error);
            }
        }
        Ok(failed)
    }

    /// Erases all of one target from the database; the log may still hold it. A user's scopes are in `namespaces`. Answers all that this
    /// erasure has erased so far.
    async fn erase(&self, erasure: &Erasure, namespaces: &[Namespace]) -> Result<ErasedCounts, KeepError> {
        match &erasure.target {
            ErasureTarget::Namespace(namespace) => self.keyring.forget(namespace),
            ErasureTarget::User { user, .. } => self.erase_user(erasure, namespaces, user).await?,
        }
        loop {
            let (erased, is_done) = self.store.erase_step(erasure.id, ERASURE_STEP_ROWS).await?;
            if is_done {
                return Ok(erased);
            }
        }
    }

    /// Erases the scopes of a user in every namespace of an account. One whose key does not open holds up no other.
    async fn erase_user(&self, erasure: &Erasure, namespaces: &[Namespace], user: &UserId) -> Result<(), KeepError> {
        let mut failed = None;
        for namespace in namespaces {
            if let Err(error) = self.erase_scope(erasure.id, namespace, user).await {
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn erase_scope(&self, erasure: ErasureId, namespace: &Namespace, user: &UserId) -> Result<(), KeepError> {
        let found = self.keyring.find(namespace).await;
        let found = found.map_err(|error| KeepError::Unavailable(Box::new(ClosedKey(error))))?;
        let Some(cipher) = found else { return Ok(()) };
        let scope = cipher.scope_tag(&Scope::User(user.clone()));
        self.store.erase_scope(erasure, cipher.namespace_tag(), scope).await?;
        Ok(())
    }

    /// Writes the receipt of an erasure: everything is physically gone.
    async fn finish(&self, erasure: &Erasure, erased: ErasedCounts) -> Result<(), KeepError> {
        let asked = self.keeper.unasked();
        let receipt = self.receipt(erasure, erased, asked.now);
        let id = erasure.id;
        let finished = self.keeper.decide(asked, move |ctx| match finish_erasure(ctx, &id, &receipt) {
            Ok(decision) => Decision { change: decision.change, outcome: true },
            Err(_) => Decision::unchanged(false),
        });
        let finished = finished.await?;
        tracing::info!(erasure = %id, finished, scopes = erased.scopes, secrets = erased.secrets, "an erasure is finished");
        self.store.forget_erasure(id).await?;
        Ok(())
    }

    /// The signed receipt: what was erased, how much, when, and which key was destroyed. Anybody with the installation's public key can
    /// verify it without the server.
    fn receipt(&self, erasure: &Erasure, erased: ErasedCounts, now: Timestamp) -> String {
        let target = match &erasure.target {
            ErasureTarget::Namespace(namespace) => json!({
                "kind": "namespace",
                "developer": namespace.developer.as_str(),
                "account": namespace.account.as_str(),
                "livemode": namespace.livemode.is_live(),
            }),
            ErasureTarget::User { account, user } => {
                json!({"kind": "user", "account": account.as_str(), "user": user.as_str()})
            }
        };
        let payload = json!({
            "erasure": erasure.id.to_string(),
            "target": target,
            "key_id": erasure.key_id,
            "scopes": erased.scopes,
            "secrets": erased.secrets,
            "started_at": erasure.started_at.as_unix(),
            "finished_at": now.as_unix(),
        });
        let signer = self.instance.receipts();
        let key = ReceiptKey::new(&signer.public_key(), cholla_seal::sha256);
        key.sign(payload.to_string().as_bytes(), |message| signer.sign(message))
    }
}

/// Says which erasure waits, never whose.
fn waits(erasure: &Erasure, error: &KeepError) {
    tracing::warn!(erasure = %erasure.id, cause = error.chain(), "an erasure waits: it is tried again");
}

#[cfg(test)]
mod tests;
