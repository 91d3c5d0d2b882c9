//! Whole organizations, rolled out by the very handler of `main`.

use std::time::Duration;

use authomize_trust_role::rollout::{Preferences, preferences};
use simulation::rollout::{Outcome, Plan, run};

fn held(plan: &Plan) -> Outcome {
    let outcome = run(plan);
    let problems = &outcome.problems;
    assert!(problems.is_empty(), "{plan:?}: {problems:?}");
    assert_eq!(outcome.registered, plan.accounts);
    outcome
}

#[test]
fn registers_every_account_once_about_as_fast_as_the_vendor_lets_it() {
    for (accounts, rate) in [(100, 1), (100, 10), (100, 100), (300, 10)] {
        let outcome = held(&Plan::by_the_formula(accounts, rate));
        assert_eq!(outcome.failed(), 0);
    }
}

#[test]
fn the_table_of_the_documentation_is_the_formulas() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/organization.md");
    let page = std::fs::read_to_string(page).unwrap_or_default();
    for (accounts, written) in [
        (10, "10"),
        (100, "100"),
        (1_000, "1,000"),
        (10_000, "10,000"),
    ] {
        let cells = [1, 10, 100].map(|rate| {
            let Preferences {
                max_concurrent_count,
                failure_tolerance_count,
            } = preferences(accounts, rate);
            let [at_a_time, tolerated] =
                [max_concurrent_count, failure_tolerance_count].map(with_commas);
            format!("{at_a_time} and {tolerated}")
        });
        let row = format!("| {written} | {} |", cells.join(" | "));
        assert!(page.contains(&row), "{row}");
    }
}

/// A number as people write it: with a comma before the last three digits.
fn with_commas(number: u32) -> String {
    match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    }
}

#[test]
fn is_patient_with_a_vendor_that_takes_its_time() {
    let plan = Plan {
        validation: 20_000..40_000,
        ..Plan::by_the_formula(100, 1)
    };
    assert_eq!(run(&plan).failed(), 0);
}

#[test]
fn says_what_to_do_when_all_come_at_once_and_registers_the_rest_when_told_to() {
    let plan = Plan {
        preferences: None,
        ..Plan::by_the_formula(400, 1)
    };
    let outcome = held(&plan);
    assert!(outcome.failed() > 0);
    assert!(outcome.operations.len() > 1);
}

#[test]
fn stops_at_the_tolerance_and_goes_on_with_what_is_left() {
    let plan = Plan {
        preferences: Some(Preferences {
            max_concurrent_count: 300,
            failure_tolerance_count: 20,
        }),
        outage: Duration::from_secs(600),
        ..Plan::by_the_formula(300, 5)
    };
    let outcome = held(&plan);
    assert!(outcome.operations[0].failed <= 21);
    assert!(outcome.operations[0].cancelled > 0);
}

#[test]
fn loses_nobody_when_the_hub_is_killed_in_the_middle() {
    let plan = Plan {
        kills: 20,
        ..Plan::by_the_formula(300, 5)
    };
    let outcome = held(&plan);
    assert!(outcome.counts.killed > 0);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let plan = Plan::by_the_formula(60, 10);
    let told = |plan: &Plan| {
        let outcome = run(plan);
        (outcome.took(), outcome.counts.turned_away)
    };
    assert_eq!(told(&plan), told(&plan));
    let other = Plan {
        seed: 2,
        ..plan.clone()
    };
    assert_ne!(told(&plan), told(&other));
}
