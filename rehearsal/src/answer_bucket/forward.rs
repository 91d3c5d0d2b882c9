//! Hands an accepted answer on to the engine.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;

/// Why the engine did not take an answer.
#[derive(Debug, Error)]
pub(crate) enum ForwardError {
    #[error("the engine cannot be reached")]
    Connect(#[source] std::io::Error),
    #[error("the engine broke off")]
    Exchange(#[source] hyper::Error),
    #[error("the engine answered {0}")]
    Refused(http::StatusCode),
}

/// PUTs `body` to the engine's own response address of `request_id`, the
/// name under which the launcher made it known there.
pub(crate) async fn hand_on(
    engine: SocketAddr,
    request_id: &str,
    body: Bytes,
) -> Result<(), ForwardError> {
    let stream = TcpStream::connect(engine)
        .await
        .map_err(ForwardError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(ForwardError::Exchange)?;
    let connection = tokio::spawn(connection);
    let request = Request::put(format!("/_ministack/cfn-response/{request_id}"))
        .header(header::HOST, engine.to_string())
        .body(Full::new(body))
        .expect("a request id of a verified path is a path segment");
    let answer = sender.send_request(request).await;
    connection.abort();
    let status = answer.map_err(ForwardError::Exchange)?.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(ForwardError::Refused(status))
    }
}
