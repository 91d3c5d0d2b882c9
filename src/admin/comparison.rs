//! The StackSet's instances against the vendor's records of a hub: plain decisions.
//!
//! An account that was closed or left the organization never sends a Delete, so
//! nobody but this comparison finds its record. It reports and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::action::Bookmark;
use super::settings::OwnHub;
use super::stack_set::Instance;
use crate::account_id::AccountId;
use crate::authomize::{Marker, Marking, Record, Status};
use crate::stack_id::StackId;

/// What is not as it should be.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A record of this hub, and no instance in its account.
    RecordWithoutAccount,
    /// An instance, and no record of this hub for its account.
    AccountWithoutRecord,
    /// A record that the vendor does not work with: it calls it failed, or somebody
    /// turned it off.
    RecordNotEnabled,
    /// A record of this hub that names another stack than the account's instance has.
    RecordOfAnotherStack,
    /// An instance whose account has a record, and whose stack is not as the StackSet
    /// says.
    OutdatedInstance,
}

impl Kind {
    /// All, in the order of a report.
    pub const ALL: [Self; 5] = [
        Self::RecordWithoutAccount,
        Self::AccountWithoutRecord,
        Self::RecordNotEnabled,
        Self::RecordOfAnotherStack,
        Self::OutdatedInstance,
    ];

    /// For a person, of one thing.
    pub fn label(self) -> &'static str {
        match self {
            Self::RecordWithoutAccount => "record without account",
            Self::AccountWithoutRecord => "account without record",
            Self::RecordNotEnabled => "record not enabled",
            Self::RecordOfAnotherStack => "record of another stack",
            Self::OutdatedInstance => "outdated instance",
        }
    }

    /// The metric that counts it.
    pub fn metric(self) -> &'static str {
        match self {
            Self::RecordWithoutAccount => "RecordsWithoutAccount",
            Self::AccountWithoutRecord => "AccountsWithoutRecord",
            Self::RecordNotEnabled => "RecordsNotEnabled",
            Self::RecordOfAnotherStack => "RecordsOfAnotherStack",
            Self::OutdatedInstance => "OutdatedInstances",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The account; none if the record's mark names none.
    pub account: Option<AccountId>,
    /// The record's id, if there is one.
    pub record: Option<String>,
    /// More about it, fit to be shown.
    pub detail: String,
}

/// A comparison under way.
#[derive(Debug)]
pub struct Comparison<'a> {
    hub: &'a OwnHub,
    instances: BTreeMap<AccountId, Vec<Instance>>,
    bookmark: Bookmark,
    findings: Vec<Finding>,
    kept: usize,
    marked: usize,
    unmarked: usize,
}

/// What a comparison came to, or the part of it that one run had time for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compared {
    /// What is not as it should be, in a fixed order.
    pub findings: Vec<Finding>,
    /// Accounts with an instance, or by hand, and a record of this hub, since the
    /// comparison began.
    pub registered: usize,
    /// Records of this hub that a stack with `OnDelete=Keep` let go.
    pub kept: usize,
    /// Where it goes on; none if it is complete.
    pub next: Option<Bookmark>,
}

impl<'a> Comparison<'a> {
    /// A comparison that goes on at a bookmark.
    pub fn new(hub: &'a OwnHub, instances: Vec<Instance>, from: Bookmark) -> Self {
        let mut by_account: BTreeMap<AccountId, Vec<Instance>> = BTreeMap::new();
        for instance in instances {
            let of_the_account = by_account.entry(instance.account.clone());
            of_the_account.or_default().push(instance);
        }
        Self {
            hub,
            instances: by_account,
            bookmark: from,
            findings: Vec::new(),
            kept: 0,
            marked: 0,
            unmarked: 0,
        }
    }

    /// How many records of the tenant have been read.
    pub fn read(&self) -> usize {
        self.bookmark.read
    }

    /// Takes a page of the tenant's records.
    pub fn take(&mut self, records: &[Record]) {
        self.bookmark.read += records.len();
        let live = records
            .iter()
            .filter(|record| record.status != Status::Deleted);
        for record in live {
            match &record.marking {
                Marking::NotKept => self.unmarked += 1,
                Marking::Absent => self.marked += 1,
                Marking::Marked(marker) => {
                    self.marked += 1;
                    if marker.hub.as_deref() == Some(self.hub.registrar.as_str()) {
                        self.take_ours(record, marker);
                    }
                }
            }
        }
    }

