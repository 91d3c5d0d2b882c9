//! The one StackSet that the engine models: a list of stacks, by the rehearsal's word.

use std::fs;
use std::io;

use serde_json::{Value, json};

use super::{Account, Engine};

/// The launcher reads the StackSet from this file of its folder.
const STACK_SET: &str = "stack_set.json";

/// One instance, as CloudFormation lists it.
#[derive(Clone, Debug)]
pub struct StackInstance {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The stack's id.
    pub stack_id: String,
    /// For example `CURRENT`.
    pub status: String,
    /// For example `SUCCEEDED`.
    pub detail: String,
    /// Why it is not current.
    pub reason: String,
}

impl StackInstance {
    /// The instance whose stack in `account` is as the StackSet says.
    #[must_use]
    pub fn current(account: &Account, stack_id: &str) -> Self {
        Self {
            account: account.id().to_string(),
            region: account.region().to_owned(),
            stack_id: stack_id.to_owned(),
            status: "CURRENT".to_owned(),
            detail: "SUCCEEDED".to_owned(),
            reason: String::new(),
        }
    }
}

impl Engine {
    /// From now on these are the instances of the StackSet `name`, and no others. It is
    /// listed to `owner` alone, asked for as `call_as`: `SELF` or `DELEGATED_ADMIN`.
    ///
    /// # Errors
    /// The engine's folder cannot be written.
    pub fn list_as_stack_set(
        &self,
        name: &str,
        owner: &Account,
        call_as: &str,
        instances: &[StackInstance],
    ) -> io::Result<()> {
        let instances: Vec<Value> = instances
            .iter()
            .map(|instance| {
                json!({
                    "Account": instance.account,
                    "Region": instance.region,
                    "StackId": instance.stack_id,
                    "Status": instance.status,
                    "StatusReason": instance.reason,
                    "DetailedStatus": instance.detail,
                })
            })
            .collect();
        let stack_set = json!({
            "Name": name,
            "Account": owner.id().as_str(),
            "CallAs": call_as,
            "Instances": instances,
        });
        // Renamed, so that nobody reads half of it.
        let new = self.folder().join("stack_set.new");
        fs::write(&new, stack_set.to_string())?;
        fs::rename(new, self.folder().join(STACK_SET))
    }
}
