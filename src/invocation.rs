//! One event, from its raw text to the end of its answer.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use lambda_runtime::Diagnostic;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, error, info, info_span};

use crate::answer::Answer;
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::courier::{Answered, DeliveryError, Errand, Lane};
use crate::customer::Customer;
use crate::deadline::{self, Waits};
use crate::envelope::{Address, EnvelopeError, Request};
use crate::event::Event;
use crate::lifecycle::{
    Cause, Conclusion, Failure, Proof, Session, StillThere, after_the_answer, carry_out,
};
use crate::metrics::{self, End, Tally};
use crate::physical_id::{PhysicalId, ResourceHash};
use crate::progress::Progress;
use crate::response_url::{ResponseUrl, ResponseUrlError, Verdict};
use crate::stack_id::StackId;
use crate::text::printable;
use crate::wire::Wire;

/// What outlives an invocation.
#[derive(Clone)]
pub struct World {
    /// The function's environment.
    pub configuration: Arc<Configuration>,
    /// The wire to the vendor and to AWS.
    pub wire: Arc<dyn Wire>,
    /// How answers travel.
    pub lane: Lane,
}

/// What an invocation is told beside the event.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The time of day.
    pub now: SystemTime,
    /// When Lambda kills the function.
    pub deadline: SystemTime,
    /// Where the log is, for the admin.
    pub log: String,
    /// For jitter.
    pub seed: u64,
}

