//! What must hold when everything has come to rest.

use serde_json::{Value, json};

use crate::cloudformation::{OWNERS, REGIONS, role_arn};
use crate::log::Line;
use crate::schedule::Properties;
use crate::violation::{Promise, Unknowable};
use crate::world::{EXTERNAL_ID, LOGICAL_ID, State};

/// Requests to the vendor in a life of a creation, an update and a deletion in which no
/// outcome is unknown.
const FEW: usize = 40;

/// What each creation or update adds where there are more of them: it may wait for the
/// validation as long as it has time.
const FEW_MORE: usize = 16;

impl State {
    /// [`Promise::TheVendorHasTheLastSuccess`], while the stack stands.
    pub fn check_at_rest(&mut self, stack: usize) {
        let is_known = self.stacks[stack].meddled_at.is_none() && self.unknowable.is_empty();
        let Some(wanted) = self.stacks[stack].wanted.clone().filter(|_| is_known) else {
            return;
        };
        self.coverage
            .branch("checks", "the vendor has the last success");
        let of = &self.stacks[stack];
        let mine = self.ledger.of(stack).map(|(id, _)| id.clone());
        let ids: Vec<String> = mine.filter(|id| !of.was_left_by_the_admin(id)).collect();
        let apps = self.apps();
        let app = match &ids[..] {
            [id] => apps.iter().find(|app| app.id == *id),
            _ => None,
        };
        let problem = match app {
            None => Some(format!("stack {stack} has {} records", ids.len())),
            Some(app) => self
                .difference(stack, &wanted, &app.integration_name, app.config.as_ref())
                .map(|name| format!("{} of stack {stack} differs in {name}", app.id)),
        };
        let Some(problem) = problem else {
            return;
        };
        if self.stacks[stack].taken_back_at_once {
            self.nobody_can_know(Unknowable::TakenBackInTheSameSecond, problem);
        } else if self.stacks[stack].written_over_late {
            self.nobody_can_know(Unknowable::SlowerThanALaterRequest, problem);
        } else if let Some(why) = self.nobody_told_of(stack) {
            self.nobody_can_know(why, problem);
        } else {
            self.violated(Promise::TheVendorHasTheLastSuccess, problem);
        }
    }

