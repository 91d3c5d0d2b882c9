//! A whole organization, rolled out by a StackSet: `cargo simulate rollout`.
//!
//! The hub's handler is the one of `main`, over the wire; the vendor, with its limit
//! of requests, is the sandbox's own state machine. [`operation`] plays StackSets,
//! [`member`] the stack of one account, [`hub`] Lambda with the hub's function, and
//! [`organization`] holds what is so at a moment. What goes wrong is in the [`Plan`];
//! all chance comes from its seed.

pub mod cli;
pub mod hub;
pub mod member;
pub mod operation;
pub mod organization;
pub mod outcome;
pub mod table;

use std::ops::Range;
use std::time::Duration;

use authomize_trust_role::rollout::{Preferences, preferences};
use tokio::time::{Instant, sleep};
use tracing::level_filters::LevelFilter;

pub use self::operation::{Mode, Operation};
use self::organization::Organization;
pub use self::outcome::Outcome;
use crate::log;

/// Requests to the vendor of an account whose role is validated at once, for a guess at
/// how long a rollout takes.
const REQUESTS: u32 = 2;

/// How long an admin takes to run the rest again.
const READS_FOR: Duration = Duration::from_secs(60);

/// How often an admin runs the rest again.
const OPERATIONS: usize = 6;

/// After so long everything that an operation has started is over: the last run of an
/// event, and what follows its answer.
const REST: Duration = Duration::from_secs(1_800);

/// What is rolled out, and what goes wrong.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Accounts.
    pub accounts: u32,
    /// Requests that the vendor accepts in a second.
    pub rate: u32,
    /// Members at a time and failures that are tolerated; none if all come at once, as
    /// with automatic deployment, which knows no preferences.
    pub preferences: Option<Preferences>,
    /// What StackSets does about failures.
    pub mode: Mode,
    /// Runs of the hub's function at a time: what is reserved for it, or the quota of an
    /// account, which is 1,000.
    pub concurrency: usize,
    /// How long the vendor validates a role, in milliseconds.
    pub validation: Range<u64>,
    /// How long the vendor is down in the middle.
    pub outage: Duration,
    /// How often all processes of the hub are killed in the middle.
    pub kills: u32,
    /// For everything that is left to chance.
    pub seed: u64,
}

impl Plan {
    /// A rollout by the formula, in which nothing goes wrong.
    pub fn by_the_formula(accounts: u32, rate: u32) -> Self {
        Self {
            accounts,
            rate,
            preferences: Some(preferences(accounts, rate)),
            mode: Mode::Strict,
            concurrency: 1_000,
            validation: 200..600,
            outage: Duration::ZERO,
            kills: 0,
            seed: 1,
        }
    }

    /// How long the vendor needs for it at least.
    fn expected(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.accounts * REQUESTS) / f64::from(self.rate.max(1)))
    }

    /// When the vendor is down.
    pub(crate) fn is_down(&self, since_the_first_request: Duration) -> bool {
        let from = self.expected() / 2;
        (from..from + self.outage).contains(&since_the_first_request)
    }
}

/// Rolls out, and runs again what failed until all accounts are registered.
///
/// # Panics
/// No runtime can be made.
pub fn run(plan: &Plan) -> Outcome {
    tracing::dispatcher::with_default(&log::collector(LevelFilter::WARN), || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without sockets needs nothing that could lack");
        runtime.block_on(roll_out(plan))
    })
}

async fn roll_out(plan: &Plan) -> Outcome {
    let start = Instant::now();
    let organization = Organization::new(plan.clone());
    tokio::spawn(hub::kills(
        organization.clone(),
        plan.kills,
        plan.expected(),
    ));
    let mut operations = Vec::new();
    let mut left: Vec<u32> = (0..plan.accounts).collect();
    let everybody = Preferences {
        max_concurrent_count: plan.accounts,
        failure_tolerance_count: plan.accounts,
    };
    let mut preferred = plan.preferences.unwrap_or(everybody);
    while !left.is_empty() && operations.len() < OPERATIONS {
        operations.push(operation::run(&organization, left, preferred, plan.mode).await);
        organization.until_the_vendor_is_up().await;
        sleep(READS_FOR).await;
        left = organization.lock().not_current();
        // The documented command runs the rest again by the formula.
        preferred = preferences(plan.accounts, plan.rate);
    }
    sleep(REST).await;
    let lines = log::take(start);
    let state = organization.lock();
    Outcome::of(plan, &state, operations, &lines)
}
