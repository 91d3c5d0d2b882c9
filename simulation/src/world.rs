//! The world of one history: everything that is not the function.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use rehearsal::sandbox::{
    ApiRequest, ApiResponse, ContractLevel, Tenant, TenantOptions, Validation, connected_apps,
};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::coverage::Coverage;
use crate::fault::{Spot, What};
use crate::ledger::{Ledger, Owner};
use crate::process::Process;
use crate::schedule::{History, Properties};
use crate::trace::Trace;
use crate::violation::{Promise, Unknowable, Violation};

/// With characters that URLs, JSON and base64 write in another way, so that
/// looking for those forms means something.
pub const TOKEN: &str = "atmz/7f3a9c51+d2e84b60=token";
/// The same for the external id.
pub const EXTERNAL_ID: &str = "ext/5b1c7e90+a4d24f3e=id";
/// What stands in every response URL.
pub const SIGNATURE: &str = "X-Amz-Signature=5f1e";
/// The region of every stack.
pub const REGION: &str = "us-east-1";
/// The resource's name in the template.
pub const LOGICAL_ID: &str = "AuthomizeIntegration";
/// The accounts.
pub const ACCOUNTS: [&str; 2] = ["123456789012", "210987654321"];

/// When every history begins: a constant, for a history knows no other clock.
pub(crate) const BEGINNING: Duration = Duration::from_secs(1_795_000_000);

/// The world, shared by all that happens in it. One thread, one lock, and
/// nothing is awaited while it is held.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

/// What is so at a moment.
pub struct State {
    /// What was decided before.
    pub history: Arc<History>,
    start: Instant,
    pub(crate) tenant: Tenant,
    /// Whose everything is.
    pub ledger: Ledger,
    /// The stacks.
    pub stacks: Vec<Stack>,
    /// What happened.
    pub trace: Trace,
    /// How often.
    pub coverage: Coverage,
    /// What was promised and not kept.
    pub violations: Vec<Violation>,
    /// What nobody can know.
    pub unknowable: Vec<(Unknowable, String)>,
    /// Runs and deliveries that have not ended.
    pub under_way: usize,
}

/// One stack.
pub struct Stack {
    /// Its id, an ARN.
    pub id: String,
    /// Its account.
    pub account: &'static str,
    /// What CloudFormation said about it, and since when.
    pub views: Vec<Seen>,
    /// When it began.
    pub began: Option<u64>,
    /// It is over: nothing of it is left in AWS.
    pub gone: bool,
    /// Its function and role are gone.
    pub function_gone: bool,
    /// CloudFormation's requests so far.
    pub requests: Vec<Asked>,
    /// How often each request was sent for one request of CloudFormation.
    counts: BTreeMap<(usize, Spot), usize>,
    /// Processes that wait for an event.
    pub idle: Vec<Arc<Process>>,
    /// Processes so far.
    pub processes: usize,
    /// What the last success asked for; none while that is not clear.
    pub wanted: Option<Properties>,
    /// When a stranger laid hands on its record, unless it succeeded since.
    pub meddled_at: Option<u64>,
    /// A stranger ever did.
    pub was_meddled: bool,
    /// An Update was given up in the second in which it was sent.
    pub taken_back_at_once: bool,
    /// Something that was written for one request took effect after a later one that was
    /// not even sent when it left had succeeded.
    pub written_over_late: bool,
    /// Nobody answered a deletion.
    pub deletion_unanswered: bool,
    /// When a deletion of this stack last looked for its record.
    pub last_look: u64,
    /// A fault met one of its requests.
    pub had_fault: bool,
    /// Requests to the vendor.
    pub vendor_requests: usize,
    wavers: u32,
    /// What the admin was told in reasons.
    pub told: Vec<Reason>,
    /// What of it had been told when the admin left our resource out of a rollback.
    pub told_when_skipped: Vec<Reason>,
    /// The admin let the resource go without a request.
    pub retained: bool,
    /// Its deletion succeeded and was to keep the record.
    pub keeps: bool,
}

