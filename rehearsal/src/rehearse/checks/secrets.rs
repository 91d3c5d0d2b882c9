//! Whether a secret slipped out.

use crate::leak::Secret;

use super::super::lifecycle::Seen;
use super::super::report::Check;
use super::super::world::World;

/// Looks for the token and the external id in everything that people or
/// machines get to read: logs, stack events, answers and outputs.
pub(in super::super) fn checks(world: &World, steps: &[Seen]) -> Vec<Check> {
    let reasons = steps
        .iter()
        .flat_map(|seen| &seen.events)
        .map(|event| event.reason.as_str());
    let reasons: Vec<&str> = reasons.collect();
    let bodies: Vec<String> = steps
        .iter()
        .flat_map(|seen| &seen.answers)
        .map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
        .collect();
    let outputs: Vec<&str> = steps
        .iter()
        .filter_map(|seen| seen.outcome.as_ref().ok())
        .flat_map(|outcome| outcome.outputs.values())
        .map(String::as_str)
        .collect();
    let log: Vec<&str> = world.log().iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for (name, secret) in [
        ("token", world.token()),
        ("external id", world.external_id()),
    ] {
        let secret = Secret::new(name, secret);
        found.extend(secret.found_in("log line", log.iter().copied()));
        found.extend(secret.found_in("stack event", reasons.iter().copied()));
        found.extend(secret.found_in("answer", bodies.iter().map(String::as_str)));
        found.extend(secret.found_in("output", outputs.iter().copied()));
    }
    vec![
        Check::new(
            "the function logged, so that there is something to look through",
            !log.is_empty(),
            format!("{} lines", log.len()),
        ),
        Check::none_of(
            "token and external id are in no log line, event, answer or output",
            &found,
        ),
    ]
}
