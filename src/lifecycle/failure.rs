//! Why a request ends in FAILED, and what is still to be undone.

use thiserror::Error;

use super::ownership::Unadoptable;
use super::undo::Undo;
use crate::authomize::ApiError;
use crate::aws::AwsError;
use crate::envelope::EnvelopeError;
use crate::physical_id::PhysicalId;
use crate::properties::PropertyError;
use crate::record_id::RecordId;
use crate::text::sentences;
use crate::token::TokenError;

/// A request that ends in FAILED.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub cause: Box<Cause>,
    /// The id to answer with.
    pub id: PhysicalId,
    /// What goes on after the answer.
    pub unfinished: Option<Box<Undo>>,
}

/// Why, by what the admin can do about it.
#[derive(Debug, Error)]
pub enum Cause {
    /// The event is no request.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A parameter cannot be used.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// The request is about another stack.
    #[error(
        "this function serves its own stack only, and the request names another one in `StackId`"
    )]
    AnotherStack,
    /// A member elsewhere than its hub.
    #[error(
        "this hub serves stacks of its own region and partition only, and the request names another one in `StackId`"
    )]
    FarFromTheHub,
    /// A member's request that CloudFormation has given up by now.
    #[error(
        "this request was sent more than 20 minutes ago, so CloudFormation no longer waits for it and nothing was changed"
    )]
    TooOld,
    /// The stack has a registration by another function.
    #[error(
        "this stack has registered its account through another function already, its own or a hub's"
    )]
    Switched,
    /// CloudFormation is not waiting for this request.
    #[error(
        "CloudFormation says that this stack is not waiting for this request, so nothing was changed"
    )]
    AtRest,
    /// CloudFormation gave up on the resource meanwhile.
    #[error("the stack was cancelled meanwhile{}", if *.undone { ", so the registration was undone" } else { "" })]
    Cancelled {
        /// Whether anything that was made is gone again.
        undone: bool,
    },
    /// The function's environment names no secret.
    #[error("the function's variable API_TOKEN_SECRET_ARN names no secret")]
    NoSecret,
    /// The secret cannot be read.
    #[error("the secret {arn} cannot be read: {source}")]
    Secret {
        /// Which one.
        arn: String,
        /// Why.
        source: AwsError,
    },
    /// The secret was read and is of no use.
    #[error("the secret {arn} cannot be used: {problem}")]
    Token {
        /// Which one.
        arn: String,
        /// Why.
        problem: UnusableToken,
    },
    /// The token may not be sent there.
    #[error(
        "AuthomizeApiUrl is {given}, a host that neither belongs to Authomize nor is named by the secret"
    )]
    ForeignHost {
        /// The parameter's value.
        given: String,
    },
    /// The registration is known at another host.
    #[error("record {record} was registered at another host than {host}, which does not have it")]
    AnotherHost {
        /// The record.
        record: String,
        /// The host asked for now.
        host: String,
    },
    /// The vendor could not be asked, or refused.
    #[error("{doing}: {source}")]
    Api {
        /// What came to nothing, to read on with why.
        doing: &'static str,
        /// Why not.
        source: ApiError,
    },
    /// What an earlier try registered is there, and is not as it is to be.
    #[error(
        "record {record}, which this stack has at Authomize, could not be brought up to date: {source}"
    )]
    NotUpToDate {
        /// The record.
        record: RecordId,
        /// Why not.
        source: ApiError,
    },
    /// Somebody else's integration has the name.
    #[error("an integration named \"{name}\" exists already at Authomize, {owner}")]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is, to read on.
        owner: String,
    },
    /// Records that cannot be told apart.
    #[error("it cannot be told which record named \"{name}\" at Authomize is this stack's, if any")]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// The record bears another stack's marker.
    #[error("record {record} at Authomize belongs to {owner} now")]
    AnothersRecord {
        /// The record.
        record: String,
        /// Whose it is.
        owner: String,
    },
    /// The record that a parameter names is not this stack's to have.
    #[error("record {record} at Authomize cannot be taken over: {why}")]
    NotAdopted {
        /// The record.
        record: RecordId,
        /// Why not.
        why: Unadoptable,
    },
    /// A stack with a record is to take over another one.
    #[error("AdoptIntegrationId names record {named}, and this stack has {} at Authomize", own(.has.as_ref()))]
    HasARecord {
        /// The record that it has.
        has: Option<RecordId>,
        /// The record that it is to take over.
        named: RecordId,
    },
    /// The vendor's validation failed.
    #[error("Authomize could not validate the role: \"{last_error}\"")]
    Validation {
        /// The vendor's words.
        last_error: String,
    },
    /// A Delete that the vendor did not carry out.
    #[error("{what} could not be deregistered: {}", .source.without_doing())]
    NotDeregistered {
        /// What is left, with its record id where it is known.
        what: String,
        /// Why.
        source: Box<Cause>,
    },
}

