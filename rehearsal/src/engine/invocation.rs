//! A function of the engine, invoked by hand.

use http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpStream;

use super::{Account, Engine};

/// Why a function could not be invoked.
#[derive(Debug, Error)]
pub enum InvokeError {
    /// The engine does not listen.
    #[error("the engine cannot be reached")]
    Connect(#[source] std::io::Error),
    /// The engine ended the connection.
    #[error("the engine broke off")]
    Exchange(#[source] hyper::Error),
    /// The engine refused, for example because there is no such function.
    #[error("the engine answered {0}")]
    Refused(StatusCode),
}

impl Engine {
    /// Invokes a function as the root user of `account` and waits for its
    /// end, whatever it comes to.
    ///
    /// # Errors
    /// There is no such function, or the engine cannot be asked.
    pub async fn invoke(
        &self,
        account: &Account,
        function: &str,
        event: &Value,
    ) -> Result<(), InvokeError> {
        let stream = TcpStream::connect(self.address())
            .await
            .map_err(InvokeError::Connect)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(InvokeError::Exchange)?;
        let connection = tokio::spawn(connection);
        // The engine takes a root user's word for it and checks no signature.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/20200101/{}/lambda/aws4_request, SignedHeaders=host, Signature=none",
            account.id(),
            account.region()
        );
        let request = Request::post(format!("/2015-03-31/functions/{function}/invocations"))
            .header(header::HOST, self.address().to_string())
            .header(header::AUTHORIZATION, authorization)
            .body(Full::<bytes::Bytes>::from(event.to_string()))
            .expect("a function's name is a path segment");
        let answer = sender.send_request(request).await;
        connection.abort();
        let status = answer.map_err(InvokeError::Exchange)?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(InvokeError::Refused(status))
        }
    }
}
