//! Whether requests still come in on a connection: slow and idle peers are let go, at no cost to the others.
//!
//! The HTTP stack's own timer is set and cleared with every request, under a lock that all connections share. Here one timer of a
//! connection looks, once a period, at two counters that its requests leave behind.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cholla_domain::limits::HEADER_READ_SECONDS_MAX;

/// A peer that sends no whole head for one period, and at the longest two, is let go.
const PERIOD: Duration = Duration::from_secs(HEADER_READ_SECONDS_MAX / 2);

/// The requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Progress {
    /// Counts a request whose head has come in, until `answer` is there.
    pub(crate) fn begin<F: Future>(self: &Arc<Self>, answer: F) -> impl Future<Output = F::Output> + use<F> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let begun = Begun(Arc::clone(self));
        async move {
            let _begun = begun;
            answer.await
        }
    }

    /// Resolves when the connection has waited for the head of a request for a whole period.
    pub(crate) async fn stalled(&self) {
        let mut seen = None;
        loop {
            tokio::time::sleep(PERIOD).await;
            let (begun, ended) = (self.begun.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed));
            if begun == ended && seen == Some(ended) {
                return;
            }
            seen = (begun == ended).then_some(ended);
        }
    }
}

/// A request under way. It ends also when its peer resets the stream that it came on, and nobody waits for the answer any more.
struct Begun(Arc<Progress>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits `periods` and a half on a connection with what `requests` does to it, and says whether it has stalled by then.
    async fn stalls(periods: u32, requests: impl AsyncFn(&Arc<Progress>)) -> bool {
        let progress = Arc::new(Progress::default());
        let work = async {
            requests(&progress).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = progress.stalled() => true,
            () = work => false,
            () = tokio::time::sleep(PERIOD * periods + PERIOD / 2) => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_let_go_after_two_periods() {
        assert!(!stalls(1, async |_| {}).await);
        assert!(stalls(2, async |_| {}).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_has_ended() {
        let reset = async |progress: &Arc<Progress>| drop(progress.begin(async {}));
        assert!(stalls(2, reset).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_with_requests_is_kept_however_long_they_take() {
        let busy = async |progress: &Arc<Progress>| {
            for _ in 0..5 {
                progress.begin(tokio::time::sleep(PERIOD * 3)).await;
            }
        };
        assert!(!stalls(15, busy).await);
        let steady = async |progress: &Arc<Progress>| {
            for _ in 0..20 {
                progress.begin(async {}).await;
                tokio::time::sleep(PERIOD / 2).await;
            }
        };
        assert!(!stalls(10, steady).await);
        assert!(stalls(13, steady).await);
    }
}
