//! Lambda: delivers at least once, runs again, throttles, kills and reuses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authomize_trust_role::configuration::{
    Configuration, ENV_SECRET_ARN, ENV_STACK_ID, ENV_URL_SUFFIX,
};
use authomize_trust_role::courier::Lane;
use authomize_trust_role::invocation::{self, Circumstances};
use authomize_trust_role::wire::Wire;
use serde_json::Value;
use tokio::time::sleep;

use crate::process::Process;
use crate::schedule::Mishap;
use crate::violation::Promise;
use crate::world::{End, REGION, Ran, World};

/// The function's timeout, as in the template.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(240);

/// The oldest event that is still run, in milliseconds, as in the template.
pub(crate) const OLDEST: u64 = 720_000;

/// What Lambda waits before it runs an event again.
pub(crate) const WAITS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// One request on its way to the function.
#[derive(Clone)]
struct Delivery {
    world: World,
    stack: usize,
    request: usize,
    event: Value,
    mishaps: Vec<Mishap>,
}

/// Delivers an event to the function of a stack, at least once.
pub fn deliver(world: &World, stack: usize, request: usize, event: Value) {
    let mishaps: Vec<Mishap> = world
        .lock()
        .history
        .deliveries
        .iter()
        .filter(|fault| fault.stack == stack && fault.request == request)
        .map(|fault| fault.mishap)
        .collect();
    let delivery = Delivery {
        world: world.clone(),
        stack,
        request,
        event,
        mishaps: mishaps.clone(),
    };
    for mishap in mishaps {
        match mishap {
            Mishap::TwiceAtOnce => {
                delivery.count(mishap);
                delivery.again(Duration::ZERO);
            }
            Mishap::TwiceLate(seconds) => {
                delivery.count(mishap);
                delivery.again(Duration::from_secs(seconds.into()));
            }
            _ => {}
        }
    }
    delivery.start();
}

impl Delivery {
    fn count(&self, mishap: Mishap) {
        let mut state = self.world.lock();
        state.stacks[self.stack].had_fault = true;
        state
            .coverage
            .branch("on the way to the function", mishap.name());
        state.note(format_args!(
            "lambda: stack {} request {}: {mishap:?}",
            self.stack, self.request
        ));
    }

    fn start(self) {
        self.world.lock().under_way += 1;
        tokio::spawn(async move {
            self.on_its_way().await;
            self.run_until_done().await;
            self.world.lock().under_way -= 1;
        });
    }

    /// The same event once more, from here on without mishaps.
    fn again(&self, later: Duration) {
        let twin = Self {
            mishaps: Vec::new(),
            ..self.clone()
        };
        self.world.lock().under_way += 1;
        tokio::spawn(async move {
            sleep(later).await;
            twin.run_until_done().await;
            twin.world.lock().under_way -= 1;
        });
    }

    async fn on_its_way(&self) {
        for mishap in &self.mishaps {
            let seconds = match *mishap {
                Mishap::Queued(seconds) => seconds,
                Mishap::Throttled(times) => (1 << times) - 1,
                _ => continue,
            };
            self.count(*mishap);
            self.world.lock().stacks[self.stack].requests[self.request].held_up = true;
            sleep(Duration::from_secs(seconds.into())).await;
        }
        sleep(Duration::from_millis(150)).await;
    }

    async fn run_until_done(&self) {
        for wait in WAITS.iter().map(Some).chain([None]) {
            if !self.may_run() || self.run().await == End::Done {
                return;
            }
            if let Some(wait) = wait {
                sleep(*wait).await;
            }
        }
    }

    /// Whether the event is young enough and the function still there.
    fn may_run(&self) -> bool {
        let state = self.world.lock();
        let stack = &state.stacks[self.stack];
        !stack.function_gone && state.now() <= stack.requests[self.request].sent + OLDEST
    }

