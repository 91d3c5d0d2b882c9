//! A process of the function, and the wire that it holds.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use authomize_trust_role::wire::{Exchange, Wire, WireError};
use bytes::Bytes;
use http::{Request, Response, header};
use rehearsal::sandbox::{ApiRequest, ApiResponse};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use crate::fault::{Spot, What};
use crate::run::TRACED;
use crate::violation::Promise;
use crate::world::{By, World};
use crate::{aws, bucket};

/// Where Authomize is.
pub const VENDOR: &str = "api.authomize.com";

/// The panic that the simulation asks for.
#[derive(Debug)]
pub struct AskedFor;

/// A process. All that it does to the world leaves by its wire, so one that is
/// killed is one whose wire is cut: what is under way may still arrive, and
/// nothing ever comes back.
pub struct Process {
    world: World,
    stack: usize,
    /// Its number in the stack.
    pub number: usize,
    /// The request that it works at.
    request: AtomicUsize,
    /// The run of that request.
    run: AtomicUsize,
    /// It works at one.
    busy: AtomicBool,
    dead: AtomicBool,
    killed: Notify,
    itself: Weak<Self>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of stack {}", self.number, self.stack)
    }
}

impl Process {
    /// A process that has just started.
    pub fn new(world: &World, stack: usize, number: usize) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            world: world.clone(),
            stack,
            number,
            request: AtomicUsize::new(0),
            run: AtomicUsize::new(0),
            busy: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            killed: Notify::new(),
            itself: itself.clone(),
        })
    }

    /// It works at this run of this request from now on.
    pub fn works_at(&self, request: usize, run: usize) {
        self.request.store(request, Ordering::Relaxed);
        self.run.store(run, Ordering::Relaxed);
        self.busy.store(true, Ordering::Relaxed);
    }

    /// It has done so: whatever it sends before the next event it sends for nothing.
    pub fn has_done(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    /// Ends it here and now.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.killed.notify_one();
    }

    /// Until it is killed.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    fn at(&self) -> (usize, usize) {
        (
            self.request.load(Ordering::Relaxed),
            self.run.load(Ordering::Relaxed),
        )
    }

    async fn carry(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, WireError> {
        if self.is_dead() {
            return silence().await;
        }
        let spot = spot_of(&request);
        let (asked, run) = self.at();
        self.check_secrets(spot, &request);
        let (what, there, back) = {
            let mut state = self.world.lock();
            let (what, there, back) = state.sending(self.stack, asked, spot);
            let now = state.now();
            state.note(format_args!(
                "stack {} request {asked} run {run}: {spot:?}{}",
                self.stack,
                what.map(|what| format!(" meets {what:?}"))
                    .unwrap_or_default()
            ));
            state.stacks[self.stack].requests[asked].sends(run, spot, what, now);
            if !self.busy.load(Ordering::Relaxed) {
                let how = format!("{self:?} asks {spot:?} though no run is going on");
                state.violated(Promise::EverythingComesToRest, how);
            }
            (
                what,
                Duration::from_millis(there),
                Duration::from_millis(back),
            )
        };
        let there = match what {
            Some(What::KilledBefore) => {
                self.kill();
                return silence().await;
            }
            Some(What::Hang) => return silence().await,
            Some(What::Panic) => resume_unwind(Box::new(AskedFor)),
            Some(What::Slow) => slowly(spot, there),
            // What nobody waits for any more may take as long as what is waited for.
            Some(What::Silent | What::KilledBehind) if there.as_millis().is_multiple_of(2) => {
                slowly(spot, there)
            }
            _ => there,
        };
        if let Some(what) = what
            && let Some(refusal) = without_effect(spot, what)
        {
            sleep(there + back).await;
            return if self.is_dead() {
                silence().await
            } else {
                refusal
            };
        }
        if what == Some(What::KilledBehind) {
            self.kill();
        }
        let response = self.effect(spot, asked, run, request, there, what).await;
        if matches!(what, Some(What::Silent | What::KilledBehind)) {
            return silence().await;
        }
        sleep(back).await;
        if what == Some(What::KilledAfter) {
            self.kill();
        }
        if self.is_dead() {
            return silence().await;
        }
        match what {
            Some(What::LostAfter) => Err(WireError::Lost("reset".to_owned())),
            Some(What::DownAfter) => Ok(plain(503, "")),
            Some(What::Garbled) if spot.is_the_vendors() => {
                Err(WireError::Lost("in the middle of the answer".to_owned()))
            }
            Some(What::TooLarge) => Err(WireError::TooLarge),
            _ => {
                if what.is_none() && tells_enough(spot, &response) {
                    let mut state = self.world.lock();
                    let now = state.now();
                    state.stacks[self.stack].requests[asked].runs[run].told = Some(now);
                }
                self.has_seen(spot, &response);
                Ok(response)
            }
        }
    }

    /// [`Promise::NoSecretLeaves`]: each goes to where it belongs, and nowhere else.
    fn check_secrets(&self, spot: Spot, request: &Request<Bytes>) {
        let mut state = self.world.lock();
        if spot.is_the_vendors() && request.uri().host() != Some(VENDOR) {
            let how = format!("{self:?} asks {:?}", request.uri().host());
            state.violated(Promise::NoSecretLeaves, how);
        }
        if !state.history.seed.is_multiple_of(TRACED) {
            return;
        }
        let uri = request.uri().to_string();
        let body = String::from_utf8_lossy(request.body());
        let headers = request.headers().iter();
        let headers = headers.filter(|(name, _)| *name != header::AUTHORIZATION);
        let mut texts: Vec<&str> = headers
            .filter_map(|(_, value)| value.to_str().ok())
            .collect();
        // The answer is searched where the bucket takes it; its URL is the secret.
        if spot != Spot::Answer {
            texts.push(&uri);
        }
        if !spot.is_the_vendors() && spot != Spot::Answer {
            texts.push(&body);
        }
        for leak in bucket::leaks("request", &texts) {
            state.violated(Promise::NoSecretLeaves, format!("{spot:?}: {leak}"));
        }
    }

    /// What a request that changes something does, it does whatever becomes of
    /// the one who sent it.
    async fn effect(
        self: &Arc<Self>,
        spot: Spot,
        asked: usize,
        run: usize,
        request: Request<Bytes>,
        there: Duration,
        what: Option<What>,
    ) -> Response<Bytes> {
        if !spot.changes() {
            sleep(there).await;
            return self.served(spot, asked, run, &request, what);
        }
        let (done, response) = oneshot::channel();
        let process = Arc::clone(self);
        self.world.lock().under_way += 1;
        tokio::spawn(async move {
            sleep(there).await;
            let response = process.served(spot, asked, run, &request, what);
            process.world.lock().under_way -= 1;
            done.send(response).ok();
        });
        match response.await {
            Ok(response) => response,
            Err(_) => std::future::pending().await,
        }
    }

    fn served(
        &self,
        spot: Spot,
        asked: usize,
        run: usize,
        request: &Request<Bytes>,
        what: Option<What>,
    ) -> Response<Bytes> {
        match spot {
            Spot::Secret => aws::secret(&self.world, self.stack),
            Spot::Stack => aws::stack(&self.world, self.stack, request, what),
            Spot::Resource => aws::resource(&self.world, self.stack, request, what),
            Spot::Answer => bucket::take(&self.world, self.stack, asked, run, request),
            _ => self.vendor(asked, run, request, what),
        }
    }

    fn vendor(
        &self,
        asked: usize,
        run: usize,
        request: &Request<Bytes>,
        what: Option<What>,
    ) -> Response<Bytes> {
        let api = to_the_tenant(request);
        let by = By::Run(self.stack, asked, run);
        let mut response = self.world.ask_the_vendor(by, &api);
        if what == Some(What::Stale) {
            self.world.lock().hide_the_newest(&mut response.body);
        }
        from_the_tenant(&response, self.world.lock().vendors_time())
    }

    /// A living process learnt of a record.
    fn has_seen(&self, spot: Spot, response: &Response<Bytes>) {
        if spot == Spot::Register && response.status() == 200 {
            let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            let id = body["id"].as_str().unwrap_or_default();
            if let Some(entry) = self.world.lock().ledger.get_mut(id) {
                entry.seen = true;
            }
        }
    }
}

