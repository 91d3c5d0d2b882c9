//! What must be so in an organization.

use serde_json::Value;

use super::super::checks::surroundings;
use super::super::report::Check;
use super::super::world::World;
use super::board::Board;
use super::fault::OrganizationFault;
use super::report::{AccountReport, OrganizationReport};
use crate::sandbox::App;

/// The resources of a member.
const RESOURCES: [&str; 2] = [
    "AuthomizeIntegrationAtHub, Custom::AuthomizeIntegration",
    "TrustRole, AWS::IAM::Role",
];

/// The hub stands.
pub(super) fn hub(created: &Result<(), String>) -> Check {
    let detail = created.clone().err().unwrap_or_default();
    Check::new("the hub's stack was created", created.is_ok(), detail)
}

/// The members as they must be after their creation, and the vendor's records.
pub(super) fn created(
    board: &Board,
    apps: &[App],
    hub: &str,
    fault: Option<OrganizationFault>,
) -> Vec<Check> {
    let accounts = board.accounts();
    let must_fail = fault.and_then(OrganizationFault::reason);
    let (failing, standing) = accounts.split_at(usize::from(must_fail.is_some()));
    let not_created = standing
        .iter()
        .filter(|one| one.status != "CREATE_COMPLETE");
    let not_created: Vec<String> = not_created.map(told).collect();
    let not_once: Vec<String> = standing
        .iter()
        .filter_map(|one| registered_otherwise(one, apps, hub))
        .collect();
    let mut checks = vec![
        Check::none_of("every member's stack was created", &not_created),
        Check::none_of(
            "every account is registered once, enabled, for its stack and by this hub",
            &not_once,
        ),
        Check::equal(
            "nothing else is registered but the hub's own account",
            &apps.len(),
            &(standing.len() + 1),
        ),
    ];
    if let (Some(reason), Some(one)) = (must_fail, failing.first()) {
        let is_told = one.status == "ROLLBACK_COMPLETE" && one.reason.contains(reason);
        let name = "the first member was rolled back, and told why";
        checks.push(Check::new(name, is_told, told(one)));
    }
    checks
}

fn told(account: &AccountReport) -> String {
    let AccountReport {
        account,
        status,
        reason,
        ..
    } = account;
    format!("{account} is {status} {reason}")
        .trim_end()
        .to_owned()
}

/// How an account is registered that is not so as it must be.
fn registered_otherwise(account: &AccountReport, apps: &[App], hub: &str) -> Option<String> {
    let name = format!("AWS {}", account.account);
    let records: Vec<&App> = apps
        .iter()
        .filter(|app| app.integration_name == name)
        .collect();
    let [record] = records[..] else {
        return Some(format!("{name} has {} records", records.len()));
    };
    let is_so = record.status == "enabled"
        && record.source().is_some_and(|source| {
            source["stackId"] == account.stack.as_str() && source["hub"] == hub
        });
    (!is_so).then(|| {
        format!(
            "{} is {} for {:?}",
            record.id,
            record.status,
            record.source()
        )
    })
}

/// The vendor assumed every role.
pub(super) fn trusted(world: &World, board: &Board, fault: Option<OrganizationFault>) -> Check {
    let must_fail = fault.is_some_and(|fault| fault.reason().is_some());
    let accounts = board.accounts().into_iter().skip(usize::from(must_fail));
    let distrusted: Vec<String> = accounts
        .map(|one| {
            let account = one.account;
            format!("arn:aws:iam::{account}:role/AuthomizeCrossAccountTrustRole")
        })
        .filter(|role| world.assumptions_of(role) == 0)
        .collect();
    Check::none_of("the vendor assumed every member's role", &distrusted)
}

/// The members as they must be after their update.
pub(super) fn updated(
    board: &Board,
    expected: usize,
    before: &[String],
    after: &[String],
) -> Vec<Check> {
    let updated = board.with_status("UPDATE_COMPLETE").len();
    let held = updated == expected && expected > 0;
    let detail = format!("{updated} of {expected}");
    vec![
        Check::new("every member's stack was updated", held, detail),
        Check::new(
            "the updates made no record and lost none",
            before == after,
            format!("{} records before, {} after", before.len(), after.len()),
        ),
    ]
}

/// No token is in a member's account.
pub(super) fn no_token(found: &[String], accounts: usize) -> Check {
    let name = format!(
        "no token reached any of {accounts} accounts: not its stack, parameters, outputs, events, template, requests, secrets or logs"
    );
    Check::none_of(name, found)
}

