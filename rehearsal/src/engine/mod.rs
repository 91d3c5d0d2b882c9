//! The cloud of the rehearsal: a real CloudFormation engine on loopback.
//!
//! MiniStack deploys templates,
//! runs functions as processes and enforces IAM policies. This module fetches
//! it once, starts it through `rehearsal/python/launcher.py`,
//! which closes the gaps between it and AWS, and speaks to it, one [`Account`] at a
//! time: to CloudFormation and Secrets Manager with the AWS SDK.
//!
//! It knows no template and no vendor's API. What the vendor does in AWS, to
//! assume a role, is in [`vendor`].

mod account;
mod api;
mod artifact;
mod delivery;
mod error;
mod exchange;
mod function;
mod organization;
mod process;
mod stack;
mod stack_operation;
mod stack_set;
pub mod vendor;

pub use account::{Account, AccountId12, MalformedAccountId};
pub use api::{Answer, ApiError, LogGroup, Logs, Query};
pub use artifact::{Artifact, ArtifactError};
pub use error::EngineError;
pub use exchange::ExchangeError;
pub use function::InvokeError;
pub use process::{ClosedGap, Engine, EngineOptions};
pub use stack::{LeftResource, StackError, StackSpec};
pub use stack_operation::{StackEvent, StackOperation, StackOutcome};
pub use stack_set::StackInstance;
