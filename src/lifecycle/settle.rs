//! Waiting until the vendor has validated a record.

use tokio::time::sleep;
use tracing::warn;

use super::failure::Cause;
use super::session::Session;
use crate::authomize::{ApiError, Authomize, Record, Status};
use crate::properties::Registration;

/// Asks until the vendor has made up its mind: `enabled`, or no status at all.
///
/// The role was made seconds ago and spreads through IAM for up to a minute, so
/// a `failure` is validated again for a while. A record that is still being
/// validated for the first time when the time is over is good enough: it exists,
/// and the vendor goes on by itself. One that was found bad counts as bad until
/// it is found good.
///
/// # Errors
/// [`Cause::Validation`] with the vendor's last error.
pub(super) async fn settle(
    session: &Session,
    vendor: &Authomize,
    mut record: Record,
    registration: &Registration,
) -> Result<Record, Cause> {
    session
        .progress
        .is("waiting for Authomize to validate the role");
    let marker = session.marker();
    let mut last_error = None;
    for wait in vendor.waits(session.waits.polls + 1) {
        let failed = match record.status {
            Status::Validating(_) => false,
            Status::Failure => {
                last_error = Some(told(&record));
                true
            }
            Status::Absent | Status::Enabled | Status::Deleted | Status::Settled(_) => break,
        };
        if !session.waits.allow(wait + session.waits.vendor_call / 4) {
            break;
        }
        sleep(wait).await;
        let asked = if failed {
            vendor
                .amend(&record.id, registration, &marker)
                .await
                .map(Some)
        } else {
            vendor.read(&record.id).await
        };
        match asked {
            Ok(Some(now)) => record = now,
            Ok(None) => {
                return Err(Cause::Api {
                    doing: "could not find the record again",
                    source: ApiError::NotFound,
                });
            }
            Err(error) => {
                warn!(error = %error, integration.id = %record.id, "stopped waiting for the validation");
                break;
            }
        }
    }
    match record.status {
        Status::Failure => last_error = Some(told(&record)),
        Status::Validating(_) => {}
        Status::Absent | Status::Enabled | Status::Deleted | Status::Settled(_) => {
            last_error = None;
        }
    }
    match last_error {
        Some(last_error) => Err(Cause::Validation { last_error }),
        None => Ok(record),
    }
}

/// Why the vendor found a record bad.
fn told(record: &Record) -> String {
    let told = record.last_error.clone();
    told.unwrap_or_else(|| "no reason was given".to_owned())
}