/// The reason of an answer that was FAILED.
#[derive(Clone, Debug)]
pub struct Reason {
    /// `RequestType` of the request.
    pub kind: &'static str,
    /// Its words, the id beside them not among them.
    pub text: String,
}

impl Reason {
    /// Whether it names a record by its id, or, where that cannot be known, the
    /// integration by its name: that is what a deletion does with what it may leave.
    pub fn names(&self, id: &str, name: &str) -> bool {
        self.text.contains(id) || self.kind == "Delete" && self.text.contains(name)
    }
}

/// What CloudFormation shows of a stack since a moment.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Since when, in virtual milliseconds.
    pub since: u64,
    /// The stack's status.
    pub stack: &'static str,
    /// The resource's; empty if it is not listed.
    pub resource: &'static str,
    /// Since when the resource's is so.
    pub changed: u64,
    /// The recorded id.
    pub recorded: String,
}

/// One request of CloudFormation.
#[derive(Debug)]
pub struct Asked {
    /// `RequestId`.
    pub id: String,
    /// `RequestType`.
    pub kind: &'static str,
    /// The id that it came with.
    pub incoming: Option<String>,
    /// Where the answer goes.
    pub url: String,
    /// When it was sent.
    pub sent: u64,
    /// Who waits for the answer.
    pub waiter: Option<oneshot::Sender<Answer>>,
    /// The first valid answer.
    pub first: Option<Answer>,
    /// The runs so far.
    pub runs: Vec<Ran>,
    /// When it was answered.
    pub answered: Option<u64>,
    /// When CloudFormation gave it up.
    pub given_up: Option<u64>,
    /// The properties that it came with want the record kept.
    pub keep: bool,
    /// It was held up on its way.
    pub held_up: bool,
    /// When a run of it last sent an amendment.
    pub amended: u64,
    /// When it last sent a request to register.
    pub registered: u64,
    /// When it last sent a removal.
    pub removed: u64,
}

/// One run of a request.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// From when.
    pub from: u64,
    /// Until when, if it has ended.
    pub until: Option<u64>,
    /// How.
    pub end: Option<End>,
    /// The bucket did not take the answer at first.
    pub bucket_failed: bool,
    /// When CloudFormation last told it enough about its stack.
    pub told: Option<u64>,
    /// When it asked CloudFormation in vain.
    pub asked_in_vain: Vec<u64>,
    /// It wrote at the vendor though CloudFormation no longer waited for it, of which
    /// CloudFormation did not answer a word.
    pub was_not_told: bool,
    /// The last that it wrote was so.
    pub wrote_untold: bool,
    /// When the vendor last showed it each record.
    pub looked: BTreeMap<String, u64>,
    /// The bytes that it put.
    pub body: Option<Vec<u8>>,
}

impl Stack {
    /// Whether CloudFormation takes it down, or has.
    pub fn goes(&self) -> bool {
        let status = self.views.last().map_or("", |seen| seen.stack);
        status.starts_with("DELETE_") || status.starts_with("ROLLBACK_")
    }

    /// Whether it was created, and is gone without its record.
    pub fn has_kept(&self) -> bool {
        self.keeps && self.was_created()
    }

    fn was_created(&self) -> bool {
        let mut answers = self.requests.iter().filter_map(|asked| {
            let first = asked.first.as_ref()?;
            (asked.kind == "Create").then_some(first.is_success)
        });
        answers.any(|is_success| is_success)
    }

    /// Whether it was created with this record, or got it since, and wants it kept when it
    /// goes: only its own deletion lets go of it.
    pub fn is_to_keep(&self, id: &str) -> bool {
        let is_kept = self.requests.last().is_some_and(|asked| asked.keep);
        let has_it = self.views.last().is_some_and(|view| {
            view.resource != "DELETE_COMPLETE" && view.recorded.split('/').nth(1) == Some(id)
        });
        is_kept && has_it && self.was_created()
    }

