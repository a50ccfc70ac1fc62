//! The body of a request, read under its limit into a buffer that is wiped.

use std::time::Duration;

use bytes::Bytes;
use cholla_domain::id::AccountId;
use cholla_domain::limits::{
    BODY_BYTES_MAX, BODY_READ_SECONDS_MAX, DRAIN_BYTES_MAX, LARGE_BODY_STEP_SECONDS_MAX, SMALL_BODY_BYTES_MAX,
};
use cholla_wire::error::ApiError;
use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::large_bodies::LargeBodies;

/// Reads the whole body, sent with a credential of `developer`.
///
/// # Errors
/// 413 when it is longer than [`BODY_BYTES_MAX`]; 503 when it is large and too many others are; 400 when it breaks off or does not arrive
/// in time: [`BODY_READ_SECONDS_MAX`] for what a small one has, and as long again for the rest, of which no step may stall.
pub(crate) async fn receive<B>(
    large_bodies: &LargeBodies,
    developer: &AccountId,
    parts: &Parts,
    mut body: B,
) -> Result<Zeroizing<Vec<u8>>, ApiError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let room = match body.size_hint().exact().map(usize::try_from) {
        None => BODY_BYTES_MAX,
        Some(Ok(declared)) if declared <= BODY_BYTES_MAX => declared,
        Some(_) => {
            discard(parts, body).await;
            return Err(ApiError::body_too_long());
        }
    };
    let in_time = Duration::from_secs(BODY_READ_SECONDS_MAX);
    // Room up front: a buffer that grows by itself would leave copies of a payload behind, unwiped.
    let mut received = Zeroizing::new(Vec::with_capacity(room.min(SMALL_BODY_BYTES_MAX)));
    let Some(more) = read(&mut body, &mut received, SMALL_BODY_BYTES_MAX, in_time).await? else {
        return Ok(received);
    };
    let Some(_turn) = large_bodies.turn(developer).await else {
        discard(parts, body).await;
        return Err(ApiError::unavailable());
    };
    let mut whole = Zeroizing::new(Vec::with_capacity(room));
    whole.extend_from_slice(&received);
    drop(received);
    let all = timeout(in_time, read_large(&mut body, &mut whole, more)).await;
    if all.unwrap_or_else(|_| Err(ApiError::body_broken_off()))? {
        return Ok(whole);
    }
    discard(parts, body).await;
    Err(ApiError::body_too_long())
}

/// Reads a body of at most [`SMALL_BODY_BYTES_MAX`], from somebody who is not known yet.
///
/// # Errors
/// 413 when it is longer, 400 when it breaks off or does not arrive in time.
pub(crate) async fn receive_small<B>(parts: &Parts, mut body: B) -> Result<Zeroizing<Vec<u8>>, ApiError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let in_time = Duration::from_secs(BODY_READ_SECONDS_MAX);
    let mut received = Zeroizing::new(Vec::with_capacity(SMALL_BODY_BYTES_MAX));
    if read(&mut body, &mut received, SMALL_BODY_BYTES_MAX, in_time).await?.is_none() {
        return Ok(received);
    }
    discard(parts, body).await;
    Err(ApiError::body_too_long())
}

/// Reads the rest of a large body, whose next bytes are `more`, step by step, so that a sender that stalls has its turn for one step only.
/// False when it does not fit.
async fn read_large<B>(body: &mut B, whole: &mut Vec<u8>, mut more: Bytes) -> Result<bool, ApiError>
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        if whole.len() + more.len() > BODY_BYTES_MAX {
            return Ok(false);
        }
        whole.extend_from_slice(&more);
        let length = whole.len() + SMALL_BODY_BYTES_MAX;
        let in_time = Duration::from_secs(LARGE_BODY_STEP_SECONDS_MAX);
        match read(body, whole, length.min(BODY_BYTES_MAX), in_time).await? {
            Some(next) => more = next,
            None => return Ok(true),
        }
    }
}

/// Reads into `received` until the body ends, or a piece of it, which is returned, would make more than `length` bytes.
async fn read<B>(
    body: &mut B,
    received: &mut Vec<u8>,
    length: usize,
    in_time: Duration,
) -> Result<Option<Bytes>, ApiError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let all = async {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Err(ApiError::body_broken_off()) };
            let Ok(data) = frame.into_data() else { continue };
            if received.len() + data.len() > length {
                return Ok(Some(data));
            }
            received.extend_from_slice(&data);
        }
        Ok(None)
    };
    timeout(in_time, all).await.unwrap_or_else(|_| Err(ApiError::body_broken_off()))
}

/// Reads and throws away the body of a request that is answered early: a client that is still sending when its connection closes, or its
/// stream is reset, sees that and not the answer. Bounded in bytes and time; a client that waits for `100 Continue` gets its answer at once.
pub(crate) async fn discard<B: Body + Unpin>(parts: &Parts, body: B) {
    if awaits(parts, &body) {
        drain(body).await;
    }
}

/// Whether a client is sending a body that it would be cut off from.
pub(crate) fn awaits<B: Body>(parts: &Parts, body: &B) -> bool {
    !body.is_end_stream() && !parts.headers.contains_key(EXPECT)
}