    /// Whether the server keeps no marks, so that nothing can be told from its records.
    pub fn is_blind(&self) -> bool {
        self.marked == 0 && self.unmarked > 0
    }

    fn take_ours(&mut self, record: &Record, marker: &Marker) {
        if marker.released {
            self.kept += 1;
            return;
        }
        let stack: Option<StackId> = marker.stack_id.parse().ok();
        let account = stack.as_ref().map(StackId::account);
        let strays = |kind, detail: &str| Finding {
            kind,
            account: account.cloned(),
            record: Some(record.id.to_string()),
            detail: detail.to_owned(),
        };
        let is_by_hand = account.is_some() && account == self.hub.management_account.as_ref();
        let instances = account.and_then(|account| self.instances.get(account));
        let stray = match instances {
            _ if is_by_hand => None,
            None => Some(strays(
                Kind::RecordWithoutAccount,
                "the account has no instance of the StackSet",
            )),
            Some(instances) if instances.iter().all(Instance::is_suspended) => Some(strays(
                Kind::RecordWithoutAccount,
                "the account is suspended, and still has an instance",
            )),
            Some(instances) if !may_be_of(instances, &marker.stack_id) => Some(strays(
                Kind::RecordOfAnotherStack,
                "the account's instance has another stack than the record's mark names",
            )),
            Some(_) => None,
        };
        if let Some(stray) = stray {
            self.findings.push(stray);
            return;
        }
        let not_enabled = match &record.status {
            Status::Failure => {
                let why = record.last_error.as_deref().unwrap_or("no reason given");
                Some(format!("failure: {why}"))
            }
            Status::Settled(status) => Some(status.clone()),
            Status::Absent | Status::Enabled | Status::Validating(_) | Status::Deleted => None,
        };
        self.findings
            .extend(not_enabled.map(|detail| strays(Kind::RecordNotEnabled, &detail)));
        self.bookmark.registered.extend(account.cloned());
    }

    /// What a run came to that read all records that were left.
    pub fn complete(mut self) -> Compared {
        let registered = std::mem::take(&mut self.bookmark.registered);
        for (account, instances) in &self.instances {
            self.findings.extend(amiss(account, instances, &registered));
        }
        self.findings.sort();
        Compared {
            findings: self.findings,
            registered: registered.len(),
            kept: self.kept,
            next: None,
        }
    }

    /// What a run came to that has to go on. Which accounts have no record can be told
    /// only at the end.
    pub fn part(mut self) -> Compared {
        self.findings.sort();
        Compared {
            findings: self.findings,
            registered: self.bookmark.registered.len(),
            kept: self.kept,
            next: Some(self.bookmark),
        }
    }
}

/// What is wrong with an account's instances, but for what its records told.
fn amiss(
    account: &AccountId,
    instances: &[Instance],
    registered: &BTreeSet<AccountId>,
) -> Vec<Finding> {
    let finding = |kind, instance: &Instance| Finding {
        kind,
        account: Some(account.clone()),
        record: None,
        detail: format!("{}, {}", instance.region, instance.state()),
    };
    let active: Vec<&Instance> = instances
        .iter()
        .filter(|instance| !instance.is_suspended())
        .collect();
    match active.first() {
        Some(first) if !registered.contains(account) => {
            vec![finding(Kind::AccountWithoutRecord, first)]
        }
        _ => active
            .into_iter()
            .filter(|instance| !instance.is_current())
            .map(|instance| finding(Kind::OutdatedInstance, instance))
            .collect(),
    }
}

