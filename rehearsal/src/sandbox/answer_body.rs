//! The body of the sandbox's answers, those that misbehave included.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

/// What an endless body repeats.
const PIECE: &[u8] = &[b' '; 4096];

/// A body as a client gets to read it.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// White space without an end.
    Endless,
    /// This much, and then the connection ends.
    BrokenOff(Option<Bytes>),
}

impl AnswerBody {
    /// A whole body.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// The first half of a body.
    pub(super) fn half(bytes: &[u8]) -> Self {
        Self::BrokenOff(Some(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = |bytes| Some(Ok::<_, Infallible>(Frame::data(bytes)));
        let next = match &mut *self {
            Self::Whole(bytes) => bytes.take().and_then(frame),
            Self::Endless => frame(Bytes::from_static(PIECE)),
            Self::BrokenOff(bytes) => match bytes.take() {
                Some(bytes) => frame(bytes),
                None => return Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into()))),
            },
        };
        Poll::Ready(next.map(|frame| frame.map_err(|never| match never {})))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(bytes) => hyper::body::SizeHint::with_exact(
                bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            ),
            Self::Endless | Self::BrokenOff(_) => hyper::body::SizeHint::new(),
        }
    }
}
