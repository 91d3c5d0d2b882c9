//! One question to the engine and its answer, without an SDK.
//!
//! Of most services the rehearsal asks little, and an SDK client of each would be what
//! takes longest to compile.

use std::net::SocketAddr;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;

/// Why there was no answer.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The engine does not listen.
    #[error("the engine cannot be reached")]
    Connect(#[source] std::io::Error),
    /// The engine ended the connection.
    #[error("the engine broke off")]
    BrokenOff(#[source] hyper::Error),
}

/// Who asks one service of the engine, and in which region.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) address: SocketAddr,
    pub(super) region: String,
    pub(super) credentials: Credentials,
    pub(super) service: &'static str,
}

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// Beside those that every question has.
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Bytes,
}

impl Caller {
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
    ) -> Result<(StatusCode, Bytes), ExchangeError> {
        let mut request = Request::builder()
            .method(question.method)
            .uri(question.path)
            .header(header::HOST, self.address.to_string());
        for (name, value) in question.headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(Full::new(question.body.clone()))
            .expect("names and keys are what a path and a header may have");
        self.sign(&mut request, &question.body);
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(ExchangeError::Connect)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(ExchangeError::BrokenOff)?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(ExchangeError::BrokenOff)?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        connection.abort();
        Ok((status, body.map_err(ExchangeError::BrokenOff)?.to_bytes()))
    }

    /// Signs as AWS wants it. The engine believes nobody without it, but a root user.
    fn sign(&self, request: &mut Request<Full<Bytes>>, body: &Bytes) {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("everything is given")
            .into();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        // Code is large, and S3 wants none of it signed.
        let body = if self.service == "s3" {
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(body)
        };
        let address = format!("http://{}{}", self.address, request.uri());
        let signable = SignableRequest::new(request.method().as_str(), address, headers, body);
        let signed = signable.and_then(|signable| sign(signable, &parameters));
        let (instructions, _) = signed.expect("every request can be signed").into_parts();
        instructions.apply_to_request_http1x(request);
    }
}
