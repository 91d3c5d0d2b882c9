//! The command line of `cargo simulate rollout`.

use std::process::ExitCode;
use std::time::Duration;

use authomize_trust_role::rollout::{Preferences, preferences};
use clap::Args;
use serde_json::Value;

use super::table::{HEAD, as_json, line, nine, others, remarks};
use super::{Mode, Outcome, Plan, run};
use crate::cli::NOT_HELD;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  cargo simulate rollout                                   the tables of docs/organization.md
  cargo simulate rollout --accounts 5000 --rate 20         5,000 accounts by the formula
  cargo simulate rollout --accounts 2000 --rate 10 --at-once
  cargo simulate rollout --accounts 1000 --rate 10 --concurrency 500 --tolerance 50 --soft

Time is simulated time, from the first request to Authomize to the last.

Exit status: 0 everything held, 1 something did not hold, 2 a wrong argument.";

/// A whole organization, rolled out by a StackSet
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Accounts, 1 to 100,000; without it, the nine rollouts of docs/organization.md and what goes wrong
    #[arg(long, value_name = "N", requires = "rate", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    accounts: Option<u32>,
    /// Requests that Authomize accepts in a second, 1 to 10,000
    #[arg(long, value_name = "R", requires = "accounts", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: Option<u32>,
    /// `MaxConcurrentCount` [default: what the formula of docs/organization.md gives]
    #[arg(long, value_name = "C", requires = "accounts", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// `FailureToleranceCount` [default: one less than `MaxConcurrentCount`]
    #[arg(long, value_name = "F", requires = "accounts")]
    tolerance: Option<u32>,
    /// `SOFT_FAILURE_TOLERANCE` instead of the default `STRICT_FAILURE_TOLERANCE`
    #[arg(long, requires = "accounts")]
    soft: bool,
    /// All accounts at once, as with automatic deployment
    #[arg(long, requires = "accounts", conflicts_with_all = ["concurrency", "tolerance", "soft"])]
    at_once: bool,
    /// Runs of the hub's function at a time: `ReservedConcurrency`, or the account's quota
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    runs_at_a_time: u32,
    /// Authomize is down for so long in the middle
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    outage: u64,
    /// All processes of the hub are killed so often in the middle
    #[arg(long, value_name = "N", default_value_t = 0)]
    kills: u32,
    /// How long Authomize validates a role [default: under a second]
    #[arg(long, value_name = "SECONDS")]
    validation: Option<u64>,
    /// For everything that is left to chance
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print JSON on stdout instead of lines
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Runs the command and tells its exit status.
    pub fn main(&self) -> ExitCode {
        let plans = match self.plan() {
            Some(plan) => vec![("one rollout", plan)],
            None => {
                let by_the_formula = nine().map(|plan| ("by the formula", plan));
                by_the_formula.chain(others()).collect()
            }
        };
        let mut outcomes = Vec::new();
        for (name, plan) in plans {
            let outcome = run(&plan);
            if !self.json {
                tell(name, &outcome, outcomes.is_empty());
            }
            outcomes.push((name, outcome));
        }
        if self.json {
            println!("{}", Value::from_iter(outcomes.iter().map(named)));
        }
        if outcomes
            .iter()
            .all(|(_, outcome)| outcome.problems.is_empty())
        {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NOT_HELD)
        }
    }

    /// The one rollout that is asked for.
    fn plan(&self) -> Option<Plan> {
        let (accounts, rate) = (self.accounts?, self.rate?);
        let Preferences {
            max_concurrent_count,
            ..
        } = preferences(accounts, rate);
        let max_concurrent_count = self.concurrency.unwrap_or(max_concurrent_count);
        let chosen = Preferences {
            max_concurrent_count,
            failure_tolerance_count: self.tolerance.unwrap_or(max_concurrent_count - 1),
        };
        let plan = Plan::by_the_formula(accounts, rate);
        Some(Plan {
            preferences: (!self.at_once).then_some(chosen),
            mode: if self.soft { Mode::Soft } else { Mode::Strict },
            concurrency: self.runs_at_a_time as usize,
            outage: Duration::from_secs(self.outage),
            kills: self.kills,
            validation: self.validation.map_or(plan.validation, |seconds| {
                seconds * 1_000..seconds * 1_000 + 600
            }),
            seed: self.seed,
            ..plan
        })
    }
}

fn named((name, outcome): &(&str, Outcome)) -> Value {
    let mut json = as_json(outcome);
    json["name"] = Value::from(*name);
    json
}

fn tell(name: &str, outcome: &Outcome, is_first: bool) {
    if is_first {
        println!("{HEAD}");
    }
    println!("{}  {name}", line(outcome));
    for remark in remarks(outcome) {
        println!("{:>19}{remark}", "");
    }
}
