//! Taking back what a Create did, when its stack is gone or fails.

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

    /// Takes the registration back, with retries until work has to end.
    ///
    /// # Errors
    /// The vendor refused or could not be asked.
    pub async fn run(&self) -> Result<(), ApiError> {
        match &self.way {
            Way::Remove(id) => self.vendor.remove(id).await,
            Way::Release(record) => self.vendor.release(record).await,
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
