//! Lambda with the hub's function: its queue, its concurrency, its runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use authomize_trust_role::courier::Lane;
use authomize_trust_role::invocation::{self, Circumstances};
use authomize_trust_role::wire::{Exchange, Wire, WireError};
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

use super::member::Answer;
use super::organization::Organization;
use crate::fault::Spot;
use crate::lambda::{OLDEST, TIMEOUT, WAITS};
use crate::process::{plain, silence, spot_of};
use crate::world::TOKEN;
use crate::{aws, bucket};

/// How long a request takes there, and as long again back, in milliseconds.
const LATENCY: std::ops::Range<u64> = 10..100;

/// The first wait of an event that was throttled, and the longest: both as AWS documents
/// them, <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
const THROTTLED: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// Takes an event for the hub's function, and runs it until it is done, too old, or was
/// run three times.
pub async fn deliver(organization: Organization, request: usize, event: Value) {
    sleep(Duration::from_millis(150)).await;
    let sent = Instant::now();
    let mut waits = WAITS.iter();
    let mut throttled = THROTTLED[0];
    while sent.elapsed() <= Duration::from_millis(OLDEST) {
        let Some(run) = start(&organization, request) else {
            let part = organization.lock().rng.f64() / 5.0;
            sleep(throttled + throttled.mul_f64(part)).await;
            throttled = (throttled * 2).min(THROTTLED[1]);
            continue;
        };
        if run.carry_out(event.clone()).await {
            return;
        }
        match waits.next() {
            Some(wait) => sleep(*wait).await,
            None => break,
        }
    }
    organization.lock().counts.given_up += 1;
}

/// Starts a process for a run, if there may be one more at this time.
fn start(organization: &Organization, request: usize) -> Option<Run> {
    let mut state = organization.lock();
    if state.running.len() >= state.plan.concurrency {
        state.counts.throttled += 1;
        return None;
    }
    let number = state.counts.runs;
    state.counts.runs += 1;
    let process = Process::new(organization, request);
    state.running.insert(number, Arc::clone(&process));
    state.counts.most_at_a_time = state.counts.most_at_a_time.max(state.running.len());
    Some(Run {
        organization: organization.clone(),
        process,
        number,
        seed: state.rng.u64(..),
    })
}

struct Run {
    organization: Organization,
    process: Arc<Process>,
    number: usize,
    seed: u64,
}

impl Run {
    /// Runs the handler; whether Lambda need not run the event again.
    async fn carry_out(self, event: Value) -> bool {
        let (configuration, now) = {
            let state = self.organization.lock();
            (Arc::clone(&state.configuration), state.wall())
        };
        let circumstances = Circumstances {
            now,
            deadline: now + TIMEOUT,
            log: format!("2026/11/24/[$LATEST]{} in /aws/lambda/hub", self.number),
            seed: self.seed,
        };
        let wire = Arc::clone(&self.process) as Arc<dyn Wire>;
        let function = invocation::World {
            configuration,
            lane: Lane::SameRuntime(Arc::clone(&wire)),
            wire,
        };
        let handler = tokio::spawn(async move {
            invocation::handle(&function, event.into(), circumstances)
                .await
                .is_ok()
        });
        let abort = handler.abort_handle();
        let is_done = tokio::select! {
            biased;
            () = self.process.killed() => false,
            done = handler => done.unwrap_or_default(),
            () = sleep(TIMEOUT) => false,
        };
        abort.abort();
        self.process.kill();
        self.organization.lock().running.remove(&self.number);
        is_done
    }
}

/// Kills every process of the hub `times` times, in the middle of what is expected to
/// take so long.
pub async fn kills(organization: Organization, times: u32, expected: Duration) {
    let mut moments: Vec<Duration> = {
        let mut state = organization.lock();
        let at = |_: u32| expected / 4 + (expected / 2).mul_f64(state.rng.f64());
        (0..times).map(at).collect()
    };
    moments.sort_unstable();
    while times > 0 && organization.lock().counts.first.is_none() {
        sleep(Duration::from_secs(1)).await;
    }
    let began = Instant::now();
    for moment in moments {
        sleep(moment.saturating_sub(began.elapsed())).await;
        let mut state = organization.lock();
        for process in state.running.values() {
            process.kill();
        }
        state.counts.killed += u32::try_from(state.running.len()).unwrap_or(u32::MAX);
    }
}

/// A process of the hub's function. All that it does to the world leaves by its wire, so
/// one that is killed is one whose wire is cut: what is under way still arrives, and
/// nothing comes back.
pub struct Process {
    organization: Organization,
    request: usize,
    dead: AtomicBool,
    killed: Notify,
    itself: Weak<Self>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process of the hub for request {}", self.request)
    }
}

impl Process {
    fn new(organization: &Organization, request: usize) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            organization: organization.clone(),
            request,
            dead: AtomicBool::new(false),
            killed: Notify::new(),
            itself: itself.clone(),
        })
    }

    fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.killed.notify_one();
    }

    async fn killed(&self) {
        self.killed.notified().await;
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    async fn carry(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, WireError> {
        if self.is_dead() {
            return silence().await;
        }
        let [there, back] = {
            let mut state = self.organization.lock();
            [(); 2].map(|()| Duration::from_millis(state.rng.u64(LATENCY)))
        };
        let (done, response) = oneshot::channel();
        let process = Arc::clone(&self);
        tokio::spawn(async move {
            sleep(there).await;
            done.send(process.served(&request)).ok();
        });
        let Ok(response) = response.await else {
            return silence().await;
        };
        sleep(back).await;
        if self.is_dead() {
            return silence().await;
        }
        Ok(response)
    }

    fn served(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match spot_of(request) {
            Spot::Secret => aws::secret_value(TOKEN),
            Spot::Answer => self.answered(request),
            // Of a member's stack the hub may know nothing.
            Spot::Stack | Spot::Resource => plain(403, ""),
            _ => self.organization.ask_the_vendor(request),
        }
    }

    /// The response bucket, and CloudFormation, which believes the first answer.
    fn answered(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut state = self.organization.lock();
        let asked = &mut state.requests[self.request];
        if request.method() != Method::PUT || request.uri() != asked.url.as_str() {
            return plain(403, "");
        }
        let answer: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        if let Some(waiter) = asked.waiter.take() {
            let answer = Answer {
                is_success: text("Status") == "SUCCESS",
                id: text("PhysicalResourceId"),
                reason: text("Reason"),
            };
            waiter.send(answer).ok();
        }
        let body = String::from_utf8_lossy(request.body());
        let leaks = bucket::leaks("answer", &[&body]);
        state.leaks.extend(leaks);
        plain(200, "")
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
