//! Waiting until the vendor has validated a record.

use std::iter;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use tracing::warn;

use super::failure::Cause;
use super::ownership::{Ownership, ownership};
use super::watch::Watch;
use crate::authomize::{ApiError, Authomize, Marker, Record, Status};
use crate::properties::Registration;

/// A record after the wait.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) record: Record,
    /// The vendor's last error, if the validation has failed as far as anybody
    /// knows.
    pub(super) failure: Option<String>,
    /// When this run wrote the record last.
    pub(super) wrote: SystemTime,
}

impl Settled {
    /// The record, unless its validation failed.
    ///
    /// # Errors
    /// [`Cause::Validation`] with the vendor's last error.
    pub(super) fn validated(self) -> Result<Record, Cause> {
        match self.failure {
            Some(last_error) => Err(Cause::Validation { last_error }),
            None => Ok(self.record),
        }
    }

    /// The record, whatever the validation said: a stack that goes back would be stuck
    /// if that failed, and what was not right before is no failure.
    pub(super) fn rolled_back(self) -> Record {
        if self.failure.is_some() {
            warn!(integration.id = %self.record.id, "rolled back to a role that Authomize cannot validate");
        }
        self.record
    }
}

/// Asks until the vendor has made up its mind: `enabled`, or no status at all.
///
/// The role was made seconds ago and spreads through IAM for up to a minute, so
/// a `failure` is validated again for a while. A record that is still being
/// validated for the first time when the time is over is good enough: it exists,
/// and the vendor goes on by itself. What a failed validation means is for
/// [`Settled::validated`].
///
/// # Errors
/// The record is gone, or another stack's by now: two may take a released record
/// over at once, and the later one has it.
pub(super) async fn settle(
    watch: Watch<'_>,
    vendor: &Authomize,
    mut record: Record,
    registration: &Registration,
    marker: &Marker,
) -> Result<Settled, Cause> {
    let session = watch.session;
    session
        .progress
        .is("waiting for Authomize to validate the role");
    let mut wrote = session.clock.now();
    let mut last_failure = failure_told_by(&record);
    let room = session.waits.vendor_call / 4;
    // The first look is at once: a vendor that validates while it answers has done so.
    let waits = iter::once(Duration::ZERO).chain(vendor.waits(session.waits.polls));
    for wait in waits {
        let failed = match record.status {
            Status::Validating(_) => false,
            Status::Failure => true,
            Status::Deleted => return Err(disappeared()),
            Status::Absent | Status::Enabled | Status::Settled(_) => break,
        };
        let wait = if failed {
            wait.max(session.waits.backoff)
        } else {
            wait
        };
        if !session.waits.allow(wait + room) {
            break;
        }
        sleep(wait).await;
        let asked = if failed {
            let asked = validate_again(watch, vendor, &record, registration, marker).await;
            wrote = session.clock.now();
            asked
        } else {
            // What follows a look has to have its time, however long that takes.
            let vendor = vendor.until(session.waits.work_until - room);
            vendor.in_time(vendor.read(&record.id)).await
        };
        match asked {
            Ok(Some(now)) if !is_still_ours(&now, marker) => {
                return Err(Cause::AnothersRecord {
                    record: now.id.to_string(),
                    owner: owner(&now, marker),
                });
            }
            Ok(Some(now)) => {
                record = now;
                last_failure = failure_told_by(&record).or(last_failure);
            }
            Ok(None) => return Err(disappeared()),
            Err(error) => {
                warn!(error = %error, integration.id = %record.id, "stopped waiting for the validation");
                break;
            }
        }
    }
    let failure = standing_failure(&record.status, last_failure);
    Ok(Settled {
        record,
        failure,
        wrote,
    })
}

/// Has a record validated again that failed, unless it was let go while this run
/// waited, and is perhaps another stack's by now, or a later request changed it. The
/// record is looked at last: to ask CloudFormation can take seconds.
async fn validate_again(
    watch: Watch<'_>,
    vendor: &Authomize,
    record: &Record,
    registration: &Registration,
    marker: &Marker,
) -> Result<Option<Record>, ApiError> {
    let is_late = watch.is_late().await;
    match vendor.read(&record.id).await? {
        Some(now) if !is_late && now.status == Status::Failure && is_still_ours(&now, marker) => {
            let amended = watch.amend(vendor, &now, registration, marker).await;
            amended.map(Some)
        }
        now => Ok(now),
    }
}

fn disappeared() -> Cause {
    Cause::Api {
        doing: "the record disappeared while Authomize validated it",
        source: ApiError::NotFound,
    }
}

fn owner(record: &Record, marker: &Marker) -> String {
    match ownership(record, marker) {
        Ownership::Anothers(owner) if marker.hub.is_none() => owner,
        _ => "somebody else".to_owned(),
    }
}

/// Whether this resource may still change the record.
pub(super) fn is_still_ours(record: &Record, marker: &Marker) -> bool {
    match ownership(record, marker) {
        Ownership::Ours => !record.is_released(),
        Ownership::Unknown => true,
        Ownership::Anothers(_) | Ownership::Released | Ownership::Unmarked => false,
    }
}

/// The vendor's words, if this look at the record shows a failure.
fn failure_told_by(record: &Record) -> Option<String> {
    let said = || {
        let last_error = record.last_error.clone();
        last_error.unwrap_or_else(|| "no reason was given".to_owned())
    };
    (record.status == Status::Failure).then(said)
}

/// The vendor's last error, if the validation has failed as far as anybody
/// knows: also if it is being done again after it failed `before`.
fn standing_failure(status: &Status, before: Option<String>) -> Option<String> {
    match status {
        Status::Failure | Status::Validating(_) => before,
        Status::Absent | Status::Enabled | Status::Deleted | Status::Settled(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_no_failure_while_the_role_is_validated_again() {
        let why = || Some("no such role".to_owned());
        for (status, before, left) in [
            (Status::Validating("validating".to_owned()), None, None),
            (Status::Validating("validating".to_owned()), why(), why()),
            (Status::Failure, why(), why()),
            (Status::Enabled, why(), None),
            (Status::Absent, None, None),
        ] {
            assert_eq!(standing_failure(&status, before), left, "{status:?}");
        }
    }
}
