//! Update: the same record under the same id, whatever the update changes.

use serde_json::Value;
use tokio::time::sleep;
use tracing::warn;

use super::create::{self, Origin, longest_request, register};
use super::failure::{Cause, Failure};
use super::ownership::{Ownership, ownership};
use super::session::{NewRole, Session};
use super::settle::{Settled, settle};
use super::undo::undo_now;
use super::watch::Watch;
use super::{Success, attributes};
use crate::authomize::{ApiError, Authomize, Marker, Marking, Record, Status};
use crate::physical_id::{PhysicalId, Registered};
use crate::properties::{Desired, Registration};
use crate::stack::{Standing, View};

/// How much of an update reaches the vendor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
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
    let desired = session
        .desired(properties)
        .map_err(|error| session.fails(error))?;
    if !session.is_the_functions_stack() {
        return Err(session.fails(Cause::AnotherStack));
    }
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
    let local = session.configuration.local.is_some();
    let old = crate::properties::read(old_properties, &session.stack_id, local).ok();
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
                session,
                vendor: &vendor,
                registered,
                registration: &registration,
                former: former.as_ref(),
                watch,
                change,
                recorded: view.recorded(),
                rolls_back: view.rolls_back(),
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
        None => register_again(session, watch, &vendor, &registration, former.as_ref()).await,
    }
}

/// Bringing the record of an id up to date.
struct Amendment<'a> {
    session: &'a Session,
    vendor: &'a Authomize,
    registered: &'a Registered,
    registration: &'a Registration,
    /// What the update came from, if that can be read.
    former: Option<&'a Registration>,
    watch: Watch<'a>,
    change: Change,
    /// The id that CloudFormation has recorded, if it said so.
    recorded: Option<&'a PhysicalId>,
    /// The stack goes back to what it was. A failure now would leave it stuck,
    /// so what was not right before the update either is no failure.
    rolls_back: bool,
}

impl Amendment<'_> {
    /// The record as it is afterwards; none if it is gone.
    async fn carry_out(&self) -> Result<Option<Record>, Cause> {
        self.session
            .progress
            .is("amending the registration at Authomize");
        if self.change == Change::Refresh {
            self.vendor.check_token().await.map_err(not_amended)?;
        }
        let Some((record, is_ours)) = self.find().await? else {
            return Ok(None);
        };
        if self.change == Change::Nothing || !is_ours {
            return Ok(Some(record));
        }
        let (session, vendor, registration) = (self.session, self.vendor, self.registration);
        let marker = session.marker();
        // What was seen when the run began may be long ago, and a later update done.
        if session.has_taken_long() && self.watch.is_over().await {
            return Err(Cause::AtRest);
        }
        match vendor.amend(&record.id, registration, &marker).await {
            Ok(record) => {
                let settled = settle(session, vendor, record, registration, &marker).await?;
                let settled = if self.rolls_back {
                    self.hold(settled, &marker).await?
                } else {
                    self.give_way(&settled.record, &marker).await?;
                    settled
                };
                if self.rolls_back && settled.failure.is_some() {
                    let id = &settled.record.id;
                    warn!(integration.id = %id, "rolled back to a role that Authomize cannot validate");
                    return Ok(Some(settled.record));
                }
                settled.validated().map(Some)
            }
            Err(ApiError::NotFound) => Ok(None),
            Err(source) => {
                if !self.rolls_back && source.leaves_the_outcome_open() {
                    self.give_way(&record, &marker).await?;
                }
                Err(not_amended(source))
            }
        }
    }

    /// An update that is taken back while it runs may amend the record later than
    /// the Update back does: then it takes its change back itself.
    async fn give_way(&self, record: &Record, marker: &Marker) -> Result<(), Cause> {
        if !self.watch.goes_back().await {
            return Ok(());
        }
        let undone = match self.former {
            Some(former) => self.vendor.amend(&record.id, former, marker).await.is_ok(),
            None => false,
        };
        Err(Cause::Cancelled { undone })
    }

    /// The update that is taken back may still have a request under way, which is
    /// waited for and, if it came, written over.
    async fn hold(&self, settled: Settled, marker: &Marker) -> Result<Settled, Cause> {
        let wait = longest_request(self.session);
        if !self.session.waits.allow(wait + wait) {
            return Ok(settled);
        }
        sleep(wait).await;
        let now = self.vendor.read(&settled.record.id).await;
        let holds = |record: &Record| {
            record.marking == Marking::NotKept && record.name == settled.record.name
                || record.holds(self.registration, marker)
        };
        match now {
            Ok(Some(record)) if record.status != Status::Deleted && !holds(&record) => {
                let (session, vendor) = (self.session, self.vendor);
                let amended = vendor.amend(&record.id, self.registration, marker).await;
                let record = amended.map_err(not_amended)?;
                settle(session, vendor, record, self.registration, marker).await
            }
            _ => Ok(settled),
        }
    }

    /// The record of the id, and whether it is ours to change; none if it is
    /// gone.
    async fn find(&self) -> Result<Option<(Record, bool)>, Cause> {
        let (vendor, registered) = (self.vendor, self.registered);
        let same_host = registered.host_hash == vendor.api().host_hash();
        let record = vendor
            .read(&registered.record)
            .await
            .map_err(not_amended)?
            .filter(|record| record.status != Status::Deleted);
        let Some(record) = record else {
            return if same_host {
                Ok(None)
            } else {
                Err(self.elsewhere())
            };
        };
        let is_recorded = |recorded: &PhysicalId| recorded.registered() == Some(registered);
        match ownership(&record, &self.session.marker()) {
            Ownership::Ours => Ok(Some((record, true))),
            _ if !same_host => Err(self.elsewhere()),
            Ownership::Anothers(owner) => self.not_ours(record, owner),
            // An event can name any record: one without our marker is ours only
            // if CloudFormation says so, or if the server keeps no markers.
            Ownership::Unmarked | Ownership::Released
                if !self.recorded.is_some_and(is_recorded) =>
            {
                self.not_ours(record, "somebody else".to_owned())
            }
            Ownership::Unknown if !self.recorded.is_none_or(is_recorded) => {
                self.not_ours(record, "somebody else".to_owned())
            }
            Ownership::Unmarked | Ownership::Released | Ownership::Unknown => {
                Ok(Some((record, true)))
            }
        }
    }

    fn not_ours(&self, record: Record, owner: String) -> Result<Option<(Record, bool)>, Cause> {
        if self.rolls_back {
            warn!(integration.id = %record.id, owner, "left a record alone that is not this stack's");
            return Ok(Some((record, false)));
        }
        Err(Cause::AnothersRecord {
            record: record.id.to_string(),
            owner,
        })
    }

    fn elsewhere(&self) -> Cause {
        Cause::AnotherHost {
            record: self.registered.record.to_string(),
            host: self.vendor.api().host().to_owned(),
        }
    }
}

