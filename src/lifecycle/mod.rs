//! What a request comes to: decided by plain functions, carried out here.
//!
//! `create`, `update` and `delete` tell the three stories. `register` and `adopt` get a
//! resource its record, `amendment` brings it up to date, `settle` waits for its
//! validation, and `undo` takes it back. `ownership` decides whose a record is, `watch`
//! asks whether the stack still waits. `session` is what they all need, `failure` says
//! why a story ended badly, and `afterwards` follows the answer.

mod adopt;
mod afterwards;
mod amendment;
mod create;
mod delete;
mod failure;
pub mod ownership;
mod register;
mod session;
mod settle;
mod undo;
mod update;
mod watch;

pub use afterwards::{Proof, StillThere, after_the_answer};
pub use failure::{Cause, Failure};
pub use session::{SERVICE_TIMEOUT, Session, api_address, read_token};
pub use undo::Undo;

use crate::answer::{Answer, Attributes, NOT_REPORTED, Outcome};
use crate::authomize::Record;
use crate::envelope::Request;
use crate::physical_id::PhysicalId;

/// What a request came to.
#[derive(Debug)]
pub struct Conclusion {
    /// The answer.
    pub answer: Answer,
    /// Why, if it is FAILED.
    pub failure: Option<Box<Cause>>,
    /// What goes on after the answer.
    pub unfinished: Option<Box<Undo>>,
}

/// A request that ends in SUCCESS.
#[derive(Debug)]
struct Success {
    id: PhysicalId,
    attributes: Attributes,
}

/// Carries a request out.
pub async fn carry_out(session: &Session, request: &Request) -> Conclusion {
    let outcome = match request {
        Request::Create { properties } => create::create(session, properties).await,
        Request::Update {
            properties,
            old_properties,
        } => update::update(session, properties, old_properties).await,
        Request::Delete { properties } => delete::delete(session, properties).await,
    };
    match outcome {
        Ok(success) => Conclusion {
            answer: Answer {
                physical_id: success.id,
                outcome: Outcome::Success(success.attributes),
            },
            failure: None,
            unfinished: None,
        },
        Err(failure) => Conclusion::from(failure),
    }
}

impl From<Failure> for Conclusion {
    fn from(failure: Failure) -> Self {
        Self {
            answer: Answer {
                physical_id: failure.id,
                outcome: Outcome::Failed(failure.cause.reason()),
            },
            failure: Some(failure.cause),
            unfinished: failure.unfinished,
        }
    }
}

/// The attributes of a record, always the same set.
pub fn attributes(record: &Record) -> Attributes {
    Attributes {
        integration_id: record.id.to_string(),
        integration_name: record
            .shown_name
            .clone()
            .unwrap_or_else(|| NOT_REPORTED.to_owned()),
        status: record.status.as_str().to_owned(),
        connected_apps: match record.connected_apps.as_deref() {
            None | Some([]) => NOT_REPORTED.to_owned(),
            Some(apps) => apps.join(", "),
        },
    }
}
