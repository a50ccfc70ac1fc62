//! The sweeper: what is over is unreachable at once, and physically gone soon after. It erases expired secrets, ends grace periods, carries
//! installs to new releases and tidies the directory.

use std::sync::Arc;
use std::time::Duration;

use cholla_domain::directory::decision::Decision;
use cholla_domain::installs::{Memory, tidy};
use cholla_domain::limits::{DELIVERY_KEPT_SECONDS, SWEEP_ROWS_MAX, TIDIED_PER_ROUND_MAX};
use cholla_domain::ports::{Maintenance, Outbox};
use tokio::sync::{Notify, watch};

use crate::erasing::Erasing;
use crate::keeper::KeepError;
use crate::rollout;
use crate::state::Api;

/// What the sweeper works on.
pub(crate) struct Sweeper {
    pub(crate) api: Arc<Api>,
    pub(crate) store: Arc<dyn Maintenance>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) erasing: Erasing,
    /// Told when the clock was moved.
    pub(crate) moved: Arc<Notify>,
    pub(crate) interval: Duration,
    pub(crate) grace_seconds: i64,
}

impl Sweeper {
    /// Sweeps every interval, and at once when the clock was moved or a change left something to do, until `stopping` turns true.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        loop {
            self.round().await;
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                () = self.moved.notified() => {}
                () = self.api.keeper.work.notified() => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    async fn round(&self) {
        self.sweep().await;
        let _reset_waits = self.api.without_reset().await;
        // Each for itself: what cannot be done now holds up nothing else.
        if let Err(error) = rollout::round(&self.api.keeper).await {
            tracing::warn!(cause = error.chain(), "installs wait to be carried to a release");
        }
        match self.erasing.round().await {
            Ok(failed) => self.api.metrics.erasures_failed.set(failed),
            Err(error) => tracing::warn!(cause = error.chain(), "grace periods and erasures wait"),
        }
        if let Err(error) = self.tidy().await {
            tracing::warn!(cause = error.chain(), "what is over in the directory waits to be forgotten");
        }
        if let Err(error) = self.prune().await {
            tracing::warn!(cause = error.chain(), "deliveries that are over wait to be erased");
        }
    }

    /// Erases expired secrets, in bounded rounds so that requests get their turn between two of them.
    async fn sweep(&self) {
        let api = &self.api;
        loop {
            let _reset_waits = api.without_reset().await;
            let now = api.now();
            match self.store.sweep(now, SWEEP_ROWS_MAX).await {
                Ok(swept) => {
                    api.metrics.secrets_erased.inc_by(u64::from(swept.secrets));
                    api.metrics.idempotency_records_erased.inc_by(u64::from(swept.idempotency_records));
                    if swept.secrets < SWEEP_ROWS_MAX && swept.idempotency_records < SWEEP_ROWS_MAX {
                        api.metrics.erased_up_to.set(now.as_unix());
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the sweeper will try again");
                    return;
                }
            }
        }
    }

    /// Forgets what no rule looks at any more: kept results, ended installs, dead sessions.
    async fn tidy(&self) -> Result<(), KeepError> {
        let keeper = &self.api.keeper;
        let memory = Memory { grace_seconds: self.grace_seconds, forgets_credentials: self.api.made_up.is_none() };
        loop {
            let tidied = keeper.decide(keeper.unasked(), move |ctx| {
                let change = tidy(ctx.directory, ctx.now, memory, TIDIED_PER_ROUND_MAX);
                let tidied = change.records.len();
                Decision { change, outcome: tidied }
            });
            if tidied.await? < TIDIED_PER_ROUND_MAX {
                return Ok(());
            }
        }
    }

    /// Erases deliveries that can be sent again no more.
    async fn prune(&self) -> Result<(), KeepError> {
        let before = self.api.now().plus(-DELIVERY_KEPT_SECONDS);
        while self.outbox.prune(before, &[], SWEEP_ROWS_MAX).await? == SWEEP_ROWS_MAX {}
        Ok(())
    }
}
