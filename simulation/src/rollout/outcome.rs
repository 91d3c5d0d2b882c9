//! What became of a rollout, and whether it is what was promised.

use std::collections::BTreeMap;
use std::time::Duration;

use authomize_trust_role::rollout::preferences;
use rehearsal::sandbox::App;

use super::member::{account_id, stack_id};
use super::organization::{Counts, State};
use super::{Operation, Plan};
use crate::{bucket, log};

/// A rollout by the formula takes at most so many times as long as the vendor needs for
/// its requests.
pub const LONGEST: f64 = 1.15;

/// What one account takes by itself, on top: its two requests, the validation between
/// them, and the wait for another second of the limit.
pub const ALONE: Duration = Duration::from_secs(2);

/// What every reason that asks for patience says.
const REMEDY: &str = "ry again";

/// What became of a rollout.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was rolled out.
    pub plan: Plan,
    /// The operations: the first, and those that ran the rest again.
    pub operations: Vec<Operation>,
    /// What happened, counted.
    pub counts: Counts,
    /// Why stacks failed, and how often.
    pub reasons: BTreeMap<String, u32>,
    /// Accounts that the vendor has exactly once, for their stack.
    pub registered: u32,
    /// What is not as promised.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Looks at what is so when all is over.
    pub fn of(plan: &Plan, state: &State, operations: Vec<Operation>, lines: &[log::Line]) -> Self {
        let registered = registered(state);
        let mut outcome = Self {
            plan: plan.clone(),
            operations,
            counts: state.counts,
            reasons: state.reasons.clone(),
            registered,
            problems: Vec::new(),
        };
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        outcome.problems = outcome
            .broken_promises()
            .into_iter()
            .chain(left_over(state))
            .chain(state.leaks.iter().cloned())
            .chain(bucket::leaks("log line", &texts))
            .collect();
        outcome
    }

    /// From the first request to the vendor until the last.
    pub fn took(&self) -> Duration {
        self.counts.last - self.counts.first.unwrap_or_default()
    }

    /// What the vendor needs for the requests that it accepted.
    pub fn least(&self) -> Duration {
        let rate = f64::from(self.plan.rate.max(1));
        Duration::from_secs_f64(f64::from(self.counts.accepted) / rate)
    }

    /// How many times as long as the least it took.
    pub fn ratio(&self) -> f64 {
        self.took().as_secs_f64() / self.least().as_secs_f64().max(f64::EPSILON)
    }

    /// Requests to the vendor for each account.
    pub fn requests_per_account(&self) -> f64 {
        f64::from(self.counts.accepted) / f64::from(self.plan.accounts.max(1))
    }

    /// Stacks that failed.
    pub fn failed(&self) -> u32 {
        self.operations
            .iter()
            .map(|operation| operation.failed)
            .sum()
    }

    /// Stacks that were not begun, for too many had failed.
    pub fn cancelled(&self) -> u32 {
        let cancelled = self.operations.iter().map(|operation| operation.cancelled);
        cancelled.sum()
    }

    fn broken_promises(&self) -> Vec<String> {
        let Self { plan, counts, .. } = self;
        let accounts = plan.accounts;
        let mut broken = Vec::new();
        let mut must_be_none = |count: u32, what: &str| {
            if count > 0 {
                broken.push(format!("{count} {what}"));
            }
        };
        must_be_none(
            counts.silent,
            "requests of CloudFormation were answered by nobody",
        );
        must_be_none(counts.doubled, "times an account had two records at once");
        must_be_none(
            accounts - self.registered,
            "accounts are not registered exactly once in the end",
        );
        let unhelpful = |(reason, _): &(&String, &u32)| !reason.contains(REMEDY);
        for (reason, count) in self.reasons.iter().filter(unhelpful) {
            must_be_none(
                *count,
                &format!("times it was not said what to do: {reason}"),
            );
        }
        if self.is_by_the_formula() {
            must_be_none(self.failed(), "stacks failed");
            if self.took() > self.least().mul_f64(LONGEST) + ALONE {
                broken.push(format!(
                    "it took {:.2} times as long as the vendor needs, more than {LONGEST}",
                    self.ratio()
                ));
            }
        }
        broken
    }

    /// Nothing was chosen otherwise than the formula says, and nothing goes wrong.
    fn is_by_the_formula(&self) -> bool {
        let plan = &self.plan;
        plan.preferences == Some(preferences(plan.accounts, plan.rate))
            && plan.outage.is_zero()
            && plan.kills == 0
    }
}

/// The live records of each name.
fn by_name(state: &State) -> BTreeMap<String, Vec<App>> {
    let mut records: BTreeMap<String, Vec<App>> = BTreeMap::new();
    for app in state.apps() {
        records
            .entry(app.integration_name.clone())
            .or_default()
            .push(app);
    }
    records
}

/// Accounts that the vendor has exactly once, and for the stack that stands.
fn registered(state: &State) -> u32 {
    let records = by_name(state);
    let is_registered = |account: u32| {
        let instance = &state.instances[account as usize];
        let name = format!("AWS {}", account_id(account));
        let stack = stack_id(account, instance.stacks);
        let is_the_stacks = |app: &App| {
            app.source()
                .is_some_and(|source| source["stackId"] == stack.as_str())
        };
        instance.is_current
            && matches!(records.get(&name).map(Vec::as_slice), Some([app]) if is_the_stacks(app))
    };
    let accounts = 0..state.plan.accounts;
    accounts
        .map(|account| u32::from(is_registered(account)))
        .sum()
}

/// Records of accounts whose stack does not stand.
fn left_over(state: &State) -> Option<String> {
    let records = by_name(state);
    let left: Vec<String> = state
        .not_current()
        .into_iter()
        .map(|account| format!("AWS {}", account_id(account)))
        .filter(|name| records.contains_key(name))
        .collect();
    let first = left.first()?;
    Some(format!(
        "{} records are left of stacks that are gone, such as {first}",
        left.len()
    ))
}