    /// The first member that is not as it should be.
    fn difference(
        &self,
        stack: usize,
        wanted: &Properties,
        name: &str,
        config: Option<&Value>,
    ) -> Option<&'static str> {
        let account = self.stacks[stack].account;
        let wanted_name = if wanted.name.is_empty() {
            format!("AWS {account}")
        } else {
            wanted.name.to_owned()
        };
        if name != wanted_name {
            return Some("integrationName");
        }
        if self.history.vendor.published_only {
            return None;
        }
        let regions: Vec<&str> = REGIONS[usize::from(wanted.regions)]
            .iter()
            .copied()
            .filter(|region| !region.is_empty())
            .collect();
        let owner = match OWNERS[usize::from(wanted.owner)] {
            "" => Value::Null,
            owner => json!(owner),
        };
        let manager = match wanted.identity_center {
            true => json!(account),
            false => Value::Null,
        };
        let config = config.unwrap_or(&Value::Null);
        [
            ("accountIds", json!([account])),
            ("regions", json!(regions)),
            ("ownerEmail", owner),
            ("includeIdentityCenter", json!(wanted.identity_center)),
            ("managementAccountId", manager),
            ("roleArn", json!(role_arn(account))),
            ("externalId", json!(EXTERNAL_ID)),
        ]
        .into_iter()
        .find(|(name, value)| config[*name] != *value)
        .map(|(name, _)| name)
        .or_else(|| {
            let source = &config["source"];
            let is_ours = source["stackId"] == self.stacks[stack].id.as_str()
                && source["logicalResourceId"] == LOGICAL_ID;
            (!is_ours).then_some("source")
        })
    }

    /// A Delete succeeded: what is there nevertheless is counted.
    pub fn was_deleted(&mut self, stack: usize) {
        let count = self.ledger.of(stack).count();
        self.coverage
            .branch("records when a deletion succeeds", count.to_string());
    }

    /// Everything that must hold at the end.
    pub fn check_the_end(&mut self, log: &[Line]) {
        if self.under_way > 0 {
            let how = format!("{} things are still under way", self.under_way);
            self.violated(Promise::EverythingComesToRest, how);
        }
        for stack in 0..self.stacks.len() {
            if !self.stacks[stack].gone {
                let how = format!("stack {stack} is not at its end");
                self.violated(Promise::EverythingComesToRest, how);
            }
            self.check_what_is_left(stack, log);
            self.check_few_requests(stack);
        }
    }

    /// [`Promise::NothingIsLeftUnsaid`].
    fn check_what_is_left(&mut self, stack: usize, log: &[Line]) {
        let left: Vec<_> = self
            .ledger
            .of(stack)
            .map(|(id, entry)| (id.clone(), entry.clone()))
            .collect();
        for (id, entry) in left {
            let of = &self.stacks[stack];
            let names_it = |text: &str| text.contains(&id) || text.contains(&entry.name);
            let mut reasons = of.told.iter();
            let in_a_reason = reasons.any(|reason| reason.names(&id, &entry.name));
            let in_a_line = log
                .iter()
                .any(|line| line.warns() && line.is_of(self, stack) && names_it(&line.text));
            let how = if of.retained {
                "left: the admin retained the resource"
            } else if of.keeps && self.history.vendor.published_only {
                "left: kept, at a server that cannot mark it"
            } else if of.keeps && entry.marked_again {
                "left: kept, and its mark written over by what was slower"
            } else if in_a_reason {
                "left: named in a reason"
            } else if in_a_line {
                "left: named in a log line"
            } else if of.deletion_unanswered {
                "left: CloudFormation said that the deletion was not answered"
            } else {
                self.left_unsaid(stack, &id, &entry);
                continue;
            };
            self.coverage.branch("records at the end", how);
        }
    }

    fn left_unsaid(&mut self, stack: usize, id: &str, entry: &crate::ledger::Entry) {
        if entry.unknowable {
            // Counted when it came about.
            return;
        }
        let how = format!("{id}, \"{}\", of stack {stack} is left", entry.name);
        let last_look = self.stacks[stack].last_look;
        if !entry.seen && self.history.vendor.published_only {
            self.nobody_can_know(Unknowable::UnseenWithoutMarker, how);
        } else if !entry.seen && entry.made > last_look {
            self.nobody_can_know(Unknowable::AfterTheLastLook, how);
        } else if self.nobody_told(stack, entry.made) {
            self.nobody_can_know(Unknowable::NobodyToldTheCreate, how);
        } else {
            self.violated(Promise::NothingIsLeftUnsaid, how);
        }
    }

    /// Whether the record of this moment was made for a request that CloudFormation
    /// had given up, by a run that it told nothing since.
    fn nobody_told(&self, stack: usize, made: u64) -> bool {
        self.stacks[stack].requests.iter().any(|request| {
            if request.given_up.is_none_or(|given_up| made < given_up) {
                return false;
            }
            let mut runs = request
                .runs
                .iter()
                .filter(|run| run.from <= made && run.until.is_none_or(|until| made <= until));
            runs.any(|run| run.was_not_told)
        })
    }

    /// Why a request was carried out though CloudFormation no longer waited for it. Of an
    /// Update and a Create it is the Update, whose variant comes first.
    fn nobody_told_of(&self, stack: usize) -> Option<Unknowable> {
        let requests = self.stacks[stack].requests.iter();
        requests
            .flat_map(|it| it.runs.iter().filter_map(|run| it.was_not_told(run)))
            .min()
    }

    /// [`Promise::FewRequests`].
    fn check_few_requests(&mut self, stack: usize) {
        let of = &self.stacks[stack];
        let requests = of.vendor_requests;
        if of.had_fault || of.was_meddled {
            return;
        }
        let is_long = |kind: &str| kind != "Delete";
        let long = of.requests.iter().filter(|it| is_long(it.kind)).count();
        let many = FEW + FEW_MORE * long.saturating_sub(2);
        let bucket = format!("{:>2} to {:>2}", requests / 5 * 5, requests / 5 * 5 + 4);
        self.coverage
            .branch("requests to the vendor in a life without faults", bucket);
        if requests > many {
            let how = format!("stack {stack} sent {requests} requests to the vendor");
            self.violated(Promise::FewRequests, how);
        }
    }
}
