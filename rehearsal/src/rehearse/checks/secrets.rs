//! Whether a secret slipped out.

use super::super::lifecycle::Seen;
use super::super::report::Check;
use super::super::world::World;

/// Looks for the token, the external id and the signatures of response URLs in
/// everything that people or machines get to read: logs, stack events, answers
/// and outputs.
pub(in super::super) fn checks(world: &World, steps: &[Seen]) -> Vec<Check> {
    let events = steps.iter().flat_map(|seen| &seen.events);
    let reasons: Vec<String> = events.map(|event| event.reason.clone()).collect();
    let outcomes = steps.iter().filter_map(|seen| seen.outcome.as_ref().ok());
    let outputs = outcomes.flat_map(|outcome| outcome.outputs.values());
    let outputs: Vec<String> = outputs.cloned().collect();
    let mut found = world.leaks();
    found.extend(world.leaks_in("stack event", &reasons));
    found.extend(world.leaks_in("output", &outputs));
    let log = world.log();
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