impl Wire for Process {
    fn exchange(&self, request: Request<Bytes>) -> Exchange {
        match self.itself.upgrade() {
            Some(itself) => Box::pin(itself.carry(request)),
            None => Box::pin(silence()),
        }
    }
}

/// When a slow request takes effect that is prompt after 10 to 200 ms. At Authomize that
/// is within 20 s, see `docs/reliability.md`: sometimes so late that nobody waits for the
/// answer any more. AWS answers in time; the bucket does not.
fn slowly(spot: Spot, prompt: Duration) -> Duration {
    match spot {
        Spot::Secret | Spot::Stack | Spot::Resource => prompt * 45,
        _ => prompt * 100,
    }
}

/// A request as the sandbox's state machine takes it.
pub(crate) fn to_the_tenant(request: &Request<Bytes>) -> ApiRequest {
    ApiRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: members(request.uri().query()),
        authorization: text(request, header::AUTHORIZATION.as_str()),
        idempotency_key: text(request, "idempotency-key"),
        body: serde_json::from_slice(request.body()).ok(),
    }
}

/// An answer of the sandbox's state machine as it travels, sent at `date`.
pub(crate) fn from_the_tenant(response: &ApiResponse, date: OffsetDateTime) -> Response<Bytes> {
    let date = date.format(&Rfc2822).unwrap_or_default();
    let mut parts = Response::builder()
        .status(response.status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::DATE, date.replace("+0000", "GMT"));
    if let Some(seconds) = response.retry_after {
        parts = parts.header(header::RETRY_AFTER, seconds);
    }
    parts
        .body(Bytes::from(response.body.to_string()))
        .unwrap_or_default()
}

