//! Asks the engine's Lambda whether a function exists.
//!
//! This is the only question that the rehearsal has for Lambda, and it is
//! not worth an SDK client, which takes a minute to compile.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::engine::Account;

/// Whether the function exists in `account`; a question that cannot be
/// answered counts as yes.
pub(super) async fn is_there(engine: SocketAddr, account: &Account, name: &str) -> bool {
    status(engine, account, name).await != Some(StatusCode::NOT_FOUND)
}

async fn status(engine: SocketAddr, account: &Account, name: &str) -> Option<StatusCode> {
    // The engine takes the account and the region from the credential's
    // scope, and does not verify signatures.
    let credential = format!("{}/20260101/{}/lambda", account.id(), account.region());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={credential}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = Request::get(format!("/2015-03-31/functions/{name}"))
        .header(header::HOST, engine.to_string())
        .header(header::AUTHORIZATION, authorization)
        .body(Empty::<Bytes>::new())
        .ok()?;
    let stream = TcpStream::connect(engine).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    connection.abort();
    Some(answer.ok()?.status())
}