fn not_amended(source: ApiError) -> Cause {
    Cause::Api {
        doing: "the registration could not be amended",
        source,
    }
}

/// The record is gone, or the id names none: register as a Create does. The new
/// id of a new record makes CloudFormation send a Delete for the old one, which
/// finds nothing. A record that was this resource's all along keeps the id that
/// came, and stays whatever the validation says.
async fn register_again(
    session: &Session,
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    former: Option<&Registration>,
) -> Result<Success, Failure> {
    let former_name = former
        .map(|former| former.name.as_str())
        .filter(|name| *name != registration.name);
    let registered = register(session, watch, vendor, registration, former_name).await?;
    let incoming = session.incoming_id();
    let issued = PhysicalId::issued(registered.record.id.clone(), vendor.api());
    let is_the_same = registered.origin == Origin::Found
        && incoming
            .registered()
            .is_none_or(|named| named.record == registered.record.id);
    let create::Registered { record, marker, .. } = registered;
    let id = record.id.clone();
    let settled = settle(session, vendor, record, registration, &marker).await;
    if registered.origin == Origin::Made && (watch.goes_back().await || watch.is_lost().await) {
        return Err(match vendor.read(&id).await {
            // The Update back has not made it its own.
            Ok(Some(record))
                if former != Some(registration) && record.holds(registration, &marker) =>
            {
                undo_now(session, registered.undo, session.incoming_id()).await
            }
            _ => session.fails(Cause::Cancelled { undone: false }),
        });
    }
    match settled.and_then(Settled::validated) {
        Ok(record) => Ok(Success {
            id: if is_the_same { incoming } else { issued },
            attributes: attributes(&record),
        }),
        Err(cause) if is_the_same => Err(session.fails(cause)),
        // The update fails with the old id, so nobody but us knows of the new record.
        Err(cause) => match registered.undo.run().await {
            Ok(()) => Err(session.fails(cause)),
            Err(_) => Err(Failure {
                unfinished: Some(Box::new(registered.undo)),
                ..session.fails(cause)
            }),
        },
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
