//! The sweeper: expired secrets are unreachable at once, and physically erased here soon after.

use std::sync::Arc;
use std::time::Duration;

use cholla_domain::limits::SWEEP_ROWS_MAX;
use cholla_domain::ports::Maintenance;
use tokio::sync::{Notify, watch};

use crate::state::Api;

/// Erases what has expired every `interval`, and at once when `moved` says that the clock was moved, until `stopping` turns true.
pub(crate) async fn run(
    api: Arc<Api>,
    store: Arc<dyn Maintenance>,
    interval: Duration,
    moved: Arc<Notify>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        sweep(&api, &*store).await;
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = moved.notified() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Erases everything that is gone by now, in bounded rounds so that requests get their turn between two of them.
async fn sweep(api: &Api, store: &dyn Maintenance) {
    loop {
        let _reset_waits = api.without_reset().await;
        let now = api.now();
        match store.sweep(now, SWEEP_ROWS_MAX).await {
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
