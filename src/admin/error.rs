//! Why an action comes to nothing, by what the admin can do about it.

use lambda_runtime::Diagnostic;
use thiserror::Error;

use super::action::ActionError;
use crate::authomize::ApiError;
use crate::aws::AwsError;
use crate::lifecycle::Cause;
use crate::text::sentences;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The event is no action.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The stack is no hub, so there is nothing to compare.
    #[error("this stack is no hub, so it has no members to look after")]
    NotAHub,
    /// The hub was told of no StackSet.
    #[error("this hub was told of no StackSet to compare with")]
    NoStackSet,
    /// CloudFormation does not list the StackSet.
    #[error("the instances of StackSet {name}, asked for as {call_as}, cannot be listed: {source}")]
    StackSet {
        /// Its name.
        name: String,
        /// As whom it was asked for.
        call_as: &'static str,
        /// Why.
        source: AwsError,
    },
    /// The server keeps no marks.
    #[error("Authomize keeps no mark of who made a record, so nothing can be compared")]
    NoMarks,
    /// The token, its secret or the API's address.
    #[error(transparent)]
    Cause(#[from] Box<Cause>),
    /// The vendor could not be asked, or refused.
    #[error("the records at Authomize cannot be listed: {0}")]
    Records(#[source] ApiError),
}

impl AdminError {
    /// What the admin can do about it: whole sentences.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Action(ActionError::CustomResource) => "Nothing was done.",
            Self::Action(_) => "Correct the event, then invoke the function again.",
            Self::NotAHub => {
                "Use `check`, the one action of a single stack, or ask the admin function of the hub."
            }
            Self::NoStackSet => "Set the hub's parameter StackSetName.",
            Self::StackSet {
                source: AwsError::Unavailable(_),
                ..
            } => "Try again in a few minutes.",
            Self::StackSet { .. } => {
                "Check StackSetName, and set StackSetCallAs to DELEGATED_ADMIN in the account of a delegated administrator and to SELF in every other. The hub has to be in the region in which the StackSet was made."
            }
            Self::NoMarks => "Look at Authomize's own list of integrations.",
            Self::Cause(cause) => cause.remedy(),
            Self::Records(source) => source.remedy(),
        }
    }

    /// The admin's sentences: what failed, and what to do.
    pub fn reason(&self) -> String {
        sentences(&self.to_string(), self.remedy())
    }
}

impl From<Cause> for AdminError {
    fn from(cause: Cause) -> Self {
        Self::Cause(Box::new(cause))
    }
}

impl From<AdminError> for Diagnostic {
    fn from(error: AdminError) -> Self {
        Self {
            error_type: "NotDone".to_owned(),
            error_message: error.reason(),
        }
    }
}
