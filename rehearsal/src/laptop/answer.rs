//! Whether an answer is one that CloudFormation would take for its event.

use serde_json::Value;

/// CloudFormation reads no longer answer, in bytes.
const ANSWER_LIMIT: usize = 4096;

/// What CloudFormation would not accept in this answer to this event.
#[must_use]
pub fn problems_of(answer: &Value, event: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for member in ["StackId", "RequestId", "LogicalResourceId"] {
        if answer[member] != event[member] {
            problems.push(format!("`{member}` is not the event's"));
        }
    }
    if answer["PhysicalResourceId"]
        .as_str()
        .is_none_or(str::is_empty)
    {
        problems.push("there is no `PhysicalResourceId`".to_owned());
    }
    match answer["Status"].as_str() {
        Some("SUCCESS") => {}
        Some("FAILED")
            if answer["Reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()) => {}
        Some("FAILED") => problems.push("it is FAILED without a `Reason`".to_owned()),
        _ => problems.push("`Status` is neither SUCCESS nor FAILED".to_owned()),
    }
    if answer.to_string().len() > ANSWER_LIMIT {
        problems.push(format!("it is longer than {ANSWER_LIMIT} bytes"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_each_thing_that_cloudformation_would_not_take() {
        let event = json!({"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"});
        let good = json!({"StackId": "s", "RequestId": "r", "LogicalResourceId": "l",
            "PhysicalResourceId": "p", "Status": "SUCCESS"});
        assert_eq!(problems_of(&good, &event), Vec::<String>::new());
        for (member, value) in [
            ("StackId", json!("t")),
            ("RequestId", json!(null)),
            ("LogicalResourceId", json!("m")),
            ("PhysicalResourceId", json!("")),
            ("Status", json!("FAILED")),
            ("Status", json!("DONE")),
            ("Data", json!("x".repeat(ANSWER_LIMIT))),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert_eq!(problems_of(&bad, &event).len(), 1, "{bad}");
        }
    }
}