    /// Whether a reason named the record, and the admin left our resource out of the
    /// rollback all the same: then no later request finds it but by chance.
    pub fn was_left_by_the_admin(&self, id: &str) -> bool {
        let recorded = self
            .views
            .last()
            .and_then(|view| view.recorded.split('/').nth(1));
        let mut reasons = self.told_when_skipped.iter();
        recorded != Some(id) && reasons.any(|reason| reason.text.contains(id))
    }

    /// Whether a later request than `asked`, not even sent when something had `left` for
    /// that one, has succeeded since.
    pub fn has_overtaken(&self, asked: usize, left: u64) -> bool {
        let mut later = self.requests[asked + 1..].iter();
        later.any(|later| {
            later.sent > left && later.first.as_ref().is_some_and(|first| first.is_success)
        })
    }
}

/// How many vain questions leave a run without knowing that its request is over.
const VAIN: usize = 4;

impl Asked {
    /// Why a run wrote though the request was over, if CloudFormation is to blame.
    pub fn was_not_told(&self, run: &Ran) -> Option<Unknowable> {
        let why = match self.kind {
            "Create" => Unknowable::NobodyToldTheCreate,
            "Update" => Unknowable::NobodyToldTheUpdate,
            _ => return None,
        };
        run.was_not_told.then_some(why)
    }

    /// A run sends something.
    pub fn sends(&mut self, run: usize, spot: Spot, what: Option<What>, now: u64) {
        let over = self.given_up.or(self.answered);
        match spot {
            Spot::Amend => self.amended = now,
            Spot::Register => self.registered = now,
            Spot::Remove => self.removed = now,
            _ => {}
        }
        let ran = &mut self.runs[run];
        match spot {
            Spot::Answer if what.is_some() => ran.bucket_failed = true,
            Spot::Stack | Spot::Resource if what.is_some() => ran.asked_in_vain.push(now),
            Spot::Register | Spot::Amend => {
                ran.wrote_untold = over.is_some_and(|over| {
                    let in_vain = ran.asked_in_vain.iter().filter(|asked| **asked >= over);
                    ran.told.is_none_or(|told| told < over) && in_vain.count() >= VAIN
                });
                ran.was_not_told |= ran.wrote_untold;
            }
            _ => {}
        }
    }
}

impl Ran {
    /// When the vendor last showed it a record; zero if it never did.
    pub fn looked_at(&self, id: &str) -> u64 {
        self.looked.get(id).copied().unwrap_or_default()
    }

    /// The vendor shows it a record, or several.
    pub fn looks_at(&mut self, shown: &Value, now: u64) {
        let listed = shown["data"].as_array().map_or(&[][..], Vec::as_slice);
        for record in listed.iter().chain([shown]) {
            if let Some(id) = record["id"].as_str() {
                self.looked.insert(id.to_owned(), now);
            }
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The handler was content.
    Done,
    /// The handler wants to be run again.
    Again,
    /// It was killed by a fault.
    Killed,
    /// Lambda had to kill it at its deadline.
    OutOfTime,
    /// The handler panicked.
    Panicked,
}

/// An answer that CloudFormation believed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `SUCCESS` and not `FAILED`.
    pub is_success: bool,
    /// `PhysicalResourceId`.
    pub id: String,
}

/// Who asks the vendor.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// A run of a stack's function: the stack, CloudFormation's request, the run of it.
    Run(usize, usize, usize),
    /// A stranger.
    Stranger,
}

