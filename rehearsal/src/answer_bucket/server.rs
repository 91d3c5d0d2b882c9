//! The bucket's state, and the one place that knows its sockets.
//!
//! It is served by hyper itself: a connection that ends without an answer is
//! one of the faults, and a handler of a web framework cannot do that.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::fault::BucketFault;
use super::forward;
use super::presigned::{Presigner, Refusal, names_in};
use super::received::{ReceivedAnswer, Verdict};
use crate::accept::next_connection;

/// Far above the 4096 bytes that CloudFormation reads of an answer, so that
/// an answer that is too long is kept and can be seen.
const BODY_LIMIT: usize = 1024 * 1024;

/// Tells hyper to end the connection without an answer.
#[derive(Debug, Error)]
#[error("the bucket ends this connection")]
pub(super) struct EndConnection;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) presigner: Presigner,
    forward: Option<SocketAddr>,
    faults: Mutex<VecDeque<BucketFault>>,
    answers: watch::Sender<Vec<ReceivedAnswer>>,
    held: OnceLock<mpsc::UnboundedSender<HeldAnswer>>,
}

/// An answer that says FAILED, and has not reached CloudFormation yet.
/// Dropping it lets it go on.
#[derive(Debug)]
pub struct HeldAnswer {
    _goes_on: oneshot::Sender<()>,
}