/// Why a secret's value is no token.
#[derive(Clone, Copy, Debug, Error)]
pub enum UnusableToken {
    /// A text in no accepted form.
    #[error(transparent)]
    Text(#[from] TokenError),
    /// No text.
    #[error("it is binary")]
    Binary,
}

impl Cause {
    /// Why alone, where it is clear what was tried.
    fn without_doing(&self) -> String {
        match self {
            Self::Api { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether it keeps the record from being seen, and says nothing of the record.
    pub(super) fn hides_the_record(&self) -> bool {
        matches!(
            self,
            Self::NoSecret
                | Self::Secret { .. }
                | Self::Token { .. }
                | Self::ForeignHost { .. }
                | Self::AnotherHost { .. }
                | Self::Api { .. }
        )
    }

    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Envelope(_) => "Envelope",
            Self::Property(_) => "Property",
            Self::AnotherStack => "AnotherStack",
            Self::FarFromTheHub => "FarFromTheHub",
            Self::TooOld => "TooOld",
            Self::Switched => "Switched",
            Self::AtRest => "AtRest",
            Self::Cancelled { .. } => "Cancelled",
            Self::NoSecret | Self::Secret { .. } => "Secret",
            Self::Token { .. } => "Token",
            Self::ForeignHost { .. } => "ForeignHost",
            Self::AnotherHost { .. } => "AnotherHost",
            Self::Api { source, .. } | Self::NotUpToDate { source, .. } => source.name(),
            Self::NameTaken { .. } => "NameTaken",
            Self::Ambiguous { .. } => "Ambiguous",
            Self::AnothersRecord { .. } => "AnothersRecord",
            Self::NotAdopted { .. } => "NotAdopted",
            Self::HasARecord { .. } => "HasARecord",
            Self::Validation { .. } => "Validation",
            Self::NotDeregistered { source, .. } => source.name(),
        }
    }

    /// What the admin can do about it: whole sentences.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Envelope(EnvelopeError::UnknownResponseUrl) => {
                "Use the newest version of the template."
            }
            Self::Envelope(_) | Self::AnotherStack => {
                "Only CloudFormation sends usable requests, from the stack that made the function."
            }
            Self::FarFromTheHub => {
                "A StackSet goes to one region, the hub's: IAM names are global, so one stack serves the whole account."
            }
            Self::TooOld => "Update the stack with another value of Refresh.",
            Self::Switched => {
                "A stack does not change in place between its own function and a hub's. Set OnDelete to Keep, delete the stack, then create it anew: the new one takes the record over."
            }
            Self::Property(_) => "Correct the parameter, then try again.",
            Self::AtRest => "To have the registration checked, change the parameter Refresh.",
            Self::Cancelled { .. } => "Look at the stack's first failed event.",
            Self::NoSecret => {
                "The template sets it. On a laptop give the function the environment that `cargo rehearse serve` writes: see docs/local-testing.md."
            }
            Self::Secret {
                source: AwsError::Denied { .. },
                ..
            } => {
                "Allow this function's role secretsmanager:GetSecretValue: look at its permissions boundary, at the policies of the organization and at the secret's own. A secret of another account must allow it in its policy. A key of the secret's own must be named in AuthomizeApiTokenKmsKeyArn, and allow kms:Decrypt if it is another account's."
            }
            Self::Secret {
                source: AwsError::NotFound { .. },
                ..
            } => {
                "Set AuthomizeApiTokenSecretArn to the full ARN of an existing secret. If this one was the stack's own, leave AuthomizeApiToken empty then."
            }
            Self::Secret {
                source: AwsError::Refused { .. },
                ..
            } => {
                "Check that the secret is not being deleted and that its key is enabled, then try again."
            }
            Self::Secret { .. } => "Try again in a few minutes.",
            Self::Token { .. } => {
                "Accepted are the bare token, or JSON such as {\"token\": \"...\", \"url\": \"https://...\"}, where url may be left out."
            }
            Self::ForeignHost { .. } => {
                "Use the address that Authomize gave you, or put it as `url` into the secret beside `token`."
            }
            Self::AnotherHost { .. } => {
                "Set AuthomizeApiUrl, or `url` in the secret, back. To move to another tenant, delete the stack and create it anew."
            }
            Self::NotUpToDate {
                source: ApiError::Conflict,
                ..
            } => {
                "Delete or rename the other integration of this name at Authomize, or choose another IntegrationName, then try again."
            }
            Self::Api { source, .. } | Self::NotUpToDate { source, .. } => source.remedy(),
            Self::NameTaken { .. } => {
                "Choose another IntegrationName, or delete that integration at Authomize first."
            }
            Self::Ambiguous { .. } => {
                "Delete the records of this name that you do not need at Authomize, then try again."
            }
            Self::AnothersRecord { .. } => {
                "Delete this stack: the record stays, and the other stack goes on with it."
            }
            Self::NotAdopted { why, .. } => why.remedy(),
            Self::HasARecord { .. } => {
                "Set AdoptIntegrationId back. To take that record over, delete this stack, with OnDelete=Keep if its own is to stay, and create it anew."
            }
            Self::Validation { .. } => {
                "Check ExternalID, that the trust policy and the policies of the role are as the template has them (the stack's drift tells), and that no permissions boundary and no policy of the organization stands in the way of Authomize, then try again."
            }
            Self::NotDeregistered { .. } => {
                "Remove it at Authomize by hand, then delete the stack again and retain this resource. OnDeregistrationFailure=Ignore, set before a deletion, lets the stack go all the same."
            }
        }
    }

    /// The admin's sentences: what failed, and what to do.
    pub fn reason(&self) -> String {
        sentences(&self.to_string(), self.remedy())
    }
}

/// What a stack has, to read on.
fn own(has: Option<&RecordId>) -> String {
    match has {
        Some(record) => format!("record {record}"),
        None => "a record of its own".to_owned(),
    }
}

impl Unadoptable {
    /// What the admin can do about it, as a sentence.
    fn remedy(&self) -> &'static str {
        match self {
            Self::Missing => {
                "Give the id of an integration that Authomize shows, or leave AdoptIntegrationId empty to have one made."
            }
            Self::Untold => {
                "Leave AdoptIntegrationId empty, give an IntegrationName that is free, and delete the other integration at Authomize when the new one works."
            }
            Self::AnothersAccount(_) | Self::NotThisAccount => {
                "Give the id of this account's integration. One of several accounts needs the others in AdditionalAccountIds."
            }
            Self::AnothersRecord(_) => {
                "Delete that stack with OnDelete=Keep first, or leave AdoptIntegrationId empty."
            }
        }
    }
}

#[cfg(test)]
mod tests;
