//! The rollouts of `docs/organization.md`, and how they read.

use std::time::Duration;

use authomize_trust_role::rollout::{Preferences, preferences};
use serde_json::{Value, json};

use super::{Mode, Outcome, Plan};

/// A vendor that is down in the middle is down for so long.
pub const OUTAGE: Duration = Duration::from_secs(600);

/// The columns of the table.
pub const HEAD: &str = "\
accounts   rate  at a time  requests  for each  vendor needs       took  ratio  429s  failed  again  silent  registered";

/// The nine rollouts by the formula.
pub fn nine() -> impl Iterator<Item = Plan> {
    [100, 1_000, 10_000]
        .into_iter()
        .flat_map(|accounts| [1, 10, 100].map(|rate| Plan::by_the_formula(accounts, rate)))
}

/// What goes wrong in the others, and how.
pub fn others() -> [(&'static str, Plan); 5] {
    let crowd = Plan {
        preferences: None,
        ..Plan::by_the_formula(2_000, 10)
    };
    let tenfold = preferences(10_000, 10).max_concurrent_count * 10;
    [
        ("2,000 accounts at once", crowd),
        (
            "ten times too many at a time",
            Plan {
                preferences: Some(Preferences {
                    max_concurrent_count: tenfold,
                    failure_tolerance_count: tenfold - 1,
                }),
                ..Plan::by_the_formula(10_000, 10)
            },
        ),
        (
            "a vendor that takes 20 to 40 s to validate",
            Plan {
                validation: 20_000..40_000,
                ..Plan::by_the_formula(1_000, 10)
            },
        ),
        (
            "the vendor is down for ten minutes in the middle",
            Plan {
                outage: OUTAGE,
                ..Plan::by_the_formula(1_000, 10)
            },
        ),
        (
            "all of the hub is killed 20 times in the middle",
            Plan {
                kills: 20,
                ..Plan::by_the_formula(1_000, 10)
            },
        ),
    ]
}

/// One line of the table.
pub fn line(outcome: &Outcome) -> String {
    let Outcome { plan, counts, .. } = outcome;
    let at_a_time = plan.preferences.map_or_else(
        || "all".to_owned(),
        |preferences| preferences.max_concurrent_count.to_string(),
    );
    let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
    format!(
        "{:>8} {:>4}/s {at_a_time:>10} {:>9} {:>9.2} {:>13} {:>10} {:>6.2} {:>5} {:>7} {:>6} {:>7} {:>11}",
        plan.accounts,
        plan.rate,
        counts.accepted,
        outcome.requests_per_account(),
        seconds(outcome.least()),
        seconds(outcome.took()),
        outcome.ratio(),
        counts.turned_away,
        outcome.failed(),
        outcome.failed() + outcome.cancelled(),
        counts.silent,
        outcome.registered,
    )
}

/// What is to be said beside the line.
pub fn remarks(outcome: &Outcome) -> Vec<String> {
    let Outcome { counts, .. } = outcome;
    let mut remarks = Vec::new();
    for (number, operation) in outcome.operations.iter().enumerate().skip(1) {
        remarks.push(format!(
            "operation {}: {} accounts, {} succeeded, {} failed, {} not begun",
            number + 1,
            operation.accounts,
            operation.succeeded,
            operation.failed,
            operation.cancelled
        ));
    }
    for (reason, count) in &outcome.reasons {
        remarks.push(format!("{count} x {reason}"));
    }
    let mut say = |count: u32, what: &str| {
        if count > 0 {
            remarks.push(format!("{count} {what}"));
        }
    };
    say(counts.met_the_outage, "requests met a vendor that was down");
    say(counts.killed, "runs of the hub were killed");
    say(
        counts.throttled,
        "times Lambda put an event back into its queue",
    );
    say(counts.given_up, "events went to the failure destination");
    for problem in &outcome.problems {
        remarks.push(format!("NOT HELD  {problem}"));
    }
    remarks
}

/// All of it as JSON.
pub fn as_json(outcome: &Outcome) -> Value {
    let Outcome { plan, counts, .. } = outcome;
    json!({
        "accounts": plan.accounts,
        "rate": plan.rate,
        "maxConcurrentCount": plan.preferences.map(|preferences| preferences.max_concurrent_count),
        "failureToleranceCount": plan.preferences.map(|preferences| preferences.failure_tolerance_count),
        "concurrencyMode": match plan.mode {
            Mode::Strict => "STRICT_FAILURE_TOLERANCE",
            Mode::Soft => "SOFT_FAILURE_TOLERANCE",
        },
        "seed": plan.seed,
        "requests": counts.accepted,
        "requestsPerAccount": outcome.requests_per_account(),
        "leastSeconds": outcome.least().as_secs_f64(),
        "seconds": outcome.took().as_secs_f64(),
        "ratio": outcome.ratio(),
        "turnedAway": counts.turned_away,
        "metTheOutage": counts.met_the_outage,
        "runs": counts.runs,
        "mostRunsAtATime": counts.most_at_a_time,
        "killed": counts.killed,
        "throttled": counts.throttled,
        "givenUp": counts.given_up,
        "silent": counts.silent,
        "doubled": counts.doubled,
        "registered": outcome.registered,
        "reasons": outcome.reasons,
        "operations": outcome.operations.iter().map(|operation| json!({
            "accounts": operation.accounts,
            "succeeded": operation.succeeded,
            "failed": operation.failed,
            "cancelled": operation.cancelled,
            "seconds": operation.took.as_secs_f64(),
        })).collect::<Vec<_>>(),
        "problems": outcome.problems,
    })
}
