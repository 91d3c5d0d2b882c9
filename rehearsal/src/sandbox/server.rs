//! The server around a [`Tenant`]: the one place that knows sockets and time.
//!
//! It is served by hyper itself, for a connection that ends without an answer is
//! one of the faults, and a handler of a web framework cannot do that.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::contract::Contract;
use super::fault::{Fault, Kind};
use super::model::{App, Validation};
use super::tenant::{
    ApiRequest, ApiResponse, ContractLevel, PendingValidation, Tenant, TenantOptions,
};
use super::validator::{AlwaysEnabled, Validator};

/// The published limit of a request's body.
const BODY_LIMIT: usize = 1024 * 1024;

/// How a sandbox is set up.
pub struct SandboxOptions {
    /// The token that may do everything.
    pub token: String,
    /// Tokens that are known and may do nothing.
    pub powerless_tokens: BTreeSet<String>,
    /// How much of the contract is known.
    pub contract: ContractLevel,
    /// Who validates roles.
    pub validator: Arc<dyn Validator>,
    /// How long a deleted record holds its name.
    pub deletion_takes: Duration,
    /// Requests accepted within one second; more are answered 429.
    pub rate: Option<u32>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            token: "sandbox-token".to_owned(),
            powerless_tokens: BTreeSet::new(),
            contract: ContractLevel::Full,
            validator: Arc::new(AlwaysEnabled),
            deletion_takes: Duration::ZERO,
            rate: None,
        }
    }
}

/// One request that reached the sandbox. The token is not kept.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// For example `PATCH`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query, as it was sent.
    pub query: Option<String>,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The status of the answer; none if there was no answer.
    pub status: Option<u16>,
}

/// A running sandbox on a loopback port that the system chose, in plain HTTP:
/// the [internet](crate::internet) puts TLS in front of it. Dropping it closes
/// the port and every connection.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

struct Shared {
    validator: Arc<dyn Validator>,
    level: ContractLevel,
    contract: Contract,
    state: Mutex<State>,
}

struct State {
    tenant: Tenant,
    faults: VecDeque<Fault>,
    requests: Vec<RecordedRequest>,
    violations: Vec<String>,
    /// Outcomes that show from the next request on.
    outcomes: Vec<(PendingValidation, Validation)>,
}

/// Tells hyper to end the connection without an answer.
#[derive(Debug, Error)]
#[error("the sandbox ends this connection")]
struct EndConnection;

impl Sandbox {
    /// Starts a sandbox with an empty tenant.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tenant = Tenant::new(TenantOptions {
            token: options.token,
            powerless_tokens: options.powerless_tokens,
            contract: options.contract,
            deletion_takes: options.deletion_takes,
            rate: options.rate,
        });
        let shared = Arc::new(Shared {
            validator: options.validator,
            level: options.contract,
            contract: Contract::load(),
            state: Mutex::new(State {
                tenant,
                faults: VecDeque::new(),
                requests: Vec::new(),
                violations: Vec::new(),
                outcomes: Vec::new(),
            }),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// Where the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every record that is not deleted, oldest first.
    pub fn apps(&self) -> Vec<App> {
        let mut state = self.shared.lock();
        state.show_outcomes();
        state.tenant.apps()
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.lock().requests.clear();
    }

    /// Where either side left the contract, in words.
    pub fn contract_violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    /// Lets the next matching requests meet `fault`. Faults queue up.
    pub fn script(&self, fault: Fault) {
        self.shared.lock().faults.push_back(fault);
    }

    /// Puts a stranger's record of this name there and returns its id.
    pub fn insert_stranger(&self, name: &str) -> String {
        let config = (self.shared.level == ContractLevel::Full).then(|| json!({}));
        let now = OffsetDateTime::now_utc() - Duration::DAY;
        self.shared.lock().tenant.insert(now, name, config)
    }

    /// Takes every record away, as if somebody had deleted them by hand.
    pub fn remove_all(&self) {
        self.shared.lock().tenant.remove_all();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn show_outcomes(&mut self) {
        for (pending, outcome) in self.outcomes.drain(..) {
            self.tenant
                .finish_validation(&pending.record, pending.generation, outcome);
        }
    }

    fn next_fault(&mut self, method: &str) -> Option<Kind> {
        let position = self
            .faults
            .iter()
            .position(|fault| fault.only.is_none_or(|only| only == method))?;
        let fault = &mut self.faults[position];
        let kind = fault.kind.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.faults.remove(position);
        }
        Some(kind)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| Arc::clone(&shared).answer(request));
            // A client that goes away is its own business.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the state")
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, EndConnection> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Err(EndConnection);
        };
        let body = body.to_bytes();
        let request = ApiRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: query(head.uri.query()),
            authorization: text(&head.headers, "authorization"),
            idempotency_key: text(&head.headers, "idempotency-key"),
            body: serde_json::from_slice(&body).ok(),
        };
        let fault = self.lock().next_fault(&request.method);
        let response = match &fault {
            None | Some(Kind::LoseAfter) => self.handle(&request),
            Some(Kind::Answer {
                status,
                headers,
                body,
            }) => {
                self.record(&request, head.uri.query(), Some(*status));
                return Ok(scripted(*status, headers, body));
            }
            Some(Kind::LoseBefore) => {
                self.record(&request, head.uri.query(), None);
                return Err(EndConnection);
            }
            Some(Kind::Hang) => {
                self.record(&request, head.uri.query(), None);
                return std::future::pending().await;
            }
        };
        if fault.is_some() {
            self.record(&request, head.uri.query(), None);
            return Err(EndConnection);
        }
        self.record(&request, head.uri.query(), Some(response.status));
        Ok(written(&response))
    }

    fn handle(self: &Arc<Self>, request: &ApiRequest) -> ApiResponse {
        let mut state = self.lock();
        state.show_outcomes();
        let response = state.tenant.handle(OffsetDateTime::now_utc(), request);
        if self.level == ContractLevel::Full {
            let violations = self.contract.check(request, &response);
            state.violations.extend(violations);
        }
        for pending in state.tenant.take_validations() {
            self.validate(&mut state, pending);
        }
        response
    }

    /// A validation that is done at once shows from the next request on; any
    /// other goes on beside the server.
    fn validate(self: &Arc<Self>, state: &mut State, pending: PendingValidation) {
        let mut validating = self.validator.validate(&pending.config);
        match validating
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(outcome) => state.outcomes.push((pending, outcome)),
            Poll::Pending => {
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    let outcome = validating.await;
                    shared.lock().outcomes.push((pending, outcome));
                });
            }
        }
    }

    fn record(&self, request: &ApiRequest, query: Option<&str>, status: Option<u16>) {
        self.lock().requests.push(RecordedRequest {
            method: request.method.clone(),
            path: request.path.clone(),
            query: query.map(ToOwned::to_owned),
            body: request.body.clone(),
            idempotency_key: request.idempotency_key.clone(),
            status,
        });
    }
}

fn query(query: Option<&str>) -> std::collections::BTreeMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn written(response: &ApiResponse) -> Response<Full<Bytes>> {
    let mut parts = Response::builder()
        .status(response.status)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(seconds) = response.retry_after {
        parts = parts.header(header::RETRY_AFTER, seconds);
    }
    parts
        .body(Full::from(response.body.to_string()))
        .expect("a status and fixed headers make a response")
}

fn scripted(status: u16, headers: &[(String, String)], body: &[u8]) -> Response<Full<Bytes>> {
    let mut parts = Response::builder().status(status);
    for (name, value) in headers {
        parts = parts.header(name, value);
    }
    parts.body(Full::from(body.to_vec())).unwrap_or_else(|_| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
