//! What a rehearsal of an organization found out: the object that `--json` prints.

use serde::Serialize;

use super::super::report::Check;
use super::chart::Creation;
use super::fault::OrganizationFault;
use super::memory::Memory;
use crate::engine::LeftResource;

/// Everything that was seen and concluded. No secret is in it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct OrganizationReport {
    /// Whether every check held.
    pub(in super::super) held: bool,
    /// Requests that the vendor accepts in a second.
    pub(super) rate: u32,
    /// What went wrong on purpose.
    pub(super) fault: Option<&'static str>,
    /// What was done with all members at once, in order.
    pub(super) operations: Vec<Operation>,
    /// How the creation went at the vendor.
    pub(super) creation: Creation,
    /// Every member.
    pub(super) accounts: Vec<AccountReport>,
    /// Records of this hub whose account is no longer in the organization.
    pub(super) without_account: Vec<String>,
    /// What a member's stack has.
    pub(super) contents: Contents,
    /// What was held in memory.
    pub(super) memory: Memory,
    /// The checks in the order in which they were made.
    pub(super) checks: Vec<Check>,
}

/// Something that was done with many members at once.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    /// What was done.
    pub(super) title: String,
    /// How many members it was done with.
    pub(super) accounts: usize,
    /// How many of them came to the end that is meant.
    pub(super) succeeded: usize,
    /// How long it took.
    pub(super) seconds: f64,
    /// The place of its first request among those that the vendor keeps.
    #[serde(skip)]
    pub(super) first_request: usize,
    /// Requests that the vendor accepted meanwhile.
    pub(super) requests: usize,
    /// Requests that it answered with 429.
    pub(super) turned_away: usize,
}

/// One member.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountReport {
    /// The account's number.
    pub(super) account: String,
    /// The stack's ARN.
    pub(super) stack: String,
    /// The stack's status in the end, or `closed`.
    pub(super) status: String,
    /// Why it failed; empty when it did not.
    pub(super) reason: String,
    /// The id of its record at the vendor.
    pub(super) record: String,
    /// How long its creation, its update and its deletion took.
    pub(super) seconds: Vec<f64>,
}

/// What a member's stack has.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contents {
    /// The length of the template.
    pub(super) bytes: usize,
    /// The resources of a member by name and type, the same in each.
    pub(super) resources: Vec<String>,
    /// Members that have others.
    pub(super) exceptions: Vec<String>,
}

impl Contents {
    /// In words.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.resources.clone();
        lines.push(format!("template.yaml, {} bytes", self.bytes));
        lines
    }
}

impl OrganizationReport {
    /// Notes which resources a member has that was just created.
    pub(super) fn checks_of_members(
        &mut self,
        place: usize,
        resources: &[LeftResource],
        fault: Option<OrganizationFault>,
    ) {
        if place == 0 && fault.is_some_and(|fault| fault.reason().is_some()) {
            return;
        }
        let mut resources: Vec<String> = resources
            .iter()
            .map(|resource| format!("{}, {}", resource.logical_id, resource.resource_type))
            .collect();
        resources.sort();
        let contents = &mut self.contents;
        if contents.resources.is_empty() {
            contents.resources = resources;
        } else if contents.resources != resources {
            contents.exceptions.push(resources.join(" and "));
        }
    }

    /// The members whose stack failed.
    pub(super) fn failed(&self) -> impl Iterator<Item = &AccountReport> {
        let failed = |account: &&AccountReport| !account.reason.is_empty();
        self.accounts.iter().filter(failed)
    }
}
