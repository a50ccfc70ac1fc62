//! The body of a request, read under its limit into a buffer that is wiped.

use std::time::Duration;

use cholla_domain::limits::{BODY_BYTES_MAX, BODY_READ_SECONDS_MAX, DRAIN_BYTES_MAX};
use cholla_wire::error::ApiError;
use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Bodies up to this size need no permit; almost all are smaller.
const SMALL_BODY_BYTES_MAX: usize = 64 * 1024;
/// Large bodies that are in memory at the same time; more wait.
const LARGE_BODIES_MAX: usize = 64;

static LARGE_BODIES: Semaphore = Semaphore::const_new(LARGE_BODIES_MAX);

/// Reads the whole body.
///
/// # Errors
/// 413 when it is longer than [`BODY_BYTES_MAX`] (the rest is read and thrown away first, so that the answer arrives), 400 when it
/// breaks off or does not arrive within [`BODY_READ_SECONDS_MAX`].
pub(crate) async fn receive(parts: &Parts, mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    // Room for the whole body up front: a buffer that grows would leave copies of a payload behind, unwiped.
    let room = match body.size_hint().exact().map(usize::try_from) {
        None => BODY_BYTES_MAX,
        Some(Ok(declared)) if declared <= BODY_BYTES_MAX => declared,
        Some(_) => {
            discard(parts, body).await;
            return Err(ApiError::body_too_long());
        }
    };
    let deadline = Duration::from_secs(BODY_READ_SECONDS_MAX);
    timeout(deadline, async {
        let _permit = if room > SMALL_BODY_BYTES_MAX { LARGE_BODIES.acquire().await.ok() } else { None };
        let mut received = Zeroizing::new(Vec::with_capacity(room));
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return Err(ApiError::body_broken_off()) };
            let Ok(data) = frame.into_data() else { continue };
            if received.len() + data.len() > BODY_BYTES_MAX {
                drain(body).await;
                return Err(ApiError::body_too_long());
            }
            received.extend_from_slice(&data);
        }
        Ok(received)
    })
    .await
    .unwrap_or_else(|_| Err(ApiError::body_broken_off()))
}

/// Reads and throws away the body of a request that is answered early: a client that is still sending when its connection closes
/// sees the closing, not the answer. Bounded in bytes and time; a client that waits for `100 Continue` gets its answer at once.
pub(crate) async fn discard(parts: &Parts, body: Incoming) {
    if !body.is_end_stream() && !parts.headers.contains_key(EXPECT) {
        drain(body).await;
    }
}

async fn drain(mut body: Incoming) {
    let mut drained = 0;
    let read_all = async {
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, bytes::Bytes::len);
            if drained > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    // Past the deadline the connection closes with the answer unread, which is what a client this slow has to expect.
    let _ = timeout(Duration::from_secs(BODY_READ_SECONDS_MAX), read_all).await;
}
