//! What holds whatever happens: judged from outside, by nothing of the Lambda's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::conversation::VENDOR;
use super::point::{Moment, Point};
use super::stage::Stage;

/// CloudFormation reads no longer answer.
const ANSWER_LIMIT: usize = 4096;

/// One answer counts for each request, and it says SUCCESS; what else was sent for
/// it names the same resource.
pub(super) fn of_the_answers(stage: &Stage, requests: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    for id in requests.iter().collect::<BTreeSet<_>>() {
        let answers = stage.answers(id);
        match answers.first() {
            None => broken.push(format!("{id} was never answered")),
            Some(first) if status_of(&first.json) != "SUCCESS" => {
                let reason = first.text("Reason");
                broken.push(format!("{id} failed: {reason}"));
            }
            Some(_) => {}
        }
        let ids: BTreeSet<String> = answers.iter().map(|answer| id_of(&answer.json)).collect();
        if ids.len() > 1 {
            broken.push(format!("{id} was answered with several ids: {ids:?}"));
        }
        if answers
            .iter()
            .any(|answer| answer.body.len() > ANSWER_LIMIT)
        {
            broken.push(format!("the answer to {id} is too long"));
        }
    }
    broken
}

/// The vendor has records of these names, and the stranger's.
pub(super) fn of_the_records(stage: &Stage, names: &[&str]) -> Option<String> {
    let records = stage.records();
    let there: Vec<&str> = records
        .iter()
        .map(|record| &*record.integration_name)
        .collect();
    (there != names).then(|| format!("the vendor has {there:?}, not {names:?}"))
}

/// What is wrong with the kill itself, as the vendor saw it: what was killed
/// before its request sent none, and what had an answer sent one.
pub(super) fn of_the_kill(point: &Point, vendor_calls: usize) -> Option<String> {
    let request = point.what.strip_prefix("request ")?;
    let request: usize = request.parse().ok().filter(|_| point.peer == VENDOR)?;
    let expected = match point.moment {
        Moment::BeforeWrite => request - 1,
        Moment::AfterRead => request,
        Moment::AfterWrite => return None,
    };
    (vendor_calls != expected)
        .then(|| format!("killed {point}, and the vendor saw {vendor_calls} requests"))
}

pub(super) fn id_of(answer: &Value) -> String {
    let id = answer["PhysicalResourceId"].as_str();
    id.unwrap_or_default().to_owned()
}

pub(super) fn status_of(answer: &Value) -> &str {
    answer["Status"].as_str().unwrap_or_default()
}
