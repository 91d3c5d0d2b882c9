//! What the function answered to CloudFormation.

use crate::answer_bucket::{ReceivedAnswer, Verdict};
use crate::sandbox::App;

use super::super::lifecycle::Seen;
use super::super::report::Check;

/// CloudFormation reads no longer answer.
const ANSWER_LIMIT: usize = 4096;

/// Judges the answers of one step; `app` is the record that they tell of.
pub(in super::super) fn checks(step: &str, seen: &Seen, app: Option<&App>) -> Vec<Check> {
    let [answer] = seen.answers.as_slice() else {
        let verdicts: Vec<String> = seen.answers.iter().map(told).collect();
        let detail = format!("{} were sent {}", verdicts.len(), verdicts.join("; "));
        return vec![Check::new(one_answer(step), false, detail)];
    };
    let mut checks = vec![Check::new(
        one_answer(step),
        answer.verdict == Verdict::Accepted
            && answer.text("Status") == "SUCCESS"
            && answer.body.len() <= ANSWER_LIMIT,
        told(answer),
    )];
    if let Some(app) = app {
        let data = |name: &str| answer.json["Data"][name].as_str().unwrap_or_default();
        let seen = [
            data("IntegrationId"),
            data("IntegrationName"),
            data("Status"),
            data("ConnectedApps"),
        ];
        let connected = app.connected_apps.join(", ");
        let wanted = [&app.id, &app.integration_name, &app.status, &connected];
        checks.push(Check::equal(
            format!("{step}: the attributes answered are the vendor's record"),
            &seen,
            &wanted.map(String::as_str),
        ));
    }
    checks
}

/// Whether every step answered with one and the same physical id.
pub(in super::super) fn one_physical_id(steps: &[Seen]) -> Check {
    let mut ids: Vec<&str> = steps
        .iter()
        .flat_map(|seen| &seen.answers)
        .map(|answer| answer.text("PhysicalResourceId"))
        .collect();
    ids.dedup();
    Check::new(
        "the physical id is one and the same from the creation to the deletion",
        ids.len() == 1 && ids[0].starts_with("integration/"),
        ids.join(", "),
    )
}

fn one_answer(step: &str) -> String {
    format!("{step}: one answer, accepted by the bucket, and it is SUCCESS")
}

fn told(answer: &ReceivedAnswer) -> String {
    let verdict = match &answer.verdict {
        Verdict::Accepted => "accepted".to_owned(),
        Verdict::Refused { code, .. } => format!("refused with {code}"),
        Verdict::NotHandedOn { message } => format!("not handed on: {message}"),
        Verdict::Faulted => "met a fault".to_owned(),
    };
    let (status, reason) = (answer.text("Status"), answer.text("Reason"));
    let size = answer.body.len();
    format!("{status} ({verdict}, {size} bytes) {reason}")
}
