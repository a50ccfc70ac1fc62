//! Answers that do not arrive whole: dev mode's scripted faults cut a connection before an answer, or in the middle of it.
//!
//! Over HTTP/1.1 the connection is closed, over HTTP/2 the stream is reset: its connection goes on.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::Sleep;

use crate::respond::AnswerBody;

/// How long after the first half of a body the connection is cut: by then the half has left.
const HALF_LEAVES_WITHIN: Duration = Duration::from_millis(20);

/// Where an answer is cut. Said in the answer's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing of it is sent.
    BeforeHead,
    /// Its head and the first half of its body are sent. Without a body, nothing.
    AfterHalf,
}

/// What a connection is told in place of the rest of an answer.
#[derive(Debug, Error)]
#[error("a scripted fault cut the answer")]
pub(crate) struct Severed;

/// The answer as it is sent.
///
/// # Errors
/// When nothing of it is.
pub(crate) fn sent(answer: Response<AnswerBody>) -> Result<Response<SentBody>, Severed> {
    match answer.extensions().get::<Cut>() {
        None => Ok(answer.map(SentBody::from)),
        Some(Cut::AfterHalf) if !answer.body().is_end_stream() => Ok(answer.map(SentBody::half)),
        Some(_) => Err(Severed),
    }
}

/// The body of an answer as it is sent. Without `Debug`: it may hold payloads.
pub(crate) struct SentBody {
    body: AnswerBody,
    /// For a body that is cut: the time between its first half and the cut.
    pause: Option<Pin<Box<Sleep>>>,
}

impl From<AnswerBody> for SentBody {
    fn from(body: AnswerBody) -> Self {
        Self { body, pause: None }
    }
}

impl SentBody {
    fn half(body: AnswerBody) -> Self {
        Self { body, pause: Some(Box::pin(tokio::time::sleep(HALF_LEAVES_WITHIN))) }
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = Severed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Severed>>> {
        if self.pause.is_none() || !self.body.is_end_stream() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            let halved = |bytes: Bytes| bytes.slice(..bytes.len() / 2);
            let is_cut = self.pause.is_some();
            return Poll::Ready(frame.map(|frame| {
                let Ok(frame) = frame;
                Ok(if is_cut { frame.map_data(halved) } else { frame })
            }));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
        }
        Poll::Ready(Some(Err(Severed)))
    }

    fn is_end_stream(&self) -> bool {
        self.pause.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// What of `body` is sent when it is cut at `cut`, and whether it ends well; `None`: nothing at all.
    async fn check(body: &'static str, cut: Option<Cut>, expected: Option<(&str, bool)>) {
        let mut answer = Response::new(AnswerBody::from(body));
        if let Some(cut) = cut {
            answer.extensions_mut().insert(cut);
        }
        let Ok(answer) = sent(answer) else {
            assert_eq!(expected, None, "{body:?} {cut:?}");
            return;
        };
        let mut sent = answer.into_body();
        assert_eq!(sent.size_hint().exact(), u64::try_from(body.len()).ok(), "the whole length is announced");
        let (mut seen, mut ends_well) = (Vec::new(), true);
        while let Some(frame) = sent.frame().await {
            let Ok(frame) = frame else {
                ends_well = false;
                break;
            };
            seen.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        assert_eq!(expected, Some((String::from_utf8(seen).unwrap().as_str(), ends_well)), "{body:?} {cut:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_cut_where_it_was_scripted() {
        check("12345678", None, Some(("12345678", true))).await;
        check("12345678", Some(Cut::AfterHalf), Some(("1234", false))).await;
        check("1", Some(Cut::AfterHalf), Some(("", false))).await;
        check("12345678", Some(Cut::BeforeHead), None).await;
        check("", None, Some(("", true))).await;
        check("", Some(Cut::AfterHalf), None).await;
    }
}
