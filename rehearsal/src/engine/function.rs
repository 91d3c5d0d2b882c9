//! Functions: looked up, and invoked by hand.
//!
//! These are the only two questions that the rehearsal has for Lambda, and they
//! are not worth an SDK client, which takes a minute to compile.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpStream;

use super::{Account, Engine};

/// Why a function could not be asked about or invoked.
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
    /// Whether the function exists in `account`; a question that cannot be
    /// answered counts as yes.
    pub async fn has_function(&self, account: &Account, name: &str) -> bool {
        let path = format!("/2015-03-31/functions/{name}");
        let asked = self.ask_lambda(account, Method::GET, &path, "").await;
        !matches!(asked, Err(InvokeError::Refused(StatusCode::NOT_FOUND)))
    }

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
        self.ask(account, function, event).await.map(drop)
    }

    /// The same, with what the function returns, or the error that it ends with.
    ///
    /// # Errors
    /// There is no such function, or the engine cannot be asked.
    pub async fn ask(
        &self,
        account: &Account,
        function: &str,
        event: &Value,
    ) -> Result<Value, InvokeError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let answer = self
            .ask_lambda(account, Method::POST, &path, &event.to_string())
            .await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    async fn ask_lambda(
        &self,
        account: &Account,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Bytes, InvokeError> {
        // The engine takes the account and the region from the credential's
        // scope, and does not verify signatures.
        let credential = format!("{}/20260101/{}/lambda", account.id(), account.region());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={credential}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address().to_string())
            .header(header::AUTHORIZATION, authorization)
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a function's name is a path segment");
        let stream = TcpStream::connect(self.address())
            .await
            .map_err(InvokeError::Connect)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(InvokeError::Exchange)?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(InvokeError::Exchange)?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        connection.abort();
        if status.is_success() {
            Ok(body.map_err(InvokeError::Exchange)?.to_bytes())
        } else {
            Err(InvokeError::Refused(status))
        }
    }
}
