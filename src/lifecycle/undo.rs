//! Taking back what a Create did, when its stack is gone or fails.

use serde_json::Value;
use tracing::{error, info, warn};

use super::afterwards::StillThere;
use super::delete::remove_by_the_marker;
use super::failure::{Cause, Failure};
use super::ownership::{Ownership, ownership};
use super::session::Session;
use crate::authomize::{ApiError, Authomize, Marker, Record};
use crate::deadline::Waits;
use crate::physical_id::PhysicalId;
use crate::record_id::RecordId;
use crate::stack::View;

/// How to take a registration back: what a run made is removed, if it is still
/// this resource's, and what it took over is released again.
#[derive(Clone, Debug)]
pub struct Undo {
    vendor: Authomize,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Remove(RecordId, Box<Marker>),
    Release(Box<Record>, Box<Marker>),
    /// It was there before this run.
    Leave(RecordId),
}

impl Undo {
    /// For a record that the resource of `marker` registered.
    pub fn removing(vendor: &Authomize, id: RecordId, marker: Marker) -> Self {
        Self {
            vendor: vendor.clone(),
            way: Way::Remove(id, Box::new(marker)),
        }
    }

    /// For a record that was nobody's, or released, before the resource of `marker` took
    /// it over.
    pub fn releasing(vendor: &Authomize, record: Record, marker: Marker) -> Self {
        Self {
            vendor: vendor.clone(),
            way: Way::Release(Box::new(record), Box::new(marker)),
        }
    }

    /// For a record that was a member's before this run: whoever sent the event, it
    /// stays.
    pub fn leaving(vendor: &Authomize, id: RecordId) -> Self {
        Self {
            vendor: vendor.clone(),
            way: Way::Leave(id),
        }
    }

    /// Whether there is anything to take back.
    pub fn changes_anything(&self) -> bool {
        !matches!(self.way, Way::Leave(_))
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
            Way::Remove(id, marker) => vendor.in_time(remove_ours(vendor, id, marker)).await,
            Way::Release(before, marker) => vendor.in_time(hand_back(vendor, before, marker)).await,
            Way::Leave(_) => Ok(()),
        }
    }

    /// Whether the stack has `another` record besides, as far as the vendor shows it.
    pub async fn is_beside(&self, another: &RecordId) -> bool {
        let (Way::Remove(_, marker) | Way::Release(_, marker)) = &self.way else {
            return false;
        };
        let record = self.vendor.read(another).await;
        matches!(record, Ok(Some(record)) if ownership(&record, marker) == Ownership::Ours)
    }

    /// Goes on after the answer, until shortly before work that does not return is left.
    ///
    /// # Errors
    /// [`StillThere`]: the log says why.
    pub async fn go_on(&self, waits: Waits) -> Result<(), StillThere> {
        let record = self.record();
        match self.until(waits.afterwards_until()).run().await {
            Ok(()) => {
                info!(integration.id = %record, "undone after the answer");
                Ok(())
            }
            Err(error) => {
                error!(error = %error, integration.id = %record, "not undone after the answer either: Lambda is to run the request again");
                Err(StillThere)
            }
        }
    }

    /// The record that it is about.
    pub fn record(&self) -> &RecordId {
        match &self.way {
            Way::Remove(id, _) | Way::Leave(id) => id,
            Way::Release(record, _) => &record.id,
        }
    }
}

/// Removes a record that this resource registered. The stack's Delete may have
/// let it go meanwhile, and another stack may have taken it over since.
async fn remove_ours(vendor: &Authomize, id: &RecordId, marker: &Marker) -> Result<(), ApiError> {
    let Some(record) = vendor.read(id).await? else {
        return Ok(());
    };
    match ownership(&record, marker) {
        Ownership::Ours if record.is_taken_over() => vendor.release(&record, &record.marking).await,
        // What was taken over and is no more had its creation succeed meanwhile.
        Ownership::Ours if !record.is_released() && !marker.taken_over => {
            vendor.remove(&record).await
        }
        Ownership::Unknown => vendor.remove(&record).await,
        _ => {
            warn!(integration.id = %id, "left a record alone that was let go meanwhile");
            Ok(())
        }
    }
}

/// Gives a record back as it was, unless another stack has taken it over since.
async fn hand_back(vendor: &Authomize, before: &Record, marker: &Marker) -> Result<(), ApiError> {
    match vendor.read(&before.id).await? {
        Some(record) if ownership(&record, marker) == Ownership::Ours => {
            vendor.give_back(before, &record.marking).await
        }
        _ => Ok(()),
    }
}

/// The stack is gone: so must be the record. What cannot be undone in time is
/// left to the rollback's Delete, and to what goes on after the answer. `id` is to be
/// answered once it is undone.
pub(super) async fn undo_now(session: &Session, undo: Undo, id: PhysicalId) -> Failure {
    session
        .progress
        .is("undoing the registration of a cancelled stack");
    match undo.run().await {
        Ok(()) => {
            session.progress.answers_with(id);
            session.fails(Cause::Cancelled { undone: true })
        }
        Err(error) => not_undone(session, undo, &error, Cause::Cancelled { undone: false }),
    }
}

/// The stack is lost, by this view of it: what this run did is undone, unless a twin of it
/// was answered with the same record, and an update or the deletion has begun since, or
/// may have been.
pub(super) async fn undo_lost(
    session: &Session,
    view: &View,
    undo: Undo,
    id: PhysicalId,
) -> Failure {
    let is_anothers = view.record_of_another_request() == Some(undo.record());
    if is_anothers || view.may_keep_the_resource() {
        session.hands_on_undoing();
        return session.fails(Cause::Cancelled { undone: false });
    }
    undo_now(session, undo, id).await
}

/// A failure whose registration is still to be undone, after the answer.
pub(super) fn not_undone(session: &Session, undo: Undo, error: &ApiError, cause: Cause) -> Failure {
    warn!(error = %error, integration.id = %undo.record(), "the registration is not undone yet");
    session.hands_on_undoing();
    Failure {
        unfinished: Some(Box::new(undo)),
        ..session.fails(cause)
    }
}

/// The stack was gone when this run began, but perhaps not when an earlier one
/// registered: what bears our marker goes, unless another request sees to it.
pub(super) async fn undo_an_earlier_run(
    session: &Session,
    properties: &Value,
    vendor: &Authomize,
    view: &View,
) -> Failure {
    session
        .progress
        .is("undoing the registration of a cancelled stack");
    let spared = view.record_of_another_request();
    let removed = remove_by_the_marker(session, properties, vendor, spared).await;
    let undone = removed.unwrap_or_else(|error| {
        warn!(error = %error, "the registration of an earlier run is not undone");
        false
    });
    session.fails(Cause::Cancelled { undone })
}