impl World {
    /// The world at the beginning of a history, within its runtime.
    pub fn new(history: Arc<History>, told: bool) -> Self {
        let vendor = history.vendor;
        let tenant = Tenant::new(TenantOptions {
            token: TOKEN.to_owned(),
            contract: if vendor.published_only {
                ContractLevel::PublishedOnly
            } else {
                ContractLevel::Full
            },
            deletion_takes: time::Duration::seconds(vendor.deletion_takes.into()),
            rate: vendor.rate,
            knows_keys: vendor.knows_keys,
            ..TenantOptions::default()
        });
        let stacks = history
            .stacks
            .iter()
            .enumerate()
            .map(|(number, plan)| {
                let first = plan.after.unwrap_or(number);
                Stack {
                    id: format!(
                        "arn:aws:cloudformation:{REGION}:{}:stack/Trust-{first}/51af3dc0-da77-11e4-872e-{number:012}",
                        ACCOUNTS[plan.account]
                    ),
                    account: ACCOUNTS[plan.account],
                    views: Vec::new(),
                    began: None,
                    gone: false,
                    function_gone: false,
                    requests: Vec::new(),
                    counts: BTreeMap::new(),
                    idle: Vec::new(),
                    processes: 0,
                    wanted: None,
                    meddled_at: None,
                    was_meddled: false,
                    taken_back_at_once: false,
                    written_over_late: false,
                    deletion_unanswered: false,
                    last_look: 0,
                    had_fault: false,
                    vendor_requests: 0,
                    wavers: plan.role.wavers,
                    told: Vec::new(),
                    told_when_skipped: Vec::new(),
                    retained: false,
                    keeps: false,
                }
            })
            .collect();
        Self(Arc::new(Mutex::new(State {
            history,
            start: Instant::now(),
            tenant,
            ledger: Ledger::default(),
            stacks,
            trace: Trace::new(told),
            coverage: Coverage::default(),
            violations: Vec::new(),
            unknowable: Vec::new(),
            under_way: 0,
        })))
    }

    /// The state, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the state out when all is over.
    pub fn end(self) -> State {
        for stack in &mut self.lock().stacks {
            stack.idle.clear();
        }
        let Self(state) = self;
        Arc::try_unwrap(state)
            .unwrap_or_else(|_| unreachable!("the runtime and all its tasks are gone"))
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the vendor, and has it validate what has to be validated.
    pub fn ask_the_vendor(&self, by: By, request: &ApiRequest) -> ApiResponse {
        let mut state = self.lock();
        let response = state.vendor(by, request);
        let validations: Vec<_> = state
            .tenant
            .take_validations()
            .into_iter()
            .filter_map(|pending| {
                let Some(Owner::Stack(stack)) =
                    state.ledger.get(&pending.record).map(|entry| entry.owner)
                else {
                    return None;
                };
                let role = state.history.stacks[stack].role;
                (!role.endless).then_some((pending, stack, role))
            })
            .collect();
        drop(state);
        for (pending, stack, role) in validations {
            let world = self.clone();
            let takes = Duration::from_millis(u64::from(role.takes) * 1000 + 300);
            tokio::spawn(async move {
                tokio::time::sleep(takes).await;
                let mut state = world.lock();
                let outcome = state.validation(stack, &pending.config);
                state.note(format_args!(
                    "vendor: {} validated: {}",
                    pending.record,
                    match &outcome {
                        Validation::Enabled { .. } => "good",
                        Validation::Failed { .. } => "failure",
                    }
                ));
                state
                    .tenant
                    .finish_validation(&pending.record, pending.generation, outcome);
            });
        }
        response
    }
}

impl State {
    /// Virtual milliseconds since the beginning.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The time of day.
    pub fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGINNING + self.start.elapsed()
    }

    /// The time of day by the vendor's clock.
    pub fn vendors_time(&self) -> OffsetDateTime {
        OffsetDateTime::from(self.wall()) + time::Duration::seconds(self.history.vendor.ahead)
    }

    /// Something happened.
    pub fn note(&mut self, what: fmt::Arguments<'_>) {
        let now = self.now();
        self.trace.note(now, what);
    }

    /// Something must not have happened.
    pub fn violated(&mut self, promise: Promise, how: String) {
        self.note(format_args!("VIOLATED {promise:?}: {how}"));
        let at = self.now();
        self.violations.push(Violation { promise, how, at });
    }

    /// Nobody can know that something is wrong.
    pub fn nobody_can_know(&mut self, why: Unknowable, what: String) {
        self.note(format_args!("nobody can know, {why:?}: {what}"));
        self.coverage.unknowable(why);
        self.unknowable.push((why, what));
    }

