//! Whether a record may be removed that an admin names: plain decisions.
//!
//! The list is a person's, and may be old or mistyped. So each record is looked at
//! again: it bears this hub's mark, and its account has left the StackSet.

use super::settings::OwnHub;
use super::stack_set::Instance;
use crate::account_id::AccountId;
use crate::authomize::{Marking, Record, Status};
use crate::stack_id::StackId;

/// Why a record is left alone, to read on after "left alone:".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept(pub String);

/// What a record says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Candidate {
    /// It is gone already.
    Gone,
    /// It is this hub's, for this account.
    OfAccount(AccountId),
}

/// Whether the record is one of those that this hub registered for a member and has
/// not let go.
///
/// # Errors
/// Why it is not.
pub fn candidate(record: Option<&Record>, hub: &OwnHub) -> Result<Candidate, Kept> {
    let kept = |why: &str| Err(Kept(why.to_owned()));
    let Some(record) = record.filter(|record| record.status != Status::Deleted) else {
        return Ok(Candidate::Gone);
    };
    let marker = match &record.marking {
        Marking::NotKept => return kept("Authomize does not say who made it"),
        Marking::Absent => return kept("no stack made it"),
        Marking::Marked(marker) => marker,
    };
    if marker.hub.as_deref() != Some(hub.registrar.as_str()) {
        return kept("this hub did not register it");
    }
    if marker.released {
        return kept("its stack wanted it kept (OnDelete=Keep)");
    }
    let stack: Result<StackId, _> = marker.stack_id.parse();
    match stack {
        Err(_) => kept("its mark names no stack"),
        Ok(stack) if hub.management_account.as_ref() == Some(stack.account()) => {
            kept("it is the management account's, which is in no StackSet")
        }
        Ok(stack) => Ok(Candidate::OfAccount(stack.account().clone())),
    }
}

/// Whether an account has left the StackSet, by its instances.
///
/// # Errors
/// How its instance is, and for a suspended account how it goes.
pub fn has_left(instances: &[Instance]) -> Result<(), Kept> {
    match instances.first() {
        None => Ok(()),
        Some(instance) if instance.is_suspended() => Err(Kept(format!(
            "its account is suspended and still has an instance in {}: delete that with --retain-stacks first",
            instance.region
        ))),
        Some(instance) => Err(Kept(format!(
            "its account still has an instance in {} ({})",
            instance.region,
            instance.state()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::authomize::response;

    const HUB: &str = "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar";

    fn hub() -> OwnHub {
        OwnHub {
            registrar: HUB.to_owned(),
            organization: "o-a1b2c3d4e5".to_owned(),
            management_account: "999999999999".parse().ok(),
            stack_set: None,
        }
    }

    fn of(source: &Value) -> Result<Candidate, Kept> {
        let app = json!({"id": "app_1", "status": "enabled", "config": {"source": source}});
        let record = response::record(app, &[]).unwrap();
        candidate(Some(&record), &hub())
    }

    fn source(account: &str, hub: &str) -> Value {
        json!({
            "stackId": format!("arn:aws:cloudformation:us-east-1:{account}:stack/member/a-b"),
            "logicalResourceId": "l",
            "hub": hub,
        })
    }

    #[test]
    fn takes_this_hubs_records_alone() {
        let ours = of(&source("210987654321", HUB));
        let account = "210987654321".parse().unwrap();
        assert_eq!(ours, Ok(Candidate::OfAccount(account)));
        let mut released = source("210987654321", HUB);
        released["released"] = json!(true);
        let mut odd = source("210987654321", HUB);
        odd["stackId"] = json!("x");
        for (source, why) in [
            (source("210987654321", "arn:other"), "did not register it"),
            (source("999999999999", HUB), "the management account's"),
            (released, "wanted it kept"),
            (odd, "names no stack"),
            (json!(null), "no stack made it"),
        ] {
            let Kept(told) = of(&source).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        let published = response::record(json!({"id": "app_1"}), &[]).unwrap();
        let Kept(told) = candidate(Some(&published), &hub()).unwrap_err();
        assert!(told.contains("does not say who made it"), "{told}");
    }

    #[test]
    fn knows_what_is_gone_or_going() {
        assert_eq!(candidate(None, &hub()), Ok(Candidate::Gone));
        let app = json!({"id": "app_1", "status": "deleted"});
        let going = response::record(app, &[]).unwrap();
        assert_eq!(candidate(Some(&going), &hub()), Ok(Candidate::Gone));
    }

    #[test]
    fn keeps_the_record_of_an_account_that_is_in_the_stack_set() {
        let mut instance = Instance {
            account: "210987654321".parse().unwrap(),
            region: "us-east-1".to_owned(),
            stack_id: None,
            status: "CURRENT".to_owned(),
            detail: "SUCCEEDED".to_owned(),
            reason: String::new(),
        };
        assert_eq!(has_left(&[]), Ok(()));
        let Kept(told) = has_left(std::slice::from_ref(&instance)).unwrap_err();
        assert_eq!(
            told,
            "its account still has an instance in us-east-1 (CURRENT, SUCCEEDED)"
        );
        instance.detail = "SKIPPED_SUSPENDED_ACCOUNT".to_owned();
        let Kept(told) = has_left(&[instance]).unwrap_err();
        assert!(told.contains("--retain-stacks"), "{told}");
    }
}
