//! What is accepted in the body of a request.

use serde_json::Value;

use super::exchange::ApiResponse;

/// The name in a body, if there is one.
///
/// # Errors
/// 422: empty, too long, or no text.
pub(super) fn name(body: &Value, member: &str) -> Result<Option<String>, ApiResponse> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if (1..=255).contains(&name.chars().count()) => {
            Ok(Some(name.clone()))
        }
        Some(_) => Err(ApiResponse::invalid(
            &["body", member],
            "1 to 255 characters are accepted",
        )),
    }
}

/// The configuration in a body, if there is one.
///
/// # Errors
/// 422: a member is missing or malformed.
pub(super) fn config(body: &Value) -> Result<Option<Value>, ApiResponse> {
    let config = match body.get("config") {
        None | Some(Value::Null) => return Ok(None),
        Some(config) => config,
    };
    for (member, is_accepted, accepted) in MEMBERS {
        if !is_accepted(&config[member]) {
            return Err(ApiResponse::invalid(&["body", "config", member], accepted));
        }
    }
    Ok(Some(config.clone()))
}

type Member = (&'static str, fn(&Value) -> bool, &'static str);

const MEMBERS: [Member; 6] = [
    (
        "accountIds",
        |value| is_list(value, is_account) && value[0].is_string(),
        "12-digit account numbers are accepted",
    ),
    (
        "managementAccountId",
        |value| value.is_null() || is_account(value),
        "a 12-digit account number is accepted",
    ),
    (
        "regions",
        |value| value.is_null() || is_list(value, Value::is_string),
        "names of regions are accepted",
    ),
    ("roleArn", is_role, "the ARN of a role is accepted"),
    (
        "externalId",
        |value| value.as_str().is_some_and(|id| id.len() >= 2),
        "at least 2 characters are accepted",
    ),
    (
        "includeIdentityCenter",
        |value| value.is_null() || value.is_boolean(),
        "true and false are accepted",
    ),
];

fn is_list(value: &Value, is_accepted: fn(&Value) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().all(is_accepted))
}

fn is_account(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_role(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|arn| arn.starts_with("arn:") && arn.contains(":role/"))
}
