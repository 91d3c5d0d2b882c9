//! Update: the same record under the same id, whatever the update changes.

use serde_json::Value;

use super::amendment::Amendment;
use super::failure::{Cause, Failure};
use super::register::{Origin, Registered, register};
use super::session::{NewRole, Session};
use super::settle::{Settled, settle};
use super::undo::{Undo, undo_now};
use super::watch::Watch;
use super::{Success, attributes};
use crate::authomize::{Authomize, Marker, Record};
use crate::physical_id::PhysicalId;
use crate::properties::{Desired, Registration};
use crate::stack::{Standing, View};

/// How much of an update reaches the vendor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// Nothing that the vendor is told: read the attributes afresh.
    Nothing,
    /// Something that the vendor is told.
    Registration,
    /// The admin wants the registration checked and mended, the token included.
    Refresh,
}

/// What changed. Old properties can be of an older template and fail to read:
/// then everything may have changed.
fn change(desired: &Desired, old: Option<&Desired>) -> Change {
    match old {
        Some(old) if old.refresh != desired.refresh => Change::Refresh,
        Some(old) if old.registration == desired.registration && old.api == desired.api => {
            Change::Nothing
        }
        _ => Change::Registration,
    }
}

/// Amends the registration.
pub(super) async fn update(
    session: &Session,
    properties: &Value,
    old_properties: &Value,
) -> Result<Success, Failure> {
    let id = session.incoming_id();
    session.progress.answers_with(id.clone());
    session.is_served().map_err(|cause| session.fails(cause))?;
    let desired = session
        .desired(properties)
        .map_err(|error| session.fails(error))?;
    session.progress.is("reading the API token");
    let aws = session.aws();
    let own_stack = session.own_stack(&aws);
    let (token, view) = tokio::join!(
        biased;
        session.token(&aws, NewRole::RuledOut),
        own_stack.look_for(View::for_update),
    );
    if view.for_update() != Standing::Wanted {
        return Err(session.fails(Cause::AtRest));
    }
    let token = token.map_err(|cause| session.fails(cause))?;
    let old = session.desired_before(old_properties).ok();
    let change = change(&desired, old.as_ref());
    let former = old.map(|old| old.registration);
    let registration = desired.registration;
    let vendor = session
        .vendor(token, desired.api, registration.external_id.clone())
        .map_err(|cause| session.fails(cause))?;
    let watch = Watch {
        session,
        aws: &aws,
        before: &view,
        meaning: View::for_update,
    };
    let outcome = match id.registered() {
        Some(registered) => {
            let amendment = Amendment {
                watch,
                vendor: &vendor,
                registered,
                registration: &registration,
                former: former.as_ref(),
                change,
            };
            amendment.carry_out().await
        }
        None => Ok(None),
    };
    match outcome.map_err(|cause| session.fails(cause))? {
        Some(record) => Ok(Success {
            id,
            attributes: attributes(&record),
        }),
        None => register_again(watch, &vendor, &registration, former.as_ref()).await,
    }
}

/// The record is gone, or the id names none: register as a Create does. The new
/// id of a new record makes CloudFormation send a Delete for the old one, which
/// finds nothing. A record that was this resource's all along keeps the id that
/// came, and stays whatever the validation says.
async fn register_again(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    former: Option<&Registration>,
) -> Result<Success, Failure> {
    let session = watch.session;
    let former_name = former
        .map(|former| former.name.as_str())
        .filter(|name| *name != registration.name);
    let Registered {
        record,
        marker,
        undo,
        origin,
    } = register(watch, vendor, registration, former_name).await?;
    let incoming = session.incoming_id();
    let issued = PhysicalId::issued(record.id.clone(), vendor.api());
    let is_the_same = origin == Origin::Found
        && incoming
            .registered()
            .is_none_or(|named| named.record == record.id);
    let made = session.clock.now();
    let settled = settle(watch, vendor, record, registration, &marker).await;
    if origin == Origin::Made {
        if watch.goes_back(made).await {
            return Err(take_back(watch, vendor, registration, former, &marker, undo).await);
        }
        if watch.is_lost().await {
            return Err(undo_now(session, undo, incoming).await);
        }
    }
    match settled.and_then(Settled::validated) {
        Ok(record) => Ok(Success {
            id: if is_the_same { incoming } else { issued },
            attributes: attributes(&record),
        }),
        Err(cause) if is_the_same => Err(session.fails(cause)),
        // The update fails with the old id, so nobody but us knows of the new record.
        Err(cause) => match undo.run().await {
            Ok(()) => Err(session.fails(cause)),
            Err(_) => Err(Failure {
                unfinished: Some(Box::new(undo)),
                ..session.fails(cause)
            }),
        },
    }
}

/// What a cancelled update registered anew goes, unless the Update back has made the
/// record its own; where both want the same, nothing tells whose it is by now.
async fn take_back(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    former: Option<&Registration>,
    marker: &Marker,
    undo: Undo,
) -> Failure {
    let session = watch.session;
    let is_as_made = |record: &Record| record.holds(registration, marker);
    match vendor.read(undo.record()).await {
        Ok(Some(record)) if former != Some(registration) && is_as_made(&record) => {
            undo_now(session, undo, session.incoming_id()).await
        }
        _ => session.fails(Cause::Cancelled { undone: false }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn desired(owner: &str, refresh: &str) -> Desired {
        let stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b"
            .parse()
            .unwrap();
        let properties = json!({
            "ApiUrl": "https://api.authomize.com",
            "ExternalId": "external-id-1",
            "RoleArn": "arn:aws:iam::123456789012:role/R",
            "OwnerEmail": owner,
            "Refresh": refresh,
        });
        crate::properties::read(&properties, &stack, false).unwrap()
    }

    #[test]
    fn tells_changes_by_what_they_mean_to_the_vendor() {
        let now = desired("a@example.com", "1");
        for (old, expected) in [
            (Some(desired("a@example.com", "1")), Change::Nothing),
            (Some(desired("b@example.com", "1")), Change::Registration),
            (Some(desired("a@example.com", "2")), Change::Refresh),
            (Some(desired("b@example.com", "2")), Change::Refresh),
            (None, Change::Registration),
        ] {
            assert_eq!(change(&now, old.as_ref()), expected);
        }
    }
}
