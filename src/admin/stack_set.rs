//! The StackSet that members come from, as CloudFormation lists it.

use crate::account_id::AccountId;

/// As whom a StackSet is asked about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CallAs {
    /// As the account that has it: `SELF`.
    #[default]
    Owner,
    /// As a delegated administrator of the organization: `DELEGATED_ADMIN`.
    DelegatedAdmin,
}

impl CallAs {
    /// Reads CloudFormation's word; anything but the one is `SELF`, which is the
    /// default there, too.
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some("DELEGATED_ADMIN") => Self::DelegatedAdmin,
            _ => Self::Owner,
        }
    }

    /// CloudFormation's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "SELF",
            Self::DelegatedAdmin => "DELEGATED_ADMIN",
        }
    }
}

/// One instance: a stack of the StackSet in an account and a region.
///
/// Words of CloudFormation: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackInstanceSummary.html>.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The account that it is in.
    pub account: AccountId,
    /// The region that it is in.
    pub region: String,
    /// Its stack; none before that is made.
    pub stack_id: Option<String>,
    /// For example `CURRENT`.
    pub status: String,
    /// For example `SKIPPED_SUSPENDED_ACCOUNT`; empty where CloudFormation says none.
    pub detail: String,
    /// Why it is not current, fit to be shown.
    pub reason: String,
}

impl Instance {
    /// Whether its stack is as the StackSet says.
    pub fn is_current(&self) -> bool {
        self.status == "CURRENT"
    }

    /// Whether CloudFormation leaves it out because its account is suspended, as a
    /// closed one is.
    pub fn is_suspended(&self) -> bool {
        self.detail == "SKIPPED_SUSPENDED_ACCOUNT"
    }

    /// How it is, for a person.
    pub fn state(&self) -> String {
        let words = [&self.status, &self.detail].into_iter();
        let words: Vec<&str> = words
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        let state = words.join(", ");
        if self.reason.is_empty() {
            state
        } else {
            format!("{state}: {}", self.reason)
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct InstancePage {
    /// Its instances.
    pub instances: Vec<Instance>,
    /// How to ask for the next page, if there is one.
    pub next: Option<String>,
}
