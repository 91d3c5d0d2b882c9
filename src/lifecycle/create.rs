//! Create: register once, whatever happens on the way.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::adopt::adopt;
use super::failure::{Cause, Failure};
use super::register::{Registered, register};
use super::session::{NewRole, Session};
use super::settle::{Settled, settle};
use super::undo::{undo_an_earlier_run, undo_lost};
use super::watch::Watch;
use super::{Success, attributes};
use crate::authomize::Authomize;
use crate::physical_id::PhysicalId;
use crate::properties::{PropertyError, Registration};
use crate::stack::{Standing, View};

/// Registers the account.
pub(super) async fn create(session: &Session, properties: &Value) -> Result<Success, Failure> {
    session.is_served().map_err(|cause| session.fails(cause))?;
    let desired = session
        .desired(properties)
        .map_err(|error| session.fails(error))?;
    if session.configuration.hub.is_some()
        && let Some(record) = &desired.adopt
    {
        return Err(session.fails(PropertyError::not_for_a_hub(record)));
    }
    // An earlier run may have registered, whatever becomes of this one.
    if session.may_be_a_second_run() {
        session.progress.answers_with(session.pending_id());
    }
    session
        .progress
        .after_a_bug_answers_with(session.pending_id());
    session.progress.is("reading the API token");
    let aws = session.aws();
    let own_stack = session.own_stack(&aws);
    let (token, view) = tokio::join!(
        biased;
        session.token(&aws, NewRole::Possible),
        own_stack.look_for(View::for_create),
    );
    session
        .may_see_its_stack
        .store(view != View::Denied, Ordering::Relaxed);
    let standing = view.for_create();
    match standing {
        Standing::AtRest => return Err(at_rest(session, &view)),
        Standing::Cancelled if !session.may_be_a_second_run() || view.may_keep_the_resource() => {
            return Err(session.fails(Cause::Cancelled { undone: false }));
        }
        Standing::Wanted | Standing::Cancelled => {}
    }
    let registration = desired.registration;
    let token = token.map_err(|cause| session.fails(cause))?;
    let vendor = session
        .vendor(token, desired.api, registration.external_id.clone())
        .map_err(|cause| session.fails(cause))?;
    if standing == Standing::Cancelled {
        return Err(undo_an_earlier_run(session, properties, &vendor, &view).await);
    }
    let watch = Watch {
        session,
        aws: &aws,
        before: &view,
        meaning: View::for_create,
    };
    watch.has_its_role().await?;
    let registered = match &desired.adopt {
        Some(record) => adopt(watch, &vendor, &registration, record).await?,
        None => register(watch, &vendor, &registration, None).await?,
    };
    conclude(watch, &vendor, &registration, registered).await
}

/// A request that CloudFormation does not wait for. The id that it has recorded
/// is repeated, so that even an answer that is believed changes nothing.
fn at_rest(session: &Session, view: &View) -> Failure {
    if let Some(recorded) = view.recorded() {
        session.progress.answers_with(recorded.clone());
    }
    session.fails(Cause::AtRest)
}

/// The id of a record that is this resource's now.
pub(super) fn id_of(registered: &Registered, vendor: &Authomize) -> PhysicalId {
    let record = registered.record.id.clone();
    if registered.marker.adopted_name.is_some() {
        PhysicalId::adopted(record, vendor.api())
    } else {
        PhysicalId::issued(record, vendor.api())
    }
}

/// Waits for the validation, and makes sure that the stack still wants the
/// record before it says SUCCESS.
async fn conclude(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    registered: Registered,
) -> Result<Success, Failure> {
    let session = watch.session;
    let id = id_of(&registered, vendor);
    let Registered {
        record,
        marker,
        undo,
        ..
    } = registered;
    session.progress.answers_with(match &id {
        PhysicalId::Issued(named) if marker.taken_over => PhysicalId::Adopted(named.clone()),
        _ => id.clone(),
    });
    let settled = settle(watch, vendor, record, registration, &marker).await;
    let validated = settled.and_then(Settled::validated);
    if let Some(view) = watch.lost().await {
        return Err(undo_lost(session, &view, undo, session.none_id()).await);
    }
    match validated {
        Ok(record) => Ok(Success {
            id,
            attributes: attributes(&record),
        }),
        Err(cause) => {
            // A twin of this run may have succeeded, and an update been made since.
            let may_go_back = marker.taken_over && undo.changes_anything();
            if may_go_back
                && !watch.has_been_answered(undo.record()).await
                && undo.run().await.is_ok()
            {
                session.progress.answers_with(session.none_id());
            }
            Err(session.fails(cause))
        }
    }
}
