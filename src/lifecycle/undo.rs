//! Taking back what a Create did, when its stack is gone or fails.

use serde_json::Value;
use tracing::warn;

use super::delete::remove_by_the_marker;
use super::failure::{Cause, Failure};
use super::session::Session;
use crate::authomize::{ApiError, Authomize, Record};
use crate::record_id::RecordId;

/// How to take a registration back: what a run made is removed, what it took
/// over is released again.
#[derive(Clone, Debug)]
pub struct Undo {
    vendor: Authomize,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Remove(RecordId),
    Release(Box<Record>),
}

impl Undo {
    /// For a record that this resource registered.
    pub fn removing(vendor: &Authomize, id: RecordId) -> Self {
        Self {
            vendor: vendor.clone(),
            way: Way::Remove(id),
        }
    }

    /// For a record that was released before this resource took it over.
    pub fn releasing(vendor: &Authomize, record: Record) -> Self {
        Self {
            vendor: vendor.clone(),
            way: Way::Release(Box::new(record)),
        }
    }

    /// The same with another end of work.
    pub fn until(&self, end: tokio::time::Instant) -> Self {
        Self {
            vendor: self.vendor.until(end),
            way: self.way.clone(),
        }
    }

    /// Takes the registration back, with retries until work has to end. It says
    /// so itself rather than being cut, for what is not undone has to go on.
    ///
    /// # Errors
    /// The vendor refused or could not be asked.
    pub async fn run(&self) -> Result<(), ApiError> {
        let vendor = &self.vendor;
        match &self.way {
            Way::Remove(id) => vendor.in_time(vendor.remove(id)).await,
            Way::Release(record) => vendor.in_time(vendor.release(record)).await,
        }
    }

    /// The record that it is about.
    pub fn record(&self) -> &RecordId {
        match &self.way {
            Way::Remove(id) => id,
            Way::Release(record) => &record.id,
        }
    }
}

/// The stack is gone: so must be the record. What cannot be undone in time is
/// left to the rollback's Delete, and to what goes on after the answer.
pub(super) async fn undo_now(session: &Session, undo: Undo) -> Failure {
    session
        .progress
        .is("undoing the registration of a cancelled stack");
    match undo.run().await {
        Ok(()) => {
            session.progress.answers_with(session.none_id());
            session.fails(Cause::Cancelled { undone: true })
        }
        Err(error) => {
            warn!(error = %error, integration.id = %undo.record(), "the registration is not undone yet");
            Failure {
                unfinished: Some(Box::new(undo)),
                ..session.fails(Cause::Cancelled { undone: false })
            }
        }
    }
}

/// The stack was gone when this run began, but perhaps not when an earlier one
/// registered: what bears our marker goes.
pub(super) async fn undo_an_earlier_run(
    session: &Session,
    properties: &Value,
    vendor: &Authomize,
) -> Failure {
    session
        .progress
        .is("undoing the registration of a cancelled stack");
    let removed = remove_by_the_marker(session, properties, vendor).await;
    let undone = removed.unwrap_or_else(|error| {
        warn!(error = %error, "the registration of an earlier run is not undone");
        false
    });
    session.fails(Cause::Cancelled { undone })
}
