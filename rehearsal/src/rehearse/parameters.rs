//! The stack's parameters at each step, and what the vendor must make of
//! them.

use serde_json::{Value, json};

use crate::engine::StackSpec;

use super::world::{STACK, World};

/// What an admin set when creating or updating the stack.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    /// The integration's name; the template's own when empty.
    pub(super) name: &'static str,
    /// The owner's e-mail address, may be empty.
    pub(super) owner: &'static str,
    /// The regions; all when empty.
    pub(super) regions: &'static [&'static str],
    /// Whether Identity Center is included.
    pub(super) identity_center: bool,
}

impl Choice {
    /// The stack that this choice makes of `template`.
    pub(super) fn stack(&self, world: &World, template: &str) -> StackSpec {
        let regions = self.regions.join(",");
        let parameters = [
            ("ExternalID", world.external_id()),
            ("AuthomizeApiToken", world.token()),
            ("IntegrationName", self.name),
            ("OwnerEmail", self.owner),
            ("Regions", &regions),
            (
                "IncludeAWSIdentityCenter",
                if self.identity_center {
                    "true"
                } else {
                    "false"
                },
            ),
        ];
        StackSpec {
            name: STACK.to_owned(),
            template: template.to_owned(),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            disable_rollback: false,
        }
    }

    /// The name that the vendor's record must have in `account`.
    pub(super) fn record_name(&self, account: &str) -> String {
        if self.name.is_empty() {
            format!("AWS {account}")
        } else {
            self.name.to_owned()
        }
    }

    /// The configuration that the vendor's record must have.
    pub(super) fn record_config(&self, account: &str, role_arn: &str) -> Value {
        let mut config = json!({
            "accountIds": [account],
            "regions": self.regions,
            "roleArn": role_arn,
            "includeIdentityCenter": self.identity_center,
        });
        if self.identity_center {
            config["managementAccountId"] = json!(account);
        }
        if !self.owner.is_empty() {
            config["ownerEmail"] = json!(self.owner);
        }
        config
    }

    /// The apps that the vendor must have connected.
    pub(super) fn connected_apps(&self) -> &'static [&'static str] {
        if self.identity_center {
            &["AWS", "AWS SSO"]
        } else {
            &["AWS"]
        }
    }
}
