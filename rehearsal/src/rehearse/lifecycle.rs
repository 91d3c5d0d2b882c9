//! Follows one operation on the stack and gathers what everybody saw of it.

use std::time::Instant;

use serde_json::Value;

use crate::answer_bucket::{ReceivedAnswer, Verdict};
use crate::engine::{StackError, StackOperation, StackOutcome};
use crate::sandbox::{App, RecordedRequest};

use super::cli::with_causes;
use super::report::{CallReport, EventReport, RecordReport};
use super::screen::Screen;
use super::world::{STACK, World};

/// What one operation on the stack came to, seen from every side.
#[derive(Debug)]
pub(super) struct Seen {
    /// How the operation ended, or why it could not be followed to its end.
    pub(super) outcome: Result<StackOutcome, String>,
    /// The stack's events.
    pub(super) events: Vec<EventReport>,
    /// What the vendor was asked.
    pub(super) calls: Vec<RecordedRequest>,
    /// The vendor's records after it.
    pub(super) apps: Vec<App>,
    /// What was sent to the bucket.
    pub(super) answers: Vec<ReceivedAnswer>,
    /// Every resource that the stack made, whether it is still there or not.
    pub(super) made: Vec<Made>,
    /// What the function logged as an error.
    pub(super) logged_errors: Vec<String>,
}

/// A resource that the stack made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Made {
    /// For example `AWS::IAM::Role`.
    pub(super) resource_type: String,
    /// The name that its own service knows it by.
    pub(super) physical_id: String,
}

impl Seen {
    /// The stack's status, or a word for that there is none.
    pub(super) fn status(&self) -> &str {
        self.outcome
            .as_ref()
            .map_or("UNKNOWN", |outcome| outcome.status.as_str())
    }

    /// Why the operation failed: the first event that says so, and what the
    /// vendor holds against a record.
    pub(super) fn cause(&self) -> String {
        let mut causes: Vec<String> = self.outcome.as_ref().err().cloned().into_iter().collect();
        let failed = self
            .events
            .iter()
            .find(|event| event.status.ends_with("_FAILED") && !event.reason.is_empty());
        if let Some(event) = failed {
            causes.push(format!("{}: {}", event.logical_id, event.reason));
        }
        for answer in &self.answers {
            if let Verdict::Refused { code, message } = &answer.verdict {
                causes.push(format!("an answer was refused with {code}: {message}"));
            }
        }
        for app in &self.apps {
            if let Some(error) = &app.last_error {
                causes.push(format!("the vendor's lastError on {}: {error}", app.id));
            }
        }
        for line in &self.logged_errors {
            causes.push(format!("the function logged: {line}"));
        }
        causes.join("; ")
    }

    pub(super) fn calls(&self) -> Vec<CallReport> {
        let call = |call: &RecordedRequest| CallReport {
            method: call.method.clone(),
            path: call.path.clone(),
            status: call.status.unwrap_or_default(),
        };
        self.calls.iter().map(call).collect()
    }

    pub(super) fn records(&self) -> Vec<RecordReport> {
        let record = |app: &App| RecordReport {
            id: app.id.clone(),
            name: app.integration_name.clone(),
            status: app.status.clone(),
            last_error: app.last_error.clone().unwrap_or_default(),
            connected_apps: app.connected_apps.clone(),
        };
        self.apps.iter().map(record).collect()
    }
}

/// Follows an operation that was just started to its end, showing its
/// events. `calls` and `answers` tell how many there were before it.
pub(super) async fn follow(
    world: &mut World,
    screen: &Screen,
    started: Result<StackOperation, StackError>,
    (calls, answers): (usize, usize),
) -> Seen {
    let logged = world.log().len();
    let (mut events, mut made) = (Vec::new(), Vec::new());
    let outcome = to_the_end(world, screen, started, &mut events, &mut made).await;
    world.read_log().await;
    let log = world.log().iter().skip(logged);
    Seen {
        outcome: outcome.map_err(|error| with_causes(&error)),
        events,
        made,
        logged_errors: log.filter_map(|line| logged_error(line)).collect(),
        calls: world.sandbox.requests().split_off(calls),
        apps: world.sandbox.apps(),
        answers: world.bucket.answers().split_off(answers),
    }
}

async fn to_the_end(
    world: &mut World,
    screen: &Screen,
    started: Result<StackOperation, StackError>,
    events: &mut Vec<EventReport>,
    made: &mut Vec<Made>,
) -> Result<StackOutcome, StackError> {
    let mut operation = started?;
    let began = Instant::now();
    while let Some(event) = operation.next_event().await? {
        // The log group goes with the stack, so its lines are taken on the way.
        if event.resource_type == "AWS::Logs::LogGroup" && !event.physical_id.is_empty() {
            world.log_to(&event.physical_id);
        }
        world.read_log().await;
        made.push(Made {
            resource_type: event.resource_type,
            physical_id: event.physical_id,
        });
        let event = EventReport {
            seconds: began.elapsed().as_secs_f64(),
            logical_id: event.logical_id,
            status: event.status,
            reason: event.reason,
        };
        screen.event(&event, resources(&event, events));
        events.push(event);
    }
    operation.finish().await
}

/// How many resources are done, if the event is the last one of a stack whose operation
/// came to its end.
fn resources(event: &EventReport, before: &[EventReport]) -> Option<usize> {
    let is_done = |event: &&EventReport| event.status.ends_with("_COMPLETE");
    (event.logical_id == STACK && is_done(&event)).then(|| before.iter().filter(is_done).count())
}

/// What a log line says that is an error, and why.
fn logged_error(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let said = ["message", "problem", "error", "reason"];
    let said = said.iter().filter_map(|name| line[name].as_str());
    (line["level"] == "ERROR").then(|| said.collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::logged_error;

    #[test]
    fn tells_an_error_with_its_cause_and_nothing_else() {
        let line = r#"{"level":"ERROR","message":"not answered","problem":"no URL"}"#;
        assert_eq!(logged_error(line).unwrap(), "not answered: no URL");
        assert_eq!(
            logged_error(r#"{"level":"INFO","message":"started"}"#),
            None
        );
        assert_eq!(logged_error("REPORT RequestId: 1"), None);
    }
}
