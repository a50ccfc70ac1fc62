//! Answers of an HTTP/2 connection that its peer has not taken yet: each waits in memory, and none may do so for long.
//!
//! The peer decides how much it takes (its flow-control window), and TCP sees nothing of that. Answers are counted by the period in which
//! they were ready; one timer of the connection looks, once a period, whether an earlier one has any left.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use cholla_domain::limits::ANSWER_READ_SECONDS_MAX;
use hyper::body::{Body, Frame, SizeHint};

use crate::cut::SentBody;

/// An answer may wait for one period, and at the longest for two.
const PERIOD: Duration = Duration::from_secs(ANSWER_READ_SECONDS_MAX / 2);
/// Periods that are told apart: the one that runs, the one before, and the one before that, in which nothing is left.
const PERIODS: usize = 3;

/// The answers of one connection.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    period: AtomicUsize,
    answers: [AtomicUsize; PERIODS],
}

impl Unread {
    /// Counts an answer until its last byte is handed to the connection, or nobody wants it any more.
    pub(crate) fn watch(self: &Arc<Self>, body: SentBody) -> WatchedBody {
        let period = self.period.load(Ordering::Relaxed) % PERIODS;
        self.answers[period].fetch_add(1, Ordering::Relaxed);
        WatchedBody { body, answer: Some(Answer { unread: Arc::clone(self), period }) }
    }

    /// Resolves when an answer has waited for a whole period.
    pub(crate) async fn overdue(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let ending = self.period.fetch_add(1, Ordering::Relaxed);
            if self.answers[(ending + PERIODS - 1) % PERIODS].load(Ordering::Relaxed) > 0 {
                return;
            }
        }
    }
}

/// One answer; counted until it is dropped.
#[derive(Debug)]
struct Answer {
    unread: Arc<Unread>,
    period: usize,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.unread.answers[self.period].fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer that is counted. Without `Debug`: it may hold payloads.
pub(crate) struct WatchedBody {
    body: SentBody,
    /// Goes with the data: the connection has that for longer than the body.
    answer: Option<Answer>,
}

impl Body for WatchedBody {
    type Data = WatchedBytes;
    type Error = <SentBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<WatchedBytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let answer = self.answer.take();
        let watched = |bytes| WatchedBytes { bytes, _answer: answer };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(watched))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The bytes of an answer that is counted. Without `Debug`: they may hold payloads.
pub(crate) struct WatchedBytes {
    bytes: Bytes,
    _answer: Option<Answer>,
}

impl Buf for WatchedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::respond::AnswerBody;

    /// Makes an answer `ready` half periods after the start and drops it `taken` half periods after that. Gives the half periods after
    /// which it is overdue, if ever.
    async fn check(ready: u32, taken: u32, expected: Option<u32>) {
        let unread = Arc::new(Unread::default());
        let start = Instant::now();
        let answers = async {
            // A moment later than the timer, so that no two things happen at the same time.
            sleep(PERIOD / 2 * ready + PERIOD / 8).await;
            let mut body = unread.watch(AnswerBody::from("answer").into());
            let data = body.frame().await.unwrap().unwrap().into_data().ok().unwrap();
            assert_eq!((data.remaining(), data.chunk()), (6, &b"answer"[..]));
            drop(body);
            sleep(PERIOD / 2 * taken).await;
            drop(data);
            sleep(PERIOD * 10).await;
        };
        let overdue = tokio::select! {
            () = unread.overdue() => Some(u32::try_from(start.elapsed().as_millis() / (PERIOD / 2).as_millis()).unwrap()),
            () = answers => None,
        };
        assert_eq!(overdue, expected, "ready after {ready}, taken after {taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_wait_for_one_period_and_not_for_two() {
        for (ready, taken, expected) in
            [(0, 0, None), (0, 3, None), (1, 2, None), (0, 4, Some(4)), (1, 4, Some(4)), (2, 3, None), (8, 9, Some(12))]
        {
            check(ready, taken, expected).await;
        }
    }
}
