//! Erasures: what grace periods and offboarding have decided is made physically true here, and signed for. An erasure that is interrupted
//! goes on after the restart: everything it knows is in the store.

use std::sync::Arc;

use cholla_domain::directory::erasure::{Erasure, ErasureTarget};
use cholla_domain::limits::{ERASURE_STEP_ROWS, ERASURES_PER_ROUND_MAX};
use cholla_domain::operator::{due_endings, finish_erasure, namespaces_on};
use cholla_domain::place::Scope;
use cholla_domain::ports::{ErasedCounts, ErasureStore, NamespaceKeys};
use cholla_domain::time::Timestamp;
use cholla_seal::{Instance, Keyring};
use cholla_wire::jose::ReceiptKey;
use serde_json::json;

use crate::keeper::{KeepError, Keeper};

/// What erasing needs.
pub(crate) struct Erasing {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) store: Arc<dyn ErasureStore>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) keyring: Arc<Keyring>,
}

impl Erasing {
    /// One round: ends the grace periods that are over, and erases what is to be erased.
    ///
    /// # Errors
    /// When the store or the keys do not answer: to be tried again.
    pub(crate) async fn round(&self) -> Result<(), KeepError> {
        loop {
            let ended =
                self.keeper.decide(self.keeper.unasked(), |ctx| due_endings(ctx, ERASURES_PER_ROUND_MAX)).await?;
            if ended.is_empty() {
                break;
            }
        }
        let unfinished = {
            let directory = self.keeper.read();
            let unfinished = directory.erasures().filter(|erasure| erasure.receipt.is_none());
            unfinished.cloned().collect::<Vec<_>>()
        };
        for erasure in unfinished {
            self.erase(&erasure).await?;
        }
        Ok(())
    }

    /// Erases all of one target, empties the log of what was there, and writes the receipt.
    async fn erase(&self, erasure: &Erasure) -> Result<(), KeepError> {
        let erased = match &erasure.target {
            ErasureTarget::Namespace(namespace) => {
                self.keyring.forget(namespace);
                loop {
                    let (erased, is_done) = self.store.erase_step(erasure.id, ERASURE_STEP_ROWS).await?;
                    if is_done {
                        break erased;
                    }
                }
            }
            ErasureTarget::User { account, user } => {
                let namespaces = namespaces_on(&self.keeper.read(), account);
                let mut erased = ErasedCounts::default();
                for namespace in namespaces {
                    let found = self.keyring.find(&namespace).await;
                    let Some(cipher) = found.map_err(|error| KeepError::Unavailable(Box::new(error)))? else {
                        continue;
                    };
                    let scope = cipher.scope_tag(&Scope::User(user.clone()));
                    erased = self.store.erase_scope(erasure.id, cipher.namespace_tag(), scope).await?;
                }
                erased
            }
        };
        self.store.shred_log().await?;
        let asked = self.keeper.unasked();
        let receipt = self.receipt(erasure, erased, asked.now);
        let id = erasure.id;
        let finished = self
            .keeper
            .decide(asked, move |ctx| match finish_erasure(ctx, &id, &receipt) {
                Ok(decision) => cholla_domain::directory::decision::Decision { change: decision.change, outcome: true },
                Err(_) => cholla_domain::directory::decision::Decision::unchanged(false),
            })
            .await?;
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