    /// Every record that the vendor shows.
    pub fn apps(&self) -> Vec<rehearsal::sandbox::App> {
        self.tenant.apps()
    }

    /// The stack with this id.
    pub fn stack_of(&self, id: &str) -> Option<usize> {
        self.stacks.iter().position(|stack| stack.id == id)
    }

    /// CloudFormation shows something else from now on.
    pub fn show(
        &mut self,
        stack: usize,
        status: &'static str,
        resource: &'static str,
        recorded: &str,
    ) {
        let since = self.now();
        self.note(format_args!(
            "stack {stack}: {status}, resource {resource} {recorded}"
        ));
        let views = &mut self.stacks[stack].views;
        let same = views.last().filter(|last| last.resource == resource);
        let changed = same.map_or(since, |last| last.changed);
        views.push(Seen {
            since,
            changed,
            stack: status,
            resource,
            recorded: recorded.to_owned(),
        });
    }

    /// What CloudFormation showed at a moment.
    pub fn seen_at(&self, stack: usize, at: u64) -> Option<&Seen> {
        let views = &self.stacks[stack].views;
        views
            .iter()
            .rev()
            .find(|seen| seen.since <= at)
            .or(views.first())
    }

    /// Counts a request that is about to be sent; what goes wrong with it, and how
    /// many milliseconds it takes there and back.
    pub fn sending(
        &mut self,
        stack: usize,
        request: usize,
        spot: Spot,
    ) -> (Option<What>, u64, u64) {
        let count = self.stacks[stack]
            .counts
            .entry((request, spot))
            .or_default();
        let nth = *count;
        *count += 1;
        if spot.is_the_vendors() {
            self.stacks[stack].vendor_requests += 1;
        }
        let history = Arc::clone(&self.history);
        let what = history
            .faults
            .iter()
            .find(|fault| {
                fault.stack == stack
                    && fault.request == request
                    && fault.spot == spot
                    && (fault.from..fault.from + fault.times).contains(&nth)
            })
            .map(|fault| fault.what);
        if let Some(what) = what {
            self.stacks[stack].had_fault = true;
            let kind = self.stacks[stack].requests[request].kind;
            self.coverage.fault(kind, spot, what);
        }
        let key = [stack as u64, request as u64, spot as u64, nth as u64]
            .iter()
            .fold(history.seed, |key, part| {
                (key ^ part).wrapping_mul(0x100_0000_01b3).rotate_left(23)
            });
        let mut rng = Rng::with_seed(key);
        (what, rng.u64(10..200), rng.u64(10..200))
    }

    /// A number that decides something beside the schedule.
    pub fn rng(&self, stack: usize, request: usize, salt: u64) -> Rng {
        Rng::with_seed(
            self.history.seed ^ ((stack as u64) << 40) ^ ((request as u64) << 32) ^ (salt << 16),
        )
    }

    fn validation(&mut self, stack: usize, config: &rehearsal::sandbox::AppConfig) -> Validation {
        let role = self.history.stacks[stack].role;
        let began = self.stacks[stack].began.unwrap_or_default();
        let has_spread = self.now() >= began + u64::from(role.spreads_in) * 1000;
        let wavers = &mut self.stacks[stack].wavers;
        let fails = role.broken || !has_spread || *wavers > 0;
        if has_spread {
            *wavers = wavers.saturating_sub(1);
        }
        if fails {
            return Validation::Failed {
                last_error: "the role cannot be assumed".to_owned(),
            };
        }
        let mut apps = connected_apps(config);
        if role.many_apps {
            apps.extend((0..300).map(|number| format!("Application \"{number}\" of AWS")));
        }
        Validation::Enabled {
            connected_apps: apps,
        }
    }
}

impl State {
    /// A moment as AWS writes it.
    pub fn written(&self, at: u64) -> String {
        let moment = SystemTime::UNIX_EPOCH + BEGINNING + Duration::from_millis(at);
        OffsetDateTime::from(moment)
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap_or_default()
    }
}