/// Whether the stack can be one of these: CloudFormation names none before it is made.
fn may_be_of(instances: &[Instance], stack_id: &str) -> bool {
    instances
        .iter()
        .any(|instance| instance.stack_id.as_deref().is_none_or(|id| id == stack_id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::authomize::response;

    const HUB: &str = "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar";
    const MANAGEMENT: &str = "999999999999";

    fn hub() -> OwnHub {
        OwnHub {
            registrar: HUB.to_owned(),
            organization: "o-a1b2c3d4e5".to_owned(),
            management_account: MANAGEMENT.parse().ok(),
            stack_set: None,
        }
    }

    fn account(number: u8) -> String {
        format!("1111111111{number:02}")
    }

    fn stack(account: &str) -> String {
        format!("arn:aws:cloudformation:us-east-1:{account}:stack/member/a-b")
    }

    fn instance(number: u8) -> Instance {
        Instance {
            account: account(number).parse().unwrap(),
            region: "us-east-1".to_owned(),
            stack_id: Some(stack(&account(number))),
            status: "CURRENT".to_owned(),
            detail: "SUCCEEDED".to_owned(),
            reason: String::new(),
        }
    }

    fn app(account: &str) -> Value {
        json!({
            "id": format!("app_{account}"),
            "integrationName": format!("AWS {account}"),
            "status": "enabled",
            "config": {"source": {
                "stackId": stack(account), "logicalResourceId": "l", "hub": HUB,
            }},
        })
    }

    fn record(app: Value) -> Record {
        response::record(app, &[]).unwrap()
    }

    fn compared(instances: Vec<Instance>, apps: Vec<Value>) -> Compared {
        let hub = hub();
        let mut comparison = Comparison::new(&hub, instances, Bookmark::default());
        let records: Vec<Record> = apps.into_iter().map(record).collect();
        comparison.take(&records);
        comparison.complete()
    }

    /// Each finding as kind, last digit of the account, and whether it names a record.
    fn told(compared: &Compared) -> Vec<(Kind, String, bool)> {
        let findings = compared.findings.iter();
        findings
            .map(|finding| {
                let account = finding.account.as_ref().map(ToString::to_string);
                let account = account.unwrap_or_default();
                (finding.kind, account, finding.record.is_some())
            })
            .collect()
    }

    #[test]
    fn finds_nothing_where_every_account_has_its_record() {
        let same = compared(
            vec![instance(1), instance(2)],
            vec![app(&account(1)), app(&account(2))],
        );
        assert_eq!((same.findings, same.registered), (vec![], 2));
    }

    #[test]
    fn finds_what_is_on_one_side_only() {
        let found = compared(
            vec![instance(1), instance(2)],
            vec![app(&account(2)), app(&account(3))],
        );
        assert_eq!(
            told(&found),
            [
                (Kind::RecordWithoutAccount, account(3), true),
                (Kind::AccountWithoutRecord, account(1), false),
            ]
        );
        assert_eq!(found.registered, 1);
    }

    #[test]
    fn leaves_others_records_out() {
        let mut another_hub = app(&account(3));
        another_hub["config"]["source"]["hub"] = json!(HUB.replace("hub-", "other-"));
        let mut single = app(&account(4));
        single["config"]["source"]
            .as_object_mut()
            .unwrap()
            .remove("hub");
        let by_a_person = json!({"id": "app_5", "status": "enabled"});
        let found = compared(vec![], vec![another_hub, single, by_a_person]);
        assert_eq!(found.findings, []);
    }

    /// It is no member of the StackSet, for AWS leaves it out.
    #[test]
    fn knows_that_the_management_account_joins_by_hand() {
        let found = compared(vec![], vec![app(MANAGEMENT)]);
        assert_eq!((found.findings, found.registered), (vec![], 1));
    }

    #[test]
    fn counts_what_was_let_go_and_leaves_out_what_is_going() {
        let mut kept = app(&account(1));
        kept["config"]["source"]["released"] = json!(true);
        let mut going = app(&account(2));
        going["status"] = json!("deleted");
        let found = compared(vec![], vec![kept, going]);
        assert_eq!((found.findings, found.kept), (vec![], 1));
    }

    #[test]
    fn finds_what_the_vendor_does_not_work_with() {
        let mut failed = app(&account(1));
        failed["status"] = json!("failure");
        failed["lastError"] = json!("the role cannot be assumed");
        let mut off = app(&account(2));
        off["status"] = json!("disabled");
        let mut new = app(&account(3));
        new["status"] = json!("validating");
        let found = compared(
            vec![instance(1), instance(2), instance(3)],
            vec![failed, off, new],
        );
        let details: Vec<&str> = found.findings.iter().map(|f| f.detail.as_str()).collect();
        assert_eq!(details, ["failure: the role cannot be assumed", "disabled"]);
        assert!(
            found
                .findings
                .iter()
                .all(|f| f.kind == Kind::RecordNotEnabled)
        );
    }

    #[test]
    fn finds_instances_that_are_not_as_the_stack_set_says() {
        let mut outdated = instance(1);
        outdated.status = "OUTDATED".to_owned();
        outdated.detail = "FAILED".to_owned();
        outdated.reason = "no room".to_owned();
        let unregistered = Instance {
            account: account(2).parse().unwrap(),
            stack_id: None,
            ..outdated.clone()
        };
        let found = compared(vec![outdated, unregistered], vec![app(&account(1))]);
        assert_eq!(
            told(&found),
            [
                (Kind::AccountWithoutRecord, account(2), false),
                (Kind::OutdatedInstance, account(1), false),
            ]
        );
        assert_eq!(
            found.findings[1].detail,
            "us-east-1, OUTDATED, FAILED: no room"
        );
    }

    /// A closed account keeps its instance until somebody deletes that.
    #[test]
    fn counts_a_suspended_account_as_one_that_is_gone() {
        let mut suspended = instance(1);
        suspended.status = "OUTDATED".to_owned();
        suspended.detail = "SKIPPED_SUSPENDED_ACCOUNT".to_owned();
        let found = compared(vec![suspended.clone()], vec![app(&account(1))]);
        assert_eq!(
            told(&found),
            [(Kind::RecordWithoutAccount, account(1), true)]
        );
        assert_eq!(compared(vec![suspended], vec![]).findings, []);
    }

    /// Such a record keeps the account's name from the stack that it has now.
    #[test]
    fn finds_a_record_of_a_stack_that_the_account_has_no_more() {
        let mut before = app(&account(1));
        before["config"]["source"]["stackId"] = json!(stack(&account(1)).replace("a-b", "c-d"));
        let found = compared(vec![instance(1)], vec![before.clone()]);
        assert_eq!(
            told(&found),
            [
                (Kind::AccountWithoutRecord, account(1), false),
                (Kind::RecordOfAnotherStack, account(1), true),
            ]
        );
        let mut in_the_making = instance(1);
        in_the_making.stack_id = None;
        assert_eq!(compared(vec![in_the_making], vec![before]).findings, []);
    }

    #[test]
    fn takes_a_mark_that_names_no_stack_for_one_without_account() {
        let mut odd = app(&account(1));
        odd["config"]["source"]["stackId"] = json!("x");
        let found = compared(vec![], vec![odd]);
        assert_eq!(
            told(&found),
            [(Kind::RecordWithoutAccount, String::new(), true)]
        );
    }

    #[test]
    fn comes_to_the_same_in_parts() {
        let instances = || vec![instance(1), instance(2), instance(3)];
        let apps = [app(&account(4)), app(&account(1)), app(&account(2))];
        let whole = compared(instances(), apps.to_vec());
        let hub = hub();
        let (mut findings, mut from) = (Vec::new(), Bookmark::default());
        for (index, app) in apps.into_iter().enumerate() {
            let mut comparison = Comparison::new(&hub, instances(), from);
            assert_eq!(comparison.read(), index);
            comparison.take(&[record(app)]);
            let part = if index < 2 {
                comparison.part()
            } else {
                comparison.complete()
            };
            findings.extend(part.findings);
            from = part.next.unwrap_or_default().to_string().parse().unwrap();
            assert_eq!(from == Bookmark::default(), index == 2);
        }
        findings.sort();
        assert_eq!(findings, whole.findings);
    }

    #[test]
    fn knows_a_server_that_keeps_no_marks() {
        let hub = hub();
        let is_blind = |apps: Vec<Value>| {
            let mut comparison = Comparison::new(&hub, vec![], Bookmark::default());
            let records: Vec<Record> = apps.into_iter().map(record).collect();
            comparison.take(&records);
            comparison.is_blind()
        };
        assert!(is_blind(vec![json!({"id": "app_1"})]));
        assert!(!is_blind(vec![]));
        assert!(!is_blind(vec![json!({"id": "app_1"}), app(&account(1))]));
    }
}