/// Accepts connections for ever; they end when this future is dropped.
pub(super) async fn serve(listener: TcpListener, bucket: Arc<Bucket>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = next_connection(&listener).await;
        let bucket = Arc::clone(&bucket);
        connections.spawn(async move {
            let service = service_fn(|request| bucket.take(request));
            // A client that goes away is its own business.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Bucket {
    pub(super) fn new(presigner: Presigner, forward: Option<SocketAddr>) -> Self {
        Self {
            presigner,
            forward,
            faults: Mutex::default(),
            answers: watch::Sender::default(),
            held: OnceLock::new(),
        }
    }

    pub(super) fn answers(&self) -> Vec<ReceivedAnswer> {
        self.answers.borrow().clone()
    }

    pub(super) async fn next_answer(&self, request_id: &str) -> ReceivedAnswer {
        let accepted = |answers: &Vec<ReceivedAnswer>| {
            answers
                .iter()
                .find(|answer| {
                    answer.request_id == request_id && answer.verdict == Verdict::Accepted
                })
                .cloned()
        };
        let mut answers = self.answers.subscribe();
        let found = answers
            .wait_for(|answers| accepted(answers).is_some())
            .await
            .expect("the sender lives as long as the bucket");
        accepted(&found).expect("it was just waited for")
    }

    pub(super) async fn more_than(&self, count: usize) -> Vec<ReceivedAnswer> {
        let mut answers = self.answers.subscribe();
        let all = answers.wait_for(|answers| answers.len() > count).await;
        all.expect("the sender lives as long as the bucket").clone()
    }

    pub(super) fn script(&self, fault: BucketFault) {
        self.faults().push_back(fault);
    }

    pub(super) fn clear_faults(&self) {
        self.faults().clear();
    }

    pub(super) fn hold_failures(&self) -> mpsc::UnboundedReceiver<HeldAnswer> {
        let (held, holder) = mpsc::unbounded_channel();
        self.held.set(held).expect("there is one who holds answers");
        holder
    }

    /// Waits until whoever holds failures lets this one go.
    async fn hold(&self, body: &[u8]) {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(held) = self.held.get()
            && answer["Status"] == "FAILED"
        {
            let (goes_on, released) = oneshot::channel();
            let answer = HeldAnswer { _goes_on: goes_on };
            // Nobody holds it any more, or it was let go: both are fine.
            held.send(answer).ok();
            released.await.ok();
        }
    }

    fn faults(&self) -> MutexGuard<'_, VecDeque<BucketFault>> {
        self.faults
            .lock()
            .expect("nothing panics while it holds the faults")
    }

    fn next_fault(&self) -> Option<BucketFault> {
        let mut faults = self.faults();
        let fault = faults.pop_front()?;
        if let Some(rest) = fault.after_one_request() {
            faults.push_front(rest);
        }
        Some(fault)
    }

    async fn take(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, EndConnection> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Err(EndConnection);
        };
        let body = body.to_bytes();
        let (stack_id, request_id) = names_in(head.uri.path()).unwrap_or_default();
        let keep = |verdict| {
            self.answers.send_modify(|answers| {
                answers.push(ReceivedAnswer {
                    request_id: request_id.clone(),
                    stack_id: stack_id.clone(),
                    json: serde_json::from_slice(&body).unwrap_or(Value::Null),
                    body: body.clone(),
                    headers: head.headers.clone(),
                    verdict,
                });
            });
        };

        let fault = self.next_fault();
        match &fault {
            None | Some(BucketFault::LoseAcknowledgement) => {}
            Some(BucketFault::Hang) => {
                keep(Verdict::Faulted);
                return std::future::pending().await;
            }
            Some(fault) => {
                keep(Verdict::Faulted);
                return answer_to(fault);
            }
        }
        if let Err(refusal) = self.verify(&head) {
            let answer = refused(&refusal);
            keep(Verdict::Refused {
                code: refusal.code,
                message: refusal.message,
            });
            return Ok(answer);
        }
        self.hold(&body).await;
        if let Some(engine) = self.forward
            && let Err(error) = forward::hand_on(engine, &request_id, body.clone()).await
        {
            let message = error.to_string();
            keep(Verdict::NotHandedOn {
                message: message.clone(),
            });
            return Ok(xml(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                &message,
            ));
        }
        keep(Verdict::Accepted);
        match fault {
            Some(_) => Err(EndConnection),
            None => Ok(Response::new(Full::default())),
        }
    }

    fn verify(&self, head: &http::request::Parts) -> Result<(), Refusal> {
        // Nothing but the host is signed, and the URL was made for a request
        // without a content type: S3 refuses one that brings it. An empty one, as
        // AWS's own `cfn-response` sends it, counts as none.
        let content_type = head.headers.get(header::CONTENT_TYPE);
        if content_type.is_some_and(|value| !value.is_empty()) {
            return Err(Refusal {
                code: "SignatureDoesNotMatch",
                message: "The URL was signed for a request without a Content-Type.".to_owned(),
            });
        }
        self.presigner.verify(
            head.method.as_str(),
            host_of(&head.headers),
            head.uri.path(),
            head.uri.query().unwrap_or_default(),
            OffsetDateTime::now_utc(),
        )
    }
}

fn host_of(headers: &HeaderMap) -> &str {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    host.strip_suffix(":443").unwrap_or(host)
}

fn answer_to(fault: &BucketFault) -> Result<Response<Full<Bytes>>, EndConnection> {
    match fault {
        BucketFault::Refuse => Ok(xml(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "Scripted by the rehearsal.",
        )),
        BucketFault::Unavailable { .. } => Ok(xml(
            StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            "Please reduce your request rate.",
        )),
        BucketFault::Status { status } => Ok(xml(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            "Scripted",
            "Scripted by the rehearsal.",
        )),
        BucketFault::Redirect { to } => {
            let mut answer = xml(
                StatusCode::TEMPORARY_REDIRECT,
                "TemporaryRedirect",
                "Please re-send this request to the specified temporary endpoint.",
            );
            if let Ok(to) = to.parse() {
                answer.headers_mut().insert(header::LOCATION, to);
            }
            Ok(answer)
        }
        BucketFault::Reset | BucketFault::LoseAcknowledgement | BucketFault::Hang => {
            Err(EndConnection)
        }
    }
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    xml(StatusCode::FORBIDDEN, refusal.code, &refusal.message)
}

fn xml(status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/xml"),
    );
    answer
}
