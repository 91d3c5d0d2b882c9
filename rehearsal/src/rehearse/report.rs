//! What a rehearsal found out: the object that `--json` prints.

use std::collections::BTreeMap;

use serde::Serialize;

/// Everything that one rehearsal saw and concluded. No secret is in it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether every check held.
    pub held: bool,
    /// The template that was deployed.
    pub template: TemplateReport,
    /// Where everything ran.
    pub cloud: CloudReport,
    /// Every variable that the function's process got and would not have in
    /// AWS.
    pub injected: BTreeMap<String, String>,
    /// The steps in order.
    pub steps: Vec<StepReport>,
    /// The stack's outputs as they were before the deletion.
    pub outputs: BTreeMap<String, String>,
    /// The checks in the order in which they were made.
    pub checks: Vec<Check>,
}

/// The template that was deployed.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateReport {
    /// Its file.
    pub path: String,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Where a rehearsal ran.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudReport {
    /// The engine's address, `127.0.0.1:PORT`.
    pub engine: String,
    /// The sandbox's address.
    pub sandbox: String,
    /// The account, as fresh as the engine.
    pub account: String,
    /// The region.
    pub region: String,
    /// The stack's name.
    pub stack: String,
    /// What the launcher changed in the engine, a line each.
    pub closed_gaps: Vec<String>,
}

/// One step of the rehearsal.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Counted from 1.
    pub number: usize,
    /// What was done, for example `creating the stack`.
    pub title: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The stack's events in order.
    pub events: Vec<EventReport>,
    /// What the vendor was asked, in order.
    pub vendor: Vec<CallReport>,
    /// The vendor's records after the step.
    pub records: Vec<RecordReport>,
}

/// One event of the stack.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventReport {
    /// Seconds since the step began.
    pub seconds: f64,
    /// The resource's logical id, or the stack's name.
    pub logical_id: String,
    /// For example `CREATE_COMPLETE`.
    pub status: String,
    /// Why; empty when CloudFormation gave no reason.
    pub reason: String,
}

/// One request to the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallReport {
    /// The method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The status of the answer; 0 when there was none.
    pub status: u16,
}

/// One record of the vendor.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordReport {
    /// The record's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// Why it failed; empty when it did not.
    pub last_error: String,
    /// What the vendor could connect.
    pub connected_apps: Vec<String>,
}

/// One thing that must be so, and whether it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What must be so.
    pub name: String,
    /// Whether it was.
    pub held: bool,
    /// What was seen: the evidence when it held, the cause when not.
    pub detail: String,
}

impl Check {
    /// A check whose evidence is the same whether it held or not.
    #[must_use]
    pub fn new(name: impl Into<String>, held: bool, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            held,
            detail: detail.into(),
        }
    }

    /// A check that holds when `seen` is `expected`.
    #[must_use]
    pub fn equal<T: PartialEq + std::fmt::Debug>(
        name: impl Into<String>,
        seen: &T,
        expected: &T,
    ) -> Self {
        if seen == expected {
            Self::new(name, true, format!("{seen:?}"))
        } else {
            Self::new(name, false, format!("expected {expected:?}, seen {seen:?}"))
        }
    }

    /// A check that holds when nothing was found.
    #[must_use]
    pub fn none_of(name: impl Into<String>, found: &[String]) -> Self {
        if found.is_empty() {
            Self::new(name, true, "none")
        } else {
            Self::new(name, false, found.join("; "))
        }
    }
}