    async fn run(&self) -> End {
        if self.mishaps.contains(&Mishap::NeverRuns) {
            self.count(Mishap::NeverRuns);
            return End::Killed;
        }
        let (process, run) = self.process();
        let circumstances = {
            let state = self.world.lock();
            Circumstances {
                now: state.wall(),
                deadline: state.wall() + TIMEOUT,
                log: format!(
                    "2026/11/24/[$LATEST]{} in /aws/lambda/registrar",
                    process.number
                ),
                seed: state.rng(self.stack, self.request, run as u64).u64(..),
            }
        };
        let function = invocation::World {
            configuration: self.configuration(),
            wire: Arc::clone(&process) as Arc<dyn Wire>,
            lane: Lane::SameRuntime(Arc::clone(&process) as Arc<dyn Wire>),
        };
        let event = self.event.clone();
        let handler = tokio::spawn(async move {
            invocation::handle(&function, event.into(), circumstances).await
        });
        let abort = handler.abort_handle();
        let end = tokio::select! {
            biased;
            () = process.killed() => End::Killed,
            done = handler => match done {
                Ok(Ok(_)) => End::Done,
                Ok(Err(_)) => End::Again,
                Err(error) if error.is_panic() => End::Panicked,
                Err(_) => End::Killed,
            },
            () = self.killed_by_time(run) => End::Killed,
            () = sleep(TIMEOUT) => End::OutOfTime,
        };
        if matches!(end, End::Killed | End::OutOfTime) {
            abort.abort();
            process.kill();
        }
        self.ended(&process, run, end);
        end
    }

    /// Takes a process that is idle, or starts one.
    fn process(&self) -> (Arc<Process>, usize) {
        let mut state = self.world.lock();
        let from = state.now();
        let stack = &mut state.stacks[self.stack];
        let run = stack.requests[self.request].runs.len();
        stack.requests[self.request].runs.push(Ran {
            from,
            ..Ran::default()
        });
        let (process, how) = match stack.idle.pop() {
            Some(process) => (process, "in a process that had run before"),
            None => {
                stack.processes += 1;
                let number = stack.processes;
                (
                    Process::new(&self.world, self.stack, number),
                    "in a new process",
                )
            }
        };
        process.works_at(self.request, run);
        state.coverage.branch("runs", how);
        state.note(format_args!(
            "lambda: stack {} request {} run {run} {how} {}",
            self.stack, self.request, process.number
        ));
        (process, run)
    }

    async fn killed_by_time(&self, run: usize) {
        let after = self.mishaps.iter().find_map(|mishap| match mishap {
            Mishap::Killed(after) if run == 0 => Some(*after),
            _ => None,
        });
        match after {
            Some(after) => {
                sleep(Duration::from_millis(after.into())).await;
                self.count(Mishap::Killed(after));
            }
            None => std::future::pending().await,
        }
    }

    fn ended(&self, process: &Arc<Process>, run: usize, end: End) {
        process.has_done();
        let mut state = self.world.lock();
        let now = state.now();
        state.note(format_args!(
            "lambda: stack {} request {} run {run}: {end:?}",
            self.stack, self.request
        ));
        state.coverage.branch("ends of runs", format!("{end:?}"));
        let stack = &mut state.stacks[self.stack];
        let ran = &mut stack.requests[self.request].runs[run];
        ran.until = Some(now);
        ran.end = Some(end);
        match end {
            End::Done | End::Again if !stack.function_gone => stack.idle.push(Arc::clone(process)),
            End::OutOfTime => {
                let how = format!(
                    "stack {} request {} run {run} was still going at its deadline",
                    self.stack, self.request
                );
                state.violated(Promise::EveryRequestIsAnswered, how);
            }
            End::Panicked => {
                let how = format!("stack {} request {} run {run}", self.stack, self.request);
                state.violated(Promise::NoPanic, how);
            }
            _ => {}
        }
    }

    fn configuration(&self) -> Arc<Configuration> {
        let state = self.world.lock();
        let stack = &state.stacks[self.stack];
        let environment = [
            (ENV_STACK_ID, stack.id.clone()),
            (ENV_URL_SUFFIX, "amazonaws.com".to_owned()),
            (
                ENV_SECRET_ARN,
                format!(
                    "arn:aws:secretsmanager:{REGION}:{}:secret:t-AbCdEf",
                    stack.account
                ),
            ),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "example".to_owned()),
            ("AWS_SESSION_TOKEN", "example".to_owned()),
        ];
        let environment = BTreeMap::from(environment);
        Arc::new(Configuration::read(|name| environment.get(name).cloned()))
    }
}