/// What the admin function must have found: the records of closed accounts, and else
/// nothing but members whose stack failed.
pub(super) fn reconciled(board: &Board, answer: &Value) -> Vec<Check> {
    let accounts = board.accounts();
    let with_status = |status: &str| -> Vec<&str> {
        let of_the_status = accounts.iter().filter(|one| one.status == status);
        of_the_status.map(|one| one.account.as_str()).collect()
    };
    let (mut closed, standing) = (with_status("closed"), with_status("UPDATE_COMPLETE"));
    closed.sort_unstable();
    let mut alone: Vec<&str> = without_account(answer).map(account_of).collect();
    alone.sort_unstable();
    let strange: Vec<String> = findings(answer)
        .filter(|one| standing.contains(&account_of(one)))
        .map(ToString::to_string)
        .collect();
    vec![
        Check::new(
            "the admin function compared the StackSet with the vendor's records",
            answer["registered"].is_u64() && answer["nextPage"].is_null(),
            answer["errorMessage"].as_str().unwrap_or_default(),
        ),
        Check::equal(
            "its reconcile found the records of closed accounts, and no others",
            &alone,
            &closed,
        ),
        Check::none_of("it found nothing amiss with a member that stands", &strange),
    ]
}

/// The records of which the admin function says that they have no account.
pub(super) fn records_without_account(answer: &Value) -> Vec<String> {
    without_account(answer)
        .map(|one| format!("{} `AWS {}`", record_of(one), account_of(one)))
        .collect()
}

/// Their ids.
pub(super) fn ids_without_account(answer: &Value) -> Vec<String> {
    without_account(answer)
        .map(|one| record_of(one).to_owned())
        .collect()
}

fn without_account(answer: &Value) -> impl Iterator<Item = &Value> {
    findings(answer).filter(|one| one["kind"] == "recordWithoutAccount")
}

fn findings(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["findings"].as_array().into_iter().flatten()
}

fn account_of(finding: &Value) -> &str {
    finding["account"].as_str().unwrap_or_default()
}

fn record_of(finding: &Value) -> &str {
    finding["record"].as_str().unwrap_or_default()
}

/// The sentences of an answer: what came of it, or why nothing did.
pub(super) fn said(answer: &Value) -> impl Iterator<Item = &str> {
    let sentences = ["summary", "errorMessage"].into_iter();
    sentences.filter_map(|name| answer[name].as_str())
}

/// The admin function removed all that it was told to.
pub(super) fn removed(answer: &Value) -> Check {
    let said: Vec<&str> = said(answer).collect();
    let name = "its remove removed the records of closed accounts";
    Check::new(name, answer["ok"] == true, said.join(" "))
}

/// What is left after the deletion: nothing.
pub(super) fn deleted(board: &Board, expected: usize, removed: bool, apps: &[App]) -> Vec<Check> {
    let deleted = board.with_status("DELETE_COMPLETE").len();
    let detail = format!("{deleted} of {expected}");
    vec![
        Check::new(
            "every member's stack was deleted",
            deleted == expected && expected > 0,
            detail,
        ),
        Check::new(
            "every member's record went after its stack",
            removed,
            format!("{} records are left", apps.len()),
        ),
        Check::equal("the vendor has no record left", &apps.len(), &0),
    ]
}

/// The hub is gone.
pub(super) fn hub_is_gone(status: &str) -> Check {
    Check::equal("the hub's stack was deleted", &status, &"DELETE_COMPLETE")
}

/// Whether the rehearsal itself was what it says.
pub(super) fn surroundings(world: &World) -> Vec<Check> {
    let log = world.log();
    let log_and_leaks = [
        Check::new(
            "the hub's function logged, so that there is something to look through",
            !log.is_empty(),
            format!("{} lines", log.len()),
        ),
        Check::none_of(
            "token and external id are in no log line and no answer",
            &world.leaks(),
        ),
    ];
    log_and_leaks
        .into_iter()
        .chain(surroundings::manners(world))
        .collect()
}

impl OrganizationReport {
    /// A member's stack has the role and the registration, and nothing else.
    pub(super) fn check_contents(&mut self) {
        let contents = &self.contents;
        let seen = (contents.resources.clone(), contents.exceptions.clone());
        let expected = (RESOURCES.map(str::to_owned).to_vec(), Vec::new());
        let name = "a member's stack has the trust role and the registration, and nothing else";
        let check = Check::equal(name, &seen, &expected);
        self.checks.push(check);
    }
}
