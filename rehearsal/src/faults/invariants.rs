//! What holds whatever happens: judged from outside, by nothing of the Lambda's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fault::{Ending, Means};
use super::stage::Stage;
use super::witnessed::Witnessed;
use crate::answer_bucket::{ReceivedAnswer, Verdict};

/// CloudFormation reads no longer answer.
const ANSWER_LIMIT: usize = 4096;

/// The ids that name a record begin like this.
const ISSUED: &str = "integration/";

/// What does not hold.
pub(super) fn broken(stage: &Stage, witnessed: &Witnessed, ending: &Ending) -> Vec<String> {
    let mut broken = Vec::new();
    broken.extend(answers(stage, ending));
    broken.extend(records(stage, witnessed));
    broken.extend(ids(stage));
    broken.extend(secrets(stage, witnessed));
    broken.extend(stage.world.sandbox.contract_violations());
    let elsewhere = stage.world.internet.refused().into_iter();
    broken.extend(elsewhere.map(|host| format!("the function asked for {host}")));
    broken
}

fn accepted(stage: &Stage) -> Vec<ReceivedAnswer> {
    let mut answers = stage.world.bucket.answers();
    answers.retain(|answer| answer.verdict == Verdict::Accepted);
    answers
}

/// One logical answer for each request: there is one, and whatever else was
/// sent for it names the same resource.
fn answers(stage: &Stage, ending: &Ending) -> Vec<String> {
    let accepted = accepted(stage);
    let mut broken = Vec::new();
    for request in stage.world.engine.requests() {
        let id = request["RequestId"].as_str().unwrap_or_default();
        let answers: Vec<&ReceivedAnswer> = accepted
            .iter()
            .filter(|answer| answer.request_id == id)
            .collect();
        let kind = &request["RequestType"];
        if answers.is_empty() && ending.answered {
            broken.push(format!("a {kind} was never answered"));
        }
        let ids: BTreeSet<&str> = answers
            .iter()
            .map(|answer| answer.text("PhysicalResourceId"))
            .collect();
        if ids.len() > 1 {
            let told = |answer: &&ReceivedAnswer| {
                let texts = ["Status", "PhysicalResourceId", "Reason"];
                texts.map(|name| answer.text(name).to_owned()).join(" ")
            };
            let told: Vec<String> = answers.iter().map(told).collect();
            broken.push(format!(
                "a {kind} was answered with several ids: {}",
                told.join("; ")
            ));
        }
        if answers
            .iter()
            .any(|answer| answer.body.len() > ANSWER_LIMIT)
        {
            broken.push(format!("the answer to a {kind} is too long"));
        }
        if answers.iter().any(|answer| has_null(&answer.json)) {
            broken.push(format!("the answer to a {kind} has a null member"));
        }
    }
    broken
}

fn has_null(answer: &Value) -> bool {
    let members = answer.as_object();
    members.is_none_or(|members| members.values().any(Value::is_null))
}

/// One record while there is a stack, none when it is gone unless the admin was
/// told which, and no record of a stranger changed.
fn records(stage: &Stage, witnessed: &Witnessed) -> Vec<String> {
    let mut broken = Vec::new();
    let now = stage.world.sandbox.apps();
    for stranger in &witnessed.strangers {
        if !now.contains(stranger) {
            broken.push(format!("a stranger's record was touched: {}", stranger.id));
        }
    }
    if witnessed.records.iter().any(|records| records.len() > 1) {
        broken.push("there were several records of one stack".to_owned());
    }
    if let Some(name) = stage.name_at_rest(&witnessed.status) {
        let records = witnessed.records.first().into_iter().flatten();
        let names: Vec<&str> = records.map(|record| &*record.integration_name).collect();
        if names != [name.as_str()] {
            broken.push(format!("the stack at rest has {names:?}, not {name}"));
        }
    }
    let is_gone = matches!(&*witnessed.last_status, "DELETE_COMPLETE" | "");
    if !is_gone {
        let last = &witnessed.last_status;
        broken.push(format!("the stack could not be deleted: {last}"));
    }
    for record in witnessed.records.last().into_iter().flatten() {
        if !witnessed.reason.contains(&record.id) {
            broken.push(format!("a record was left behind: {}", record.id));
        }
    }
    broken
}

/// The physical id stays the same, unless the record is another one.
fn ids(stage: &Stage) -> Vec<String> {
    let accepted = accepted(stage);
    let ids: BTreeSet<&str> = accepted
        .iter()
        .map(|answer| answer.text("PhysicalResourceId"))
        .filter(|id| id.starts_with(ISSUED))
        .collect();
    let records = match stage.fault.means {
        Means::RecordGone => 2,
        _ => 1,
    };
    if ids.len() > records {
        return vec![format!("the physical id changed: {ids:?}")];
    }
    Vec::new()
}

/// No secret in anything that people or machines get to read.
fn secrets(stage: &Stage, witnessed: &Witnessed) -> Vec<String> {
    let events: Vec<String> = witnessed
        .events
        .iter()
        .map(|event| format!("{} {}", event.reason, event.physical_id))
        .collect();
    let mut found = stage.world.leaks();
    found.extend(stage.world.leaks_in("stack event", &events));
    found.extend(stage.world.leaks_in("output", &witnessed.outputs));
    found
}