/// [`discard`] without a look at the head, which need not be kept for it.
pub(crate) async fn drain<B: Body + Unpin>(mut body: B) {
    let mut drained = 0;
    let read_all = async {
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, bytes::Buf::remaining);
            if drained > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    // Past the deadline the connection closes with the answer unread, which is what a client this slow has to expect.
    let _ = timeout(Duration::from_secs(BODY_READ_SECONDS_MAX), read_all).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::{Frame, SizeHint};
    use tokio::time::{Instant, Sleep, sleep};

    use http::Version;

    use super::*;

    /// `pieces` of a length each, the next one after so many seconds; then the end.
    struct Paced {
        declared: Option<u64>,
        pieces: Vec<(u64, usize)>,
        pause: Option<Pin<Box<Sleep>>>,
    }

    impl Body for Paced {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(&(seconds, length)) = self.pieces.first() else { return Poll::Ready(None) };
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(seconds))));
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
            self.pieces.remove(0);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; length])))))
        }

        fn size_hint(&self) -> SizeHint {
            self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    fn parts(version: Version) -> Parts {
        http::Request::builder().version(version).body(()).unwrap().into_parts().0
    }

    fn developer(name: &str) -> AccountId {
        AccountId::new(name.to_owned())
    }

    /// Sends `pieces`, and expects as many bytes or a status; both with the length declared and in chunks.
    async fn check(label: &str, pieces: &[(u64, usize)], expected: Result<usize, u16>) {
        let length = pieces.iter().map(|(_, length)| *length as u64).sum();
        for declared in [Some(length), None] {
            let body = Paced { declared, pieces: pieces.to_vec(), pause: None };
            let (bodies, developer) = (LargeBodies::default(), developer("acct_a"));
            let received = receive(&bodies, &developer, &parts(Version::HTTP_11), body).await;
            let received = received.map(|body| body.len()).map_err(|error| error.status());
            assert_eq!(received, expected, "{label}, declared: {declared:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rule_3_5_and_6_29_bodies_of_every_length_and_pace() {
        const SMALL: usize = SMALL_BODY_BYTES_MAX;
        let steady = |count: usize, seconds| vec![(seconds, BODY_BYTES_MAX / count); count];
        check("empty", &[], Ok(0)).await;
        check("small", &[(0, 10)], Ok(10)).await;
        check("small and slow", &[(14, 10), (15, 10)], Ok(20)).await;
        check("small and too slow", &[(14, 10), (17, 10)], Err(400)).await;
        check("the longest small one", &[(0, SMALL)], Ok(SMALL)).await;
        check("the shortest large one", &[(0, SMALL), (0, 1)], Ok(SMALL + 1)).await;
        check("in one piece", &[(0, BODY_BYTES_MAX)], Ok(BODY_BYTES_MAX)).await;
        check("the longest", &steady(64, 0), Ok(BODY_BYTES_MAX)).await;
        check("large, and just fast enough", &steady(32, 0), Ok(BODY_BYTES_MAX)).await;
        check("large, and stalling", &[(0, SMALL + 1), (6, 1)], Err(400)).await;
        check("large, and dripping", &[(0, SMALL + 1), (2, 1), (2, 1), (2, 1)], Err(400)).await;
        check("large, and too slow as a whole", &steady(16, 3), Err(400)).await;
        check("too long", &[(0, BODY_BYTES_MAX), (0, 1)], Err(413)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_senders_hold_nobody_else() {
        let bodies = LargeBodies::default();
        let stalled = |name: &str| {
            let body = Paced { declared: Some(70_000), pieces: vec![(0, 65_537), (60, 4_463)], pause: None };
            let (bodies, developer) = (&bodies, developer(name));
            async move { receive(bodies, &developer, &parts(Version::HTTP_2), body).await }
        };
        let large = |name: &str| {
            let body = Paced { declared: None, pieces: vec![(0, 65_537); 2], pause: None };
            let (bodies, developer) = (&bodies, developer(name));
            async move {
                let begun = Instant::now();
                let received = receive(bodies, &developer, &parts(Version::HTTP_2), body).await;
                (received.map(|body| body.len()).map_err(|error| error.status()), begun.elapsed().as_secs())
            }
        };
        let small = Paced { declared: None, pieces: vec![(0, 10)], pause: None };
        let mut many: Vec<_> = (0..64).map(|_| Box::pin(stalled("acct_a"))).collect();
        let all_stalled = std::future::poll_fn(|context| {
            for one in &mut many {
                assert!(one.as_mut().poll(context).is_pending());
            }
            Poll::Ready(())
        });
        all_stalled.await;
        assert_eq!(large("acct_b").await, (Ok(131_074), 0), "another developer");
        let own = developer("acct_a");
        let received = receive(&bodies, &own, &parts(Version::HTTP_2), small).await;
        assert_eq!(received.map(|body| body.len()).map_err(|error| error.status()), Ok(10), "a small one");
        assert_eq!(large("acct_a").await, (Err(503), 5), "the same developer, behind all of them");
        drop(many);
        assert_eq!(large("acct_a").await, (Ok(131_074), 0), "once they are gone");
    }

    /// A request that is refused before its body is read, and whose body takes a minute.
    #[tokio::test(start_paused = true)]
    async fn a_body_is_thrown_away_for_a_bounded_time() {
        for (version, seconds) in [(Version::HTTP_11, BODY_READ_SECONDS_MAX), (Version::HTTP_2, BODY_READ_SECONDS_MAX)]
        {
            let begun = Instant::now();
            discard(&parts(version), Paced { declared: None, pieces: vec![(60, 10)], pause: None }).await;
            assert_eq!(begun.elapsed().as_secs(), seconds, "{version:?}");
        }
    }
}
