//! Taking over a record that a person made, which the admin names by its id.

use tracing::{info, warn};

use super::failure::{Cause, Failure};
use super::ownership::{Ownership, Unadoptable, is_adoptable, ownership};
use super::register::{Origin, Registered};
use super::undo::Undo;
use super::watch::Watch;
use crate::authomize::{Authomize, Marker, Record};
use crate::physical_id::PhysicalId;
use crate::properties::Registration;
use crate::record_id::RecordId;

const NOT_ADOPTED: &str = "the record that AdoptIntegrationId names could not be taken over";

/// Gets this resource the record of this id, instead of making one. Nobody made it who
/// could make it again, so whatever goes wrong it is given back as it was.
pub(super) async fn adopt(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    id: &RecordId,
) -> Result<Registered, Failure> {
    let session = watch.session;
    session.progress.is("taking the record over at Authomize");
    let before = named(watch, vendor, registration, id).await?;
    let may_be_lost = session.may_be_a_second_run() || session.has_taken_long();
    if may_be_lost && watch.is_lost().await {
        return Err(session.fails(Cause::Cancelled { undone: false }));
    }
    // A twin of this run may have been answered.
    if watch.is_late().await {
        return Err(session.fails(Cause::AtRest));
    }
    let marker = Marker {
        adopted_name: Some(name_before(&before)),
        ..session.marker_of_a_taken(&before)
    };
    let is_ours = ownership(&before, &marker) == Ownership::Ours;
    let undo = if is_ours {
        Undo::removing(vendor, id.clone(), marker.clone())
    } else {
        Undo::releasing(vendor, before.clone(), marker.clone())
    };
    session.makes(&undo);
    let adopted = PhysicalId::adopted(id.clone(), vendor.api());
    session.progress.answers_with(adopted);
    info!(integration.id = %id, "taking over a record by its id");
    let amended = if before.holds(registration, &marker) {
        Ok(before)
    } else {
        watch.amend(vendor, &before, registration, &marker).await
    };
    match amended {
        Ok(record) => Ok(Registered {
            record,
            marker,
            undo,
            origin: if is_ours {
                Origin::Found
            } else {
                Origin::TakenOver
            },
        }),
        Err(source) => {
            // It may have been taken over all the same.
            if !watch.has_been_answered(id).await {
                match undo.run().await {
                    Ok(()) => session.progress.answers_with(session.none_id()),
                    Err(error) => {
                        warn!(error = %error, integration.id = %id, "the record is not given back");
                    }
                }
            }
            Err(session.fails(Cause::Api {
                doing: NOT_ADOPTED,
                source,
            }))
        }
    }
}

/// The record, if this resource may have it.
async fn named(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    id: &RecordId,
) -> Result<Record, Failure> {
    let session = watch.session;
    let refused = |why| {
        session.fails(Cause::NotAdopted {
            record: id.clone(),
            why,
        })
    };
    let read = vendor.read(id).await.map_err(|source| {
        session.fails(Cause::Api {
            doing: NOT_ADOPTED,
            source,
        })
    })?;
    let record = read.ok_or_else(|| refused(Unadoptable::Missing))?;
    is_adoptable(&record, &session.marker(), registration).map_err(refused)?;
    Ok(record)
}

/// The name to give back: an earlier run of this request may have changed it.
fn name_before(record: &Record) -> String {
    let adopted = record.adopted_name();
    let name = adopted.or(record.name.as_deref());
    name.unwrap_or_default().to_owned()
}
