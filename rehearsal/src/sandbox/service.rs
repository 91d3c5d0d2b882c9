//! What the sandbox does with a connection: the one place that knows sockets and
//! time.
//!
//! It is served by hyper itself, for a connection that ends without an answer is
//! one of the faults, and a handler of a web framework cannot do that. One lock
//! keeps the state, and nothing is awaited while it is held.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer_body::AnswerBody;
use super::contract::Contract;
use super::fault::{Fault, Kind};
use super::model::Validation;
use super::page::{self, TenantState};
use super::server::RecordedRequest;
use super::tenant::{ApiRequest, ApiResponse, ContractLevel, PendingValidation, Tenant};
use super::validator::Validator;
use crate::accept::next_connection;

/// The published limit of a request's body.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) struct Service {
    validator: Arc<dyn Validator>,
    pub(super) level: ContractLevel,
    contract: Contract,
    state: Mutex<State>,
    /// How many requests were recorded so far.
    seen: watch::Sender<usize>,
}

pub(super) struct State {
    pub(super) tenant: Tenant,
    pub(super) faults: VecDeque<Fault>,
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) violations: Vec<String>,
    /// Outcomes that show from the next request on.
    outcomes: Vec<(PendingValidation, Validation)>,
    /// Validations that could not be done at once.
    validations: JoinSet<()>,
}

/// Tells hyper to end the connection without an answer.
#[derive(Debug, Error)]
#[error("the sandbox ends this connection")]
struct EndConnection;

impl State {
    pub(super) fn show_outcomes(&mut self) {
        for (pending, outcome) in self.outcomes.drain(..) {
            self.tenant
                .finish_validation(&pending.record, pending.generation, outcome);
        }
    }

    fn next_fault(&mut self, method: &str, path: &str) -> Option<Kind> {
        let position = self.faults.iter().position(|fault| {
            fault.only.is_none_or(|only| only == method) && path.starts_with(fault.at)
        })?;
        let fault = &mut self.faults[position];
        let kind = fault.kind.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.faults.remove(position);
        }
        Some(kind)
    }
}

