//! The one seam: an HTTP request goes out, an HTTP response comes back.
//!
//! The real client is [`crate::https`]; tests put wires in its place that fail in
//! ways which no server can bring about, and the very same handler runs on both.
//! Everything above it is concrete. Timers are not the wire's: [`send`] puts
//! `tokio::time` around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;

/// The largest body that anyone's answer may have, in bytes. A full page of the
/// vendor's list is far smaller.
pub const BODY_LIMIT: usize = 256 * 1024;

/// The future of one exchange.
pub type Exchange = Pin<Box<dyn Future<Output = Result<Response<Bytes>, WireError>> + Send>>;

/// Carries one HTTP request to its server and brings back the response.
///
/// An implementor follows no redirect, reads at most [`BODY_LIMIT`] bytes and
/// tries once.
pub trait Wire: fmt::Debug + Send + Sync {
    /// Starts the exchange.
    fn exchange(&self, request: Request<Bytes>) -> Exchange;
}

/// What became of a request that brought back no response.
///
/// No variant carries a URL: the query of a response URL is a secret.
#[derive(Clone, Debug, Error)]
pub enum WireError {
    /// Nothing reached the server, so trying again is always safe.
    #[error("could not connect ({0})")]
    NotSent(String),
    /// The request may have been carried out.
    #[error("the connection was lost ({0})")]
    Lost(String),
    /// The request may have been carried out.
    #[error("no answer within {:.1} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The request was answered, with more than anyone should have to read.
    #[error("the answer is larger than {BODY_LIMIT} bytes")]
    TooLarge,
}

/// Sends a request and waits at most `patience` for the whole response.
///
/// # Errors
/// Says whether the request can have reached the server.
pub async fn send(
    wire: &Arc<dyn Wire>,
    request: Request<Bytes>,
    patience: Duration,
) -> Result<Response<Bytes>, WireError> {
    tokio::time::timeout(patience, wire.exchange(request))
        .await
        .unwrap_or(Err(WireError::TimedOut(patience)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the function's time is no round number.
    #[test]
    fn tells_a_time_that_a_person_can_read() {
        let error = WireError::TimedOut(Duration::from_micros(19_998_333));
        assert_eq!(error.to_string(), "no answer within 20.0 s");
    }
}