/// Why Lambda shall run the event again. Every step can be repeated.
#[derive(Debug, Error)]
pub enum RunAgain {
    /// Nobody was answered.
    #[error("the answer did not arrive: {0}")]
    Undelivered(#[source] DeliveryError),
    /// A registration that no stack wants is still there.
    #[error("a registration that no stack wants is not undone yet")]
    NotUndone,
    /// A member's Delete was answered, and its record is still there.
    #[error("the record of a member that was deleted is not removed yet")]
    NotDeregistered,
    /// The courier itself was lost.
    #[error("the courier was lost")]
    CourierLost,
}

impl From<RunAgain> for Diagnostic {
    fn from(error: RunAgain) -> Self {
        Self {
            error_type: "RunAgain".to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// Where an answer goes.
enum Target {
    Url(ResponseUrl),
    /// There, but with nothing done, and for this reason.
    Refusing(ResponseUrl, EnvelopeError),
    /// To the terminal of a laptop.
    Result,
}

/// Handles one event. The value is the answer in local mode without a response
/// URL, and null otherwise.
///
/// # Errors
/// Lambda shall run the event again.
pub async fn handle(
    world: &World,
    event: Event,
    circumstances: Circumstances,
) -> Result<Value, RunAgain> {
    let local = world.configuration.local.is_some();
    let (address, target) = match open(&world.configuration, &event) {
        Ok(opened) => opened,
        Err(problem) => {
            error!(
                problem,
                "the event cannot be answered, and nothing was done"
            );
            let refusal = serde_json::json!({"Status": "FAILED", "Reason": problem});
            count(world, &circumstances, End::Refused, &Tally::default());
            return Ok(if local { refusal } else { Value::Null });
        }
    };
    let span = info_span!(
        "request",
        request.id = printable(&address.request_id),
        stack.id = printable(&address.stack_id),
    );
    Run::new(world, address, target, &circumstances)
        .answer(&event)
        .instrument(span)
        .await
}

/// Finds out whom to answer.
fn open(configuration: &Configuration, event: &Event) -> Result<(Address, Target), String> {
    let address = event.address().map_err(|problem| printable(&problem))?;
    let target = target(configuration, &address).map_err(|error| error.to_string())?;
    Ok((address, target))
}

fn target(configuration: &Configuration, address: &Address) -> Result<Target, ResponseUrlError> {
    match (&address.response_url, &configuration.local) {
        (None, Some(_)) => Ok(Target::Result),
        (Some(url), Some(_)) => ResponseUrl::parse_local(url).map(Target::Url),
        (None, None) => Err(ResponseUrlError::Missing),
        (Some(url), None) => {
            let of_the_event = || address.stack_id.parse().ok();
            let stack: Option<StackId> = configuration.stack_id.clone().or_else(of_the_event);
            let stack = stack.ok_or(ResponseUrlError::NotTheBucket)?;
            let verdict = ResponseUrl::judge(url, stack.region(), &configuration.url_suffix)?;
            Ok(match verdict {
                Verdict::Usable(url) if names_another(configuration, &url, address) => {
                    Target::Refusing(url, EnvelopeError::ForeignResponseUrl)
                }
                Verdict::Usable(url) => Target::Url(url),
                Verdict::UnknownForm(url) => {
                    Target::Refusing(url, EnvelopeError::UnknownResponseUrl)
                }
            })
        }
    }
}

/// Whether a hub is given the URL of another request: then it being taken proves
/// nothing.
fn names_another(configuration: &Configuration, url: &ResponseUrl, address: &Address) -> bool {
    let (stack, logical_id, request) =
        (&address.stack_id, &address.logical_id, &address.request_id);
    configuration.hub.is_some() && !url.is_for(stack, logical_id, request)
}

/// What is to be done, and all that it takes.
struct Task {
    session: Session,
    request: Request,
}

/// One event whose answer has somewhere to go.
struct Run<'a> {
    world: &'a World,
    address: Address,
    target: Target,
    waits: Waits,
    clock: Clock,
    circumstances: &'a Circumstances,
}

impl<'a> Run<'a> {
    fn new(
        world: &'a World,
        address: Address,
        target: Target,
        circumstances: &'a Circumstances,
    ) -> Self {
        let clock = Clock::set(circumstances.now);
        let told = clock.instant_at(circumstances.deadline) - Instant::now();
        Self {
            world,
            address,
            target,
            waits: Waits::new(Instant::now(), deadline::left(told)),
            clock,
            circumstances,
        }
    }

    async fn answer(self, event: &Event) -> Result<Value, RunAgain> {
        let progress = Progress::new(self.first_id(event));
        let (answer, awaited) = oneshot::channel();
        let errand = Errand {
            address: self.address.clone(),
            url: match &self.target {
                Target::Url(url) | Target::Refusing(url, _) => Some(url.clone()),
                Target::Result => None,
            },
            waits: self.waits,
            progress: progress.clone(),
            log: format!(
                "{}, request {}",
                self.circumstances.log, self.address.request_id
            ),
            seed: self.circumstances.seed,
        };
        let report = self.world.lane.dispatch(errand, awaited);
        let tally = Tally::default();
        let task = self.task(event, progress.clone(), &tally).map(Arc::new);
        let carried_out = task.as_ref().ok().cloned();
        let work = self.start_work(task, &progress, &tally, answer);
        let answered = report.await.map_err(|_| RunAgain::CourierLost)?;
        let finished = self.finish(work).await;
        let followed = self.follow(carried_out, proof(&answered)).await;
        if let Err(RunAgain::NotDeregistered) = followed {
            tally.fails("NotDeregistered");
        }
        self.count(&answered, &tally);
        answered.delivered.clone().map_err(RunAgain::Undelivered)?;
        finished?;
        followed?;
        Ok(self.result(&answered))
    }

    /// The id to answer with as long as nothing is known: the one that came.
    fn first_id(&self, event: &Event) -> PhysicalId {
        match &self.address.physical_id {
            Some(id) if !event.is_a_create() => PhysicalId::parse(id),
            _ => PhysicalId::None(ResourceHash::of_text(
                &self.address.stack_id,
                &self.address.logical_id,
            )),
        }
    }

    /// Starts the work as a task of its own, so that a panic in it ends nothing
    /// else, and cuts it at its deadline.
    fn start_work(
        &self,
        task: Result<Arc<Task>, Cause>,
        progress: &Progress,
        tally: &Tally,
        answer: oneshot::Sender<Answer>,
    ) -> JoinHandle<Result<(), RunAgain>> {
        let conclude = conclusion(task, progress.id());
        let tally = tally.clone();
        let waits = self.waits;
        let work = async move {
            let Ok(conclusion) = timeout_at(waits.work_until, conclude).await else {
                return Ok(());
            };
            if let Some(cause) = &conclusion.failure {
                error!(error = %cause, "the request failed");
                tally.fails(cause.name());
            }
            // The courier is gone only when it has answered already.
            answer.send(conclusion.answer).ok();
            match conclusion.unfinished {
                Some(undo) => {
                    // As a task of its own, so that a panic in it is told from one before
                    // the answer.
                    let go_on = async move { undo.go_on(waits).await };
                    let going_on = tokio::spawn(go_on.instrument(Span::current()));
                    let undone = going_on.await.unwrap_or(Err(StillThere));
                    undone.map_err(|_| RunAgain::NotUndone)
                }
                None => Ok(()),
            }
        };
        tokio::spawn(work.instrument(Span::current()))
    }

    fn task(&self, event: &Event, progress: Progress, tally: &Tally) -> Result<Task, Cause> {
        let request = event.request()?;
        if let Target::Refusing(_, why) = &self.target {
            return Err(why.clone().into());
        }
        let stack_id: StackId = self
            .address
            .stack_id
            .parse()
            .map_err(|error| EnvelopeError::Unreadable(format!("`StackId` is {error}")))?;
        if self.address.request_id.is_empty() || self.address.logical_id.is_empty() {
            let problem = "`RequestId` or `LogicalResourceId` is missing";
            return Err(EnvelopeError::Unreadable(problem.to_owned()).into());
        }
        let age = match &self.target {
            Target::Url(url) | Target::Refusing(url, _) => url.age(self.clock.now()),
            Target::Result => None,
        };
        let session = Session {
            configuration: Arc::clone(&self.world.configuration),
            wire: Arc::clone(&self.world.wire),
            address: self.address.clone(),
            customer: Customer::of(&self.world.configuration, &stack_id),
            stack_id,
            waits: self.waits,
            clock: self.clock,
            age,
            began: self.circumstances.now,
            progress,
            seed: self.circumstances.seed,
            made: Mutex::default(),
            may_see_its_stack: AtomicBool::default(),
            tally: tally.clone(),
        };
        Ok(Task { session, request })
    }

    /// Waits for what goes on after the answer; work that never returns is left.
    async fn finish(&self, work: JoinHandle<Result<(), RunAgain>>) -> Result<(), RunAgain> {
        self.to_its_end(work).await.unwrap_or(Ok(()))
    }

    /// Finishes the request, now that it is answered. A panic there ends nothing else.
    async fn follow(&self, task: Option<Arc<Task>>, proof: Proof) -> Result<(), RunAgain> {
        let Some(task) = task else {
            return Ok(());
        };
        let is_a_members = task.session.customer.is_a_member();
        let follow = async move { after_the_answer(&task.session, &task.request, proof).await };
        let following = tokio::spawn(follow.instrument(Span::current()));
        match self.to_its_end(following).await {
            Some(Err(StillThere)) | None if is_a_members => Err(RunAgain::NotDeregistered),
            Some(Err(StillThere)) => Err(RunAgain::NotUndone),
            // Of the own stack's record nothing is known then: most likely it is wanted.
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// What a task returns; none if it panicked, or was ended for want of time.
    async fn to_its_end<T>(&self, task: JoinHandle<T>) -> Option<T> {
        let abort = task.abort_handle();
        match timeout_at(self.waits.end, task).await {
            Ok(returned) => returned.ok(),
            Err(_) => {
                abort.abort();
                None
            }
        }
    }

    /// Counts the request, if this is a hub.
    fn count(&self, answered: &Answered, tally: &Tally) {
        if self.world.configuration.hub.is_none() {
            return;
        }
        if answered.failed {
            // Where work was cut nobody has noted a reason.
            tally.fails("Cut");
        }
        let end = match proof(answered) {
            Proof::Taken => End::Answered,
            Proof::Refused => End::Refused,
            Proof::Unknown => End::Lost,
        };
        count(self.world, self.circumstances, end, tally);
    }

    fn result(&self, answered: &Answered) -> Value {
        match self.target {
            Target::Result => serde_json::from_slice(&answered.body).unwrap_or_default(),
            Target::Url(_) | Target::Refusing(..) => Value::Null,
        }
    }
}

/// Writes the metrics of one event, if this is a hub.
fn count(world: &World, circumstances: &Circumstances, end: End, tally: &Tally) {
    if let Some(hub) = &world.configuration.hub {
        let now = circumstances.now;
        metrics::write(&metrics::request(now, hub.function_name(), end, tally));
    }
}

/// What the event comes to.
async fn conclusion(task: Result<Arc<Task>, Cause>, id: PhysicalId) -> Conclusion {
    match task {
        Ok(task) => {
            info!(request.kind = task.request.kind(), "started");
            carry_out(&task.session, &task.request).await
        }
        Err(cause) => Conclusion::from(Failure {
            cause: Box::new(cause),
            id,
            unfinished: None,
        }),
    }
}

/// What the answer's end proves of the request.
fn proof(answered: &Answered) -> Proof {
    match &answered.delivered {
        Ok(()) => Proof::Taken,
        Err(DeliveryError::Refused(_)) => Proof::Refused,
        Err(DeliveryError::Unreached(_)) => Proof::Unknown,
    }
}
