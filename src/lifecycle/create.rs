//! Create: register once, whatever happens on the way.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use tracing::{info, warn};

use super::failure::{Cause, Failure};
use super::ownership::{Found, found};
use super::session::{NewRole, Session};
use super::settle::{Settled, settle};
use super::undo::{Undo, undo_an_earlier_run, undo_now};
use super::watch::Watch;
use super::{Success, attributes};
use crate::authomize::{ApiError, Authomize, Marker, Record};
use crate::physical_id::PhysicalId;
use crate::properties::Registration;
use crate::stack::{Standing, View};

/// How often a record is asked for at most, waits for a name included.
const ROUNDS: usize = 10;

/// How a record came to be this resource's.
pub(super) struct Registered {
    pub(super) record: Record,
    /// The marker that it bears.
    pub(super) marker: Marker,
    /// How to take it back.
    pub(super) undo: Undo,
    pub(super) origin: Origin,
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// This run made it.
    Made,
    /// It was this resource's before.
    Found,
    /// It was another stack's before, and is handed back if anything fails.
    TakenOver,
}

/// Registers the account.
pub(super) async fn create(session: &Session, properties: &Value) -> Result<Success, Failure> {
    let desired = session
        .desired(properties)
        .map_err(|error| session.fails(error))?;
    if !session.is_the_functions_stack() {
        return Err(session.fails(Cause::AnotherStack));
    }
    // An earlier run may have registered, whatever becomes of this one.
    if session.may_be_a_second_run() {
        session.progress.answers_with(session.pending_id());
    }
    session.progress.is("reading the API token");
    let aws = session.aws();
    let own_stack = session.own_stack(&aws);
    let (token, view) = tokio::join!(
        biased;
        session.token(&aws, NewRole::Possible),
        own_stack.look_for(View::for_create),
    );
    let standing = view.for_create();
    match standing {
        Standing::AtRest => return Err(at_rest(session, &view)),
        Standing::Cancelled if !session.may_be_a_second_run() => {
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
        return Err(undo_an_earlier_run(session, properties, &vendor).await);
    }
    let watch = Watch {
        session,
        aws: &aws,
        before: &view,
        meaning: View::for_create,
    };
    let registered = register(session, watch, &vendor, &registration, None).await?;
    conclude(session, watch, &vendor, &registration, registered).await
}

/// A request that CloudFormation does not wait for. The id that it has recorded
/// is repeated, so that even an answer that is believed changes nothing.
fn at_rest(session: &Session, view: &View) -> Failure {
    if let Some(recorded) = view.recorded() {
        session.progress.answers_with(recorded.clone());
    }
    session.fails(Cause::AtRest)
}

/// Gets this resource exactly one record: makes it, finds the one of an earlier
/// try, or takes over one that was released. An Update may have left one under the
/// name that it wanted before it was rolled back: the former one.
pub(super) async fn register(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    former_name: Option<&str>,
) -> Result<Registered, Failure> {
    session.progress.is("registering at Authomize");
    if let Some(name) = former_name
        && let Some(registered) = look_under(session, watch, vendor, name, registration).await?
    {
        return Ok(registered);
    }
    let incoming = session.progress.id();
    let mut waits = vendor.waits(ROUNDS);
    let names_no_record = matches!(incoming, PhysicalId::Pending(_) | PhysicalId::Invented(_));
    let mut look = names_no_record || session.may_be_a_second_run();
    loop {
        if look {
            match look_for_ours(session, watch, vendor, registration).await? {
                Some(registered) => return Ok(registered),
                None if watch.is_lost().await => {
                    return Err(session.fails(Cause::Cancelled { undone: false }));
                }
                None => {}
            }
        }
        let before_posting = session.progress.id();
        answer_pending(session, &incoming);
        let error = match post(session, vendor, registration).await {
            Ok(record) => {
                return Ok(Registered {
                    undo: Undo::removing(vendor, record.id.clone(), session.marker()),
                    marker: session.marker(),
                    record,
                    origin: Origin::Made,
                });
            }
            Err(error) => error,
        };
        // Who has a taken name is still to be found out: perhaps this resource.
        if !error.leaves_the_outcome_open() && !matches!(error, ApiError::Conflict) {
            session.progress.answers_with(before_posting.clone());
        }
        let wait = waits
            .next()
            .and_then(|wait| vendor.wait_before_next(&error, wait));
        match (&error, wait) {
            (ApiError::Conflict, wait) => {
                let found = find(session, vendor, registration, look).await?;
                if !matches!(found, Found::Ours(_) | Found::Released(_)) {
                    session.progress.answers_with(before_posting);
                }
                match on_conflict(session, watch, vendor, registration, found, wait.is_some())
                    .await?
                {
                    Some(registered) => return Ok(registered),
                    None => sleep(wait.unwrap_or_default()).await,
                }
                if !look && watch.is_lost().await {
                    return Err(session.fails(Cause::Cancelled { undone: false }));
                }
            }
            (_, Some(wait)) if error.is_retryable() => {
                look = look || error.leaves_the_outcome_open();
                sleep(wait).await;
                if !look && watch.is_lost().await {
                    return Err(session.fails(Cause::Cancelled { undone: false }));
                }
            }
            _ => return Err(session.fails(could_not_register(error))),
        }
    }
}

/// From now on something may exist that only the marker leads to. An Update
/// keeps its id whatever happens.
fn answer_pending(session: &Session, incoming: &PhysicalId) {
    if matches!(incoming, PhysicalId::None(_)) {
        session.progress.answers_with(session.pending_id());
    }
}

async fn post(
    session: &Session,
    vendor: &Authomize,
    registration: &Registration,
) -> Result<Record, ApiError> {
    vendor
        .create(registration, &session.marker(), &session.address.request_id)
        .await
}

fn could_not_register(source: ApiError) -> Cause {
    Cause::Api {
        doing: "the account could not be registered",
        source,
    }
}

/// Looks for a record of ours that an earlier request may have made.
async fn look_for_ours(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
) -> Result<Option<Registered>, Failure> {
    match find(session, vendor, registration, true).await? {
        Found::Ours(record) => adopt(session, watch, vendor, record, registration)
            .await
            .map(Some),
        Found::Released(record) => take_over(session, vendor, record, registration)
            .await
            .map(Some),
        Found::Going | Found::Nothing | Found::Anothers(_) => Ok(None),
        Found::Ambiguous => Err(session.fails(Cause::Ambiguous {
            name: registration.name.clone(),
        })),
    }
}

/// Looks for a record that bears our marker under another name.
async fn look_under(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    name: &str,
    registration: &Registration,
) -> Result<Option<Registered>, Failure> {
    let records = named(session, vendor, name).await?;
    match found(&records, &session.marker(), registration, None) {
        Found::Ours(record) => adopt(session, watch, vendor, record, registration)
            .await
            .map(Some),
        _ => Ok(None),
    }
}

async fn named(session: &Session, vendor: &Authomize, name: &str) -> Result<Vec<Record>, Failure> {
    vendor.find(name).await.map_err(|source| {
        session.fails(Cause::Api {
            doing: "it could not be found out whether the account is registered already",
            source,
        })
    })
}

/// The name is taken: by us, by a record on its way out, or by somebody else.
async fn on_conflict(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    found: Found,
    can_wait: bool,
) -> Result<Option<Registered>, Failure> {
    let taken = |owner: String| {
        session.fails(Cause::NameTaken {
            name: registration.name.clone(),
            owner,
        })
    };
    match found {
        Found::Ours(record) => adopt(session, watch, vendor, record, registration)
            .await
            .map(Some),
        Found::Released(record) => take_over(session, vendor, record, registration)
            .await
            .map(Some),
        Found::Anothers(owner) => Err(taken(owner)),
        Found::Going | Found::Nothing if can_wait => Ok(None),
        Found::Going => Err(taken("which is being deleted".to_owned())),
        Found::Nothing | Found::Ambiguous => {
            Err(taken("and Authomize does not say whose it is".to_owned()))
        }
    }
}

/// What has the name. Where the server shows no marker, a record can only be ours
/// if an earlier request of ours may have made it.
async fn find(
    session: &Session,
    vendor: &Authomize,
    registration: &Registration,
    was_asked_before: bool,
) -> Result<Found, Failure> {
    let records = named(session, vendor, &registration.name).await?;
    let since = vendor
        .vendors_time_at(session.asked_at())
        .filter(|_| was_asked_before);
    Ok(found(&records, &session.marker(), registration, since))
}

/// Our own record of an earlier try: brought up to date if it is not.
async fn adopt(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    record: Record,
    registration: &Registration,
) -> Result<Registered, Failure> {
    info!(integration.id = %record.id, "found the record of an earlier try");
    let marker = Marker {
        taken_over: record.is_taken_over(),
        ..session.marker()
    };
    let undo = Undo::removing(vendor, record.id.clone(), marker.clone());
    let record = if record.holds(registration, &marker) {
        record
    } else if watch.is_over().await {
        // It was brought up to date by a later request.
        return Err(session.fails(Cause::AtRest));
    } else {
        vendor
            .amend(&record.id, registration, &marker)
            .await
            .map_err(|source| {
                session.fails(Cause::Api {
                    doing: "the record of an earlier try could not be brought up to date",
                    source,
                })
            })?
    };
    Ok(Registered {
        record,
        marker,
        undo,
        origin: Origin::Found,
    })
}

/// A record that another stack of this account released.
async fn take_over(
    session: &Session,
    vendor: &Authomize,
    released: Record,
    registration: &Registration,
) -> Result<Registered, Failure> {
    info!(integration.id = %released.id, "taking over a released record");
    let id = released.id.clone();
    let marker = Marker {
        taken_over: true,
        ..session.marker()
    };
    let undo = Undo::releasing(vendor, released, marker.clone());
    match vendor.amend(&id, registration, &marker).await {
        Ok(record) => Ok(Registered {
            record,
            marker,
            undo,
            origin: Origin::TakenOver,
        }),
        Err(source) => {
            // It may have been taken over all the same.
            if let Err(error) = undo.run().await {
                warn!(error = %error, integration.id = %id, "the record is not released again");
            }
            Err(session.fails(Cause::Api {
                doing: "the released record could not be taken over",
                source,
            }))
        }
    }
}

/// Waits for the validation, and makes sure that the stack still wants the
/// record before it says SUCCESS.
async fn conclude(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    registered: Registered,
) -> Result<Success, Failure> {
    let id = PhysicalId::issued(registered.record.id.clone(), vendor.api());
    let Registered { record, marker, .. } = registered;
    session.progress.answers_with(match &id {
        PhysicalId::Issued(named) if marker.taken_over => PhysicalId::Adopted(named.clone()),
        _ => id.clone(),
    });
    let settled = settle(session, vendor, record, registration, &marker).await;
    match settled.and_then(Settled::validated) {
        Ok(record) => {
            if watch.is_lost().await {
                return Err(undo_now(session, registered.undo, session.none_id()).await);
            }
            Ok(Success {
                id,
                attributes: attributes(&record),
            })
        }
        Err(_) if watch.is_lost().await => {
            Err(undo_now(session, registered.undo, session.none_id()).await)
        }
        Err(cause) => {
            if marker.taken_over && registered.undo.run().await.is_ok() {
                session.progress.answers_with(session.none_id());
            }
            Err(session.fails(cause))
        }
    }
}

/// How long the longest request of a Create may still be under way.
pub(super) fn longest_request(session: &Session) -> Duration {
    session.waits.vendor_call
}
