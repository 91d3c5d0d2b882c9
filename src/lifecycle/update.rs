//! Update: the same record under the same id, whatever the update changes.

use serde_json::Value;
use tracing::warn;

use super::amendment::Amendment;
use super::create::id_of;
use super::failure::{Cause, Failure};
use super::register::{Origin, Registered, register};
use super::session::{NewRole, Session};
use super::settle::{Settled, settle};
use super::undo::{Undo, not_undone, undo_lost, undo_now};
use super::watch::Watch;
use super::{Success, attributes};
use crate::answer::Attributes;
use crate::authomize::{Authomize, Marker, Record};
use crate::physical_id::PhysicalId;
use crate::properties::{Desired, Registration, adopted};
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
        Some(old) if old.tells_the_same_as(desired) => Change::Nothing,
        _ => Change::Registration,
    }
}

/// A stack that has a record takes no other one over in its place: what it has is to be
/// let go first. To name its own, or none any more, changes nothing.
fn adopts_no_other(id: &PhysicalId, desired: &Desired) -> Result<(), Cause> {
    let has = id.record();
    match &desired.adopt {
        Some(record) if has != Some(record) => Err(Cause::HasARecord {
            has: has.cloned(),
            named: record.clone(),
        }),
        _ => Ok(()),
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
    let watch = Watch {
        session,
        aws: &aws,
        before: &view,
        meaning: View::for_update,
    };
    if desired.adopt != adopted(old_properties) && !watch.rolls_back().await {
        adopts_no_other(&id, &desired).map_err(|cause| session.fails(cause))?;
    }
    let old = session.desired_before(old_properties).ok();
    let change = change(&desired, old.as_ref());
    let way_back = WayBack::of(watch, &desired, old.as_ref());
    let former = old.map(|old| old.registration);
    let registration = desired.registration;
    let vendor = token
        .and_then(|token| session.vendor(token, desired.api, registration.external_id.clone()));
    let vendor = match vendor {
        Ok(vendor) => vendor,
        Err(cause) => return way_back.ends_with(cause).await,
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
    match outcome {
        Err(cause) => way_back.ends_with(cause).await,
        Ok(Some(record)) => Ok(Success {
            id,
            attributes: attributes(&record),
        }),
        Ok(None) => register_again(watch, &vendor, &registration, former.as_ref()).await,
    }
}

/// What a failure means to a stack that perhaps goes back. An update that changes nothing
/// for the vendor needs no way back: what keeps the registration from being looked at, a
/// token that does not work for example, is no reason to leave the stack stuck.
struct WayBack<'a> {
    watch: Watch<'a>,
    /// What there is to say of the registration without looking at it.
    unseen: Option<Attributes>,
}

impl<'a> WayBack<'a> {
    fn of(watch: Watch<'a>, desired: &Desired, old: Option<&Desired>) -> Self {
        let is_told_the_same = old.is_some_and(|old| old.tells_the_same_as(desired));
        let has_nothing_to_write = watch.before.rolls_back() && is_told_the_same;
        let id = watch.session.incoming_id();
        let unseen = id.registered().filter(|_| has_nothing_to_write);
        Self {
            watch,
            unseen: unseen.map(|registered| Attributes {
                integration_id: registered.record.to_string(),
                integration_name: desired.registration.name.clone(),
                ..Attributes::unseen()
            }),
        }
    }

    async fn ends_with(self, cause: Cause) -> Result<Success, Failure> {
        let session = self.watch.session;
        match self.unseen {
            Some(attributes) if cause.hides_the_record() && self.watch.rolls_back().await => {
                warn!(error = %cause, "rolled back without a look at the registration");
                Ok(Success {
                    id: session.incoming_id(),
                    attributes,
                })
            }
            _ => Err(session.fails(cause)),
        }
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
    watch.has_its_role().await?;
    let registered = register(watch, vendor, registration, former_name).await?;
    let issued = id_of(&registered, vendor);
    let Registered {
        record,
        marker,
        undo,
        origin,
    } = registered;
    let incoming = session.incoming_id();
    let named = incoming.record();
    if named != Some(&record.id) {
        warn!(integration.id = %record.id, "the stack has another record now than its id names");
    }
    let is_the_same = origin == Origin::Found && named.is_none_or(|named| *named == record.id);
    let made = session.clock.now();
    let settled = settle(watch, vendor, record, registration, &marker).await;
    if origin == Origin::Made {
        if watch.is_taken_back_without(undo.record(), made).await {
            return Err(take_back(watch, vendor, registration, former, &marker, undo).await);
        }
        if let Some(view) = watch.lost().await {
            return Err(undo_lost(session, &view, undo, incoming).await);
        }
    }
    let settled = if watch.rolls_back().await {
        settled.map(Settled::rolled_back)
    } else {
        settled.and_then(Settled::validated)
    };
    match settled {
        Ok(record) => Ok(Success {
            id: if is_the_same { incoming } else { issued },
            attributes: attributes(&record),
        }),
        Err(cause) if is_the_same => Err(session.fails(cause)),
        // The update fails with the old id, so nobody but us knows of the new record.
        Err(cause) => match undo.run().await {
            Ok(()) => Err(session.fails(cause)),
            Err(error) => Err(not_undone(session, undo, &error, cause)),
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