pub(crate) async fn silence() -> Result<Response<Bytes>, WireError> {
    std::future::pending().await
}

/// The answer to a request that has no effect, if that is what happens to it.
fn without_effect(spot: Spot, what: What) -> Option<Result<Response<Bytes>, WireError>> {
    let json = |status, text: &str| {
        let body = serde_json::json!({"detail": text}).to_string();
        Some(Ok(plain(status, &body)))
    };
    match what {
        What::NotSent => Some(Err(WireError::NotSent("refused".to_owned()))),
        What::LostBefore => Some(Err(WireError::Lost("reset".to_owned()))),
        What::Down => Some(Ok(plain(503, "<html>down</html>"))),
        What::Garbled if !spot.is_the_vendors() => Some(Ok(plain(200, "<"))),
        What::Throttled | What::Denied
            if matches!(spot, Spot::Secret | Spot::Stack | Spot::Resource) =>
        {
            Some(Ok(aws::refusal(spot, what)))
        }
        What::Throttled if spot == Spot::Answer => Some(Ok(plain(429, ""))),
        What::Throttled | What::ThrottledLong => {
            let seconds = if what == What::Throttled { "2" } else { "600" };
            let mut response = plain(429, "{}");
            let value = http::HeaderValue::from_static(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
            Some(Ok(response))
        }
        What::Unauthorized => json(401, "the token is not valid"),
        What::Denied => json(403, "not permitted"),
        What::Rejected => json(422, "unknown region, says https://vendor.example/help"),
        What::Redirected => Some(Ok(plain(307, ""))),
        What::Html => Some(Ok(plain(200, "<html>a page</html>"))),
        _ => None,
    }
}

/// Whether an answer of CloudFormation tells whether a request is still waited for. A
/// stack that is created or updated may wait for it or for another one, and a resource that
/// is created may be so no more: what is told is a moment old.
fn tells_enough(spot: Spot, response: &Response<Bytes>) -> bool {
    const MAY_WAIT: [&str; 4] = [
        "<StackStatus>CREATE_IN_PROGRESS<",
        "<StackStatus>UPDATE_IN_PROGRESS<",
        "<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS<",
        "<ResourceStatus>CREATE_IN_PROGRESS<",
    ];
    let body = String::from_utf8_lossy(response.body());
    let may_wait = || MAY_WAIT.iter().any(|status| body.contains(status));
    response.status() == 200 && matches!(spot, Spot::Stack | Spot::Resource) && !may_wait()
}

pub(crate) fn plain(status: u16, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// What a request is.
pub(crate) fn spot_of(request: &Request<Bytes>) -> Spot {
    let host = request.uri().host().unwrap_or_default();
    let path = request.uri().path();
    if host.starts_with("secretsmanager.") {
        Spot::Secret
    } else if host.starts_with("cloudformation.") {
        let body = String::from_utf8_lossy(request.body());
        if body.contains("Action=DescribeStackResource") {
            Spot::Resource
        } else {
            Spot::Stack
        }
    } else if host.starts_with("cloudformation-custom-resource-response-") {
        Spot::Answer
    } else {
        match (request.method().as_str(), path) {
            ("GET", "/me") => Spot::Me,
            ("GET", "/v2/apps") => Spot::List,
            ("GET", _) => Spot::Read,
            ("POST", _) => Spot::Register,
            ("PATCH", _) => Spot::Amend,
            _ => Spot::Remove,
        }
    }
}

fn members(query: Option<&str>) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

fn text(request: &Request<Bytes>, name: &str) -> Option<String> {
    Some(request.headers().get(name)?.to_str().ok()?.to_owned())
}
