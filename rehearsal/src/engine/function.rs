//! Functions: looked up, and invoked by hand.
//!
//! These are the only two questions that the rehearsal has for Lambda, and they
//! are not worth an SDK client, which takes a minute to compile.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{Account, Engine};

impl Engine {
    /// Whether the function exists in `account`; a question that cannot be
    /// answered counts as yes.
    pub async fn has_function(&self, account: &Account, name: &str) -> bool {
        let path = format!("/2015-03-31/functions/{name}");
        let status = self.ask_lambda(account, Method::GET, &path, "").await;
        status != Some(StatusCode::NOT_FOUND)
    }

    /// Runs a function once with this event, as anybody may who has the right
    /// to, and waits for its end.
    pub async fn invoke(&self, account: &Account, name: &str, event: &Value) {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        // What came of it is seen at the vendor and in the bucket.
        self.ask_lambda(account, Method::POST, &path, &event.to_string())
            .await;
    }

    async fn ask_lambda(
        &self,
        account: &Account,
        method: Method,
        path: &str,
        body: &str,
    ) -> Option<StatusCode> {
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
            .ok()?;
        let stream = TcpStream::connect(self.address()).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        connection.abort();
        Some(answer.ok()?.status())
    }
}
