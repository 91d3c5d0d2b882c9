//! What must be so in an organization.

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

/// The records of a hub whose account is not in its organization.
pub(super) fn records_without_account(
    apps: &[App],
    hub: &str,
    is_in_the_organization: impl Fn(&str) -> bool,
) -> Vec<String> {
    let of_the_hub = apps
        .iter()
        .filter(|app| app.source().is_some_and(|source| source["hub"] == hub));
    let alone = of_the_hub.filter(|app| {
        let accounts = app
            .config
            .as_ref()
            .and_then(|config| config["accountIds"].as_array());
        let mut accounts = accounts.into_iter().flatten();
        !accounts.any(|account| account.as_str().is_some_and(&is_in_the_organization))
    });
    alone
        .map(|app| format!("{} `{}`", app.id, app.integration_name))
        .collect()
}

/// As many records without account as accounts that left.
pub(super) fn found(alone: &[String], closed: usize) -> Check {
    let name = "the records of closed accounts are found, and no others";
    Check::equal(name, &alone.len(), &closed)
}

/// What is left after the deletion: the records of closed accounts.
pub(super) fn deleted(
    board: &Board,
    expected: usize,
    removed: bool,
    apps: &[App],
    closed: usize,
) -> Vec<Check> {
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
        Check::equal(
            "the vendor has no record left but those of closed accounts",
            &apps.len(),
            &closed,
        ),
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
