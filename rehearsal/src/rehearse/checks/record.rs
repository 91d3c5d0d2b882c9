//! What the vendor has after a step, and how it came to have it.

use serde_json::{Value, json};

use super::super::lifecycle::Seen;
use super::super::report::Check;

/// What the vendor must have after a step.
pub(in super::super) struct Expected<'a> {
    /// The step's short name, which its checks begin with.
    pub(in super::super) step: &'a str,
    /// The stack's status.
    pub(in super::super) status: &'a str,
    /// The integration's name.
    pub(in super::super) name: String,
    /// The members of the record's configuration, but for `source`.
    pub(in super::super) config: Value,
    /// What the vendor could connect.
    pub(in super::super) connected_apps: &'a [&'a str],
    /// The methods of the requests to the vendor, in order, when each does
    /// its work at the first try. Further reads are polls: none are needed
    /// where validation ends at once, and at most [`POLLS`] are made.
    pub(in super::super) methods: &'a [&'a str],
}

/// How often a function may ask at most whether a validation has ended.
const POLLS: usize = 8;

/// Judges a step that made or amended the record.
pub(in super::super) fn checks(expected: &Expected<'_>, seen: &Seen) -> Vec<Check> {
    let step = expected.step;
    let status = stack_status(step, expected.status, seen);
    if !status.held {
        // Whatever else does not hold follows from it, and would only hide it.
        return vec![status];
    }
    let mut checks = vec![
        status,
        Check::equal(
            format!("{step}: the vendor has exactly one record"),
            &seen.apps.len(),
            &1,
        ),
        vendor_calls(step, expected.methods, seen),
    ];
    if let [app] = seen.apps.as_slice() {
        let mut config = app.config.clone().unwrap_or(Value::Null);
        if let Some(members) = config.as_object_mut() {
            members.remove("source");
            // Not shown anywhere; what it is worth is checked by its use.
            members.remove("externalId");
        }
        let seen = json!({"name": app.integration_name, "config": config});
        let wanted = json!({"name": expected.name, "config": expected.config});
        checks.push(json_equal(
            format!("{step}: the record is what the parameters say"),
            &seen,
            &wanted,
        ));
        let error = app.last_error.as_deref().unwrap_or("no lastError");
        let is_connected = app.connected_apps == expected.connected_apps;
        checks.push(Check::new(
            format!(
                "{step}: the integration is enabled and connects {}",
                expected.connected_apps.join(" and ")
            ),
            app.status == "enabled" && is_connected,
            format!("{} {:?}, {error}", app.status, app.connected_apps),
        ));
    }
    checks
}

/// Whether the stack came to `status`; if not, why.
pub(in super::super) fn stack_status(step: &str, status: &str, seen: &Seen) -> Check {
    let held = seen.status() == status;
    let detail = if held {
        seen.status().to_owned()
    } else {
        format!("it is {}; {}", seen.status(), seen.cause())
    };
    Check::new(format!("{step}: the stack is {status}"), held, detail)
}

/// Whether the vendor was asked what was needed, and no more.
pub(in super::super) fn vendor_calls(step: &str, methods: &[&str], seen: &Seen) -> Check {
    let asked: Vec<&str> = seen.calls.iter().map(|call| call.method.as_str()).collect();
    let polls = asked.len().saturating_sub(methods.len());
    let held = asked.starts_with(methods)
        && polls <= POLLS
        && asked[methods.len()..].iter().all(|method| *method == "GET");
    Check::new(
        format!("{step}: the vendor is asked {}", methods.join(", ")),
        held,
        format!("asked {}", asked.join(", ")),
    )
}

fn json_equal(name: String, seen: &Value, wanted: &Value) -> Check {
    if seen == wanted {
        Check::new(name, true, seen.to_string())
    } else {
        Check::new(name, false, format!("expected {wanted}, seen {seen}"))
    }
}