pub(super) async fn serve(listener: TcpListener, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = next_connection(&listener).await;
        let service = Arc::clone(&service);
        connections.spawn(async move {
            let answer = service_fn(|request| Arc::clone(&service).answer(request));
            // A client that goes away is its own business.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Service {
    pub(super) fn new(tenant: Tenant, level: ContractLevel, validator: Arc<dyn Validator>) -> Self {
        Self {
            validator,
            level,
            contract: Contract::load(),
            state: Mutex::new(State {
                tenant,
                faults: VecDeque::new(),
                requests: Vec::new(),
                violations: Vec::new(),
                outcomes: Vec::new(),
                validations: JoinSet::new(),
            }),
            seen: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the state")
    }

    pub(super) fn end_validations(&self) {
        self.lock().validations.abort_all();
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, EndConnection> {
        let (head, body) = request.into_parts();
        if let Some(response) = self.for_people(&head) {
            return Ok(response);
        }
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Err(EndConnection);
        };
        let body = body.to_bytes();
        let request = ApiRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: members(head.uri.query()),
            authorization: text(&head.headers, "authorization"),
            idempotency_key: text(&head.headers, "idempotency-key"),
            body: serde_json::from_slice(&body).ok(),
        };
        let query = head.uri.query();
        let fault = self.lock().next_fault(&request.method, &request.path);
        match fault {
            None => {
                let response = self.handle(&request);
                self.record(&request, query, Some(response.status));
                Ok(written(&response))
            }
            Some(Kind::Answer {
                status,
                headers,
                body,
            }) => {
                self.record(&request, query, Some(status));
                Ok(scripted(status, &headers, body))
            }
            Some(Kind::LoseBefore) => {
                self.record(&request, query, None);
                Err(EndConnection)
            }
            Some(Kind::LoseAfter) => {
                self.handle(&request);
                self.record(&request, query, None);
                Err(EndConnection)
            }
            Some(Kind::Hang) => {
                self.record(&request, query, None);
                std::future::pending().await
            }
            Some(Kind::Endless) => {
                self.record(&request, query, Some(StatusCode::OK.as_u16()));
                Ok(Response::new(AnswerBody::Endless))
            }
            Some(Kind::BreakOff) => {
                let response = self.handle(&request);
                self.record(&request, query, None);
                let body = response.body.to_string();
                Ok(written(&response).map(|_| AnswerBody::half(body.as_bytes())))
            }
        }
    }

    /// The page of the tenant. It is no part of the API: no fault meets it, it
    /// is not recorded, and a request with a token is not for it.
    fn for_people(&self, head: &Parts) -> Option<Response<AnswerBody>> {
        if head.method != Method::GET || head.headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        match head.uri.path() {
            "/" => {
                let mut state = self.lock();
                state.show_outcomes();
                let page = page::render(&TenantState {
                    apps: &state.tenant.apps(),
                    requests: &state.requests,
                    token: state.tenant.token(),
                });
                Some(seen_by_people("text/html; charset=utf-8", page))
            }
            "/favicon.ico" => Some(seen_by_people("image/svg+xml", page::ICON.to_owned())),
            _ => None,
        }
    }

    fn handle(self: &Arc<Self>, request: &ApiRequest) -> ApiResponse {
        let (response, pending) = {
            let mut state = self.lock();
            state.show_outcomes();
            let response = state.tenant.handle(OffsetDateTime::now_utc(), request);
            (response, state.tenant.take_validations())
        };
        let violations = self.contract.check(request, &response);
        self.lock().violations.extend(violations);
        for pending in pending {
            self.validate(pending);
        }
        response
    }

    /// A validation that is done at once shows from the next request on; any
    /// other goes on beside the server.
    fn validate(self: &Arc<Self>, pending: PendingValidation) {
        let mut validating = self.validator.validate(&pending.config);
        let first = validating
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        let mut state = self.lock();
        match first {
            Poll::Ready(outcome) => state.outcomes.push((pending, outcome)),
            Poll::Pending => {
                let service = Arc::clone(self);
                state.validations.spawn(async move {
                    let outcome = validating.await;
                    service.lock().outcomes.push((pending, outcome));
                });
            }
        }
    }

    fn record(&self, request: &ApiRequest, query: Option<&str>, status: Option<u16>) {
        self.lock().requests.push(RecordedRequest {
            at: OffsetDateTime::now_utc(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: query.map(ToOwned::to_owned),
            body: request.body.clone(),
            idempotency_key: request.idempotency_key.clone(),
            status,
        });
        self.seen.send_modify(|seen| *seen += 1);
    }

    /// Waits until a request that `wanted` accepts was recorded.
    pub(super) async fn wait_for(&self, wanted: impl Fn(&RecordedRequest) -> bool) {
        let mut seen = self.seen.subscribe();
        let found = seen.wait_for(|_| self.lock().requests.iter().any(&wanted));
        found
            .await
            .expect("the sender lives as long as the service");
    }
}

fn members(query: Option<&str>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn seen_by_people(kind: &'static str, content: String) -> Response<AnswerBody> {
    Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_SECURITY_POLICY, page::policy())
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(AnswerBody::whole(content))
        .expect("fixed headers and hashes make a response")
}

fn written(response: &ApiResponse) -> Response<AnswerBody> {
    let mut parts = Response::builder()
        .status(response.status)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(seconds) = response.retry_after {
        parts = parts.header(header::RETRY_AFTER, seconds);
    }
    parts
        .body(AnswerBody::whole(response.body.to_string()))
        .expect("a status and fixed headers make a response")
}

fn scripted(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response<AnswerBody> {
    let mut parts = Response::builder().status(status);
    for (name, value) in headers {
        parts = parts.header(name, value);
    }
    parts.body(AnswerBody::whole(body)).unwrap_or_else(|_| {
        let mut response = Response::new(AnswerBody::whole(""));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
