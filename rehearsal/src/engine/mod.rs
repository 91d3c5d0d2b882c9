//! The cloud of the rehearsal: a real CloudFormation engine on loopback.
//!
//! MiniStack deploys templates,
//! runs functions as processes and enforces IAM policies. This module fetches
//! it once, starts it through `rehearsal/python/launcher.py`,
//! which closes the gaps between it and AWS, and speaks to it with the AWS
//! SDK, one [`Account`] at a time.
//!
//! It knows no template and no vendor's API. What the vendor does in AWS, to
//! assume a role, is in [`vendor`].

mod account;
mod artifact;
mod delivery;
mod error;
mod function;
mod organization;
mod process;
mod stack;
mod stack_operation;
mod stack_set;
pub mod vendor;

pub use account::{Account, AccountId12, MalformedAccountId};
pub use artifact::{Artifact, ArtifactError};
pub use error::EngineError;
pub use function::InvokeError;
pub use process::{ClosedGap, Engine, EngineOptions};
pub use stack::{LeftResource, StackError, StackSpec};
pub use stack_operation::{StackEvent, StackOperation, StackOutcome};
pub use stack_set::StackInstance;
