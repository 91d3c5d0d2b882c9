//! Delete: only what is ours, and as lenient as can be.

use std::time::Duration;

use serde_json::Value;
use tracing::warn;

use super::Success;
use super::failure::{Cause, Failure};
use super::ownership::{Ownership, ownership};
use super::session::{NewRole, Session};
use crate::answer::Attributes;
use crate::authomize::{ApiError, Authomize, Record, Status};
use crate::customer::Customer;
use crate::physical_id::{PhysicalId, Registered};
use crate::properties::{Farewell, OnDelete, OnDeregistrationFailure};
use crate::record_id::RecordId;
use crate::stack::{Standing, View};
use crate::token::Token;

/// Deregisters the account.
pub(super) async fn delete(session: &Session, properties: &Value) -> Result<Success, Failure> {
    let id = session.incoming_id();
    session.progress.answers_with(id.clone());
    if matches!(id, PhysicalId::None(_)) {
        return Ok(done(session));
    }
    match session.customer {
        Customer::OwnStack => {}
        // The answer goes first, for it is the proof: see `afterwards`.
        Customer::Member(_) => return Ok(done(session)),
        Customer::FarMember | Customer::Stranger => {
            warn!("a request of another stack: nothing of ours can be meant");
            return Ok(done(session));
        }
    }
    let farewell = session.farewell(properties);
    session.progress.may_leave(left(&id, &farewell));
    if is_ignored(&id, &farewell) {
        session.progress.succeeds_when_cut();
    }
    session.progress.is("reading the API token");
    let aws = session.aws();
    let own_stack = session.own_stack(&aws);
    let (token, view) = tokio::join!(
        biased;
        session.token(&aws, NewRole::RuledOut),
        own_stack.look_for(|view| view.for_delete(&id)),
    );
    if view.for_delete(&id) != Standing::Wanted {
        return Err(session.fails(Cause::AtRest));
    }
    session.progress.is("deregistering at Authomize");
    let run = Run {
        session,
        farewell: &farewell,
        view: &view,
        spares_what_was_let_go: false,
    };
    match run.carry_out(token, &id).await {
        Ok(()) => Ok(done(session)),
        Err(cause) => run.not_deregistered(&id, cause),
    }
}

/// Deregisters a member, whose Delete was answered and proved by that.
///
/// # Errors
/// [`Cause::NotDeregistered`].
pub(super) async fn deregister_a_member(
    session: &Session,
    properties: &Value,
) -> Result<(), Box<Cause>> {
    let id = session.incoming_id();
    if matches!(id, PhysicalId::None(_)) {
        return Ok(());
    }
    let farewell = session.farewell(properties);
    let run = Run {
        session,
        farewell: &farewell,
        view: &View::Denied,
        spares_what_was_let_go: true,
    };
    let aws = session.aws();
    let token = session.token(&aws, NewRole::RuledOut).await;
    run.carry_out(token, &id).await.map_err(|source| {
        Box::new(Cause::NotDeregistered {
            what: left(&id, &farewell),
            source: Box::new(source),
        })
    })
}

/// Removes, or releases, what bears our marker, but for the record to be `spared`, and for
/// what a deletion has let go since; false if there is nothing.
///
/// # Errors
/// The vendor refused, could not be asked, or cannot say whose a record is.
pub(super) async fn remove_by_the_marker(
    session: &Session,
    properties: &Value,
    vendor: &Authomize,
    spared: Option<&RecordId>,
) -> Result<bool, Cause> {
    let farewell = session.farewell(properties);
    let run = Run {
        session,
        farewell: &farewell,
        view: &View::Unknown,
        spares_what_was_let_go: true,
    };
    let found = run.remove_ours(vendor, spared).await?;
    Ok(found == Ours::LetGo)
}

fn done(session: &Session) -> Success {
    Success {
        id: session.progress.id(),
        attributes: Attributes::default(),
    }
}

/// What bore our marker.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Ours {
    Nothing,
    /// Only what another request sees to.
    Spared,
    LetGo,
}

struct Run<'a> {
    session: &'a Session,
    farewell: &'a Farewell,
    view: &'a View,
    /// A request that is older than the deletion, or that anybody can send again, cannot
    /// have it mean more.
    spares_what_was_let_go: bool,
}

impl Run<'_> {
    /// Does with what the id stands for what its form says.
    async fn carry_out(&self, token: Result<Token, Cause>, id: &PhysicalId) -> Result<(), Cause> {
        let (api, external_id) = (&self.farewell.api, &self.farewell.external_id);
        let vendor = self
            .session
            .vendor(token?, api.clone(), external_id.clone())?;
        match id {
            PhysicalId::Issued(registered) => self.deregister(&vendor, registered, id).await,
            PhysicalId::Adopted(registered) => self.hand_back(&vendor, registered).await,
            PhysicalId::Pending(_) | PhysicalId::Invented(_) => self.look_and_remove(&vendor).await,
            PhysicalId::None(_) => Ok(()),
        }
    }

    /// Removes or releases the record of an issued id, if it is ours.
    async fn deregister(
        &self,
        vendor: &Authomize,
        registered: &Registered,
        id: &PhysicalId,
    ) -> Result<(), Cause> {
        let Some(record) = self.read(vendor, registered).await? else {
            return self.do_without(vendor, registered).await;
        };
        let same_host = registered.host_hash == vendor.api().host_hash();
        match ownership(&record, &self.session.marker()) {
            Ownership::Ours if self.spares_what_was_let_go && record.is_released() => {
                warn!(integration.id = %record.id, "left a record alone that was let go already");
                Ok(())
            }
            Ownership::Unmarked | Ownership::Unknown if self.is_a_members() => {
                warn!(integration.id = %record.id, "left a record alone that bears no marker");
                Ok(())
            }
            // The marker has the stack's id, which never repeats: it proves at
            // another host, too, that the record is this one.
            Ownership::Ours => self.let_go(vendor, &record).await,
            Ownership::Anothers(owner) => {
                warn!(integration.id = %record.id, owner, "left another stack's record alone");
                Ok(())
            }
            Ownership::Released => {
                warn!(integration.id = %record.id, "left a released record alone");
                Ok(())
            }
            Ownership::Unmarked | Ownership::Unknown if !same_host => {
                Err(self.elsewhere(vendor, registered))
            }
            Ownership::Unmarked | Ownership::Unknown => match self.view.recorded() {
                Some(recorded) if recorded == id => self.let_go(vendor, &record).await,
                Some(_) => {
                    warn!(integration.id = %record.id, "left a record alone that is not this resource's");
                    Ok(())
                }
                None => Err(Cause::Ambiguous {
                    name: self.farewell.name.clone(),
                }),
            },
        }
    }

    /// Releases the record of an adopted id: no stack made it.
    async fn hand_back(&self, vendor: &Authomize, registered: &Registered) -> Result<(), Cause> {
        match self.read(vendor, registered).await? {
            None => self.do_without(vendor, registered).await,
            Some(record) if ownership(&record, &self.session.marker()) == Ownership::Ours => vendor
                .release(&record, &record.marking)
                .await
                .map_err(refused),
            Some(_) => Ok(()),
        }
    }

    /// A record that the vendor does not have is gone, and what replaced it is to go
    /// with the stack; one that another host does not have may well be there still.
    async fn do_without(&self, vendor: &Authomize, registered: &Registered) -> Result<(), Cause> {
        if registered.host_hash != vendor.api().host_hash() {
            return Err(self.elsewhere(vendor, registered));
        }
        if self.view.goes() {
            self.remove_a_successor(vendor).await;
        }
        Ok(())
    }

    /// An update of which CloudFormation never heard the end may have registered anew.
    /// With its stack that goes, too; what stands in the way does not fail the Delete.
    async fn remove_a_successor(&self, vendor: &Authomize) {
        if let Err(error) = self.remove_ours(vendor, self.recorded()).await {
            let name = &self.farewell.name;
            warn!(error = %error, integration.name = name, "it is not known whether another record replaced the one that is gone");
        }
    }

    fn elsewhere(&self, vendor: &Authomize, registered: &Registered) -> Cause {
        Cause::AnotherHost {
            record: registered.record.to_string(),
            host: vendor.api().host().to_owned(),
        }
    }

    async fn read(
        &self,
        vendor: &Authomize,
        registered: &Registered,
    ) -> Result<Option<Record>, Cause> {
        vendor.read(&registered.record).await.map_err(refused)
    }

    async fn let_go(&self, vendor: &Authomize, record: &Record) -> Result<(), Cause> {
        match self.farewell.on_delete {
            OnDelete::Remove if record.adopted_name().is_none() => {
                vendor.remove(record).await.map_err(refused)
            }
            OnDelete::Remove | OnDelete::Keep => vendor
                .release(record, &record.marking)
                .await
                .map_err(refused),
        }
    }

    /// Removes or releases what no id names. What was taken over by a Create that
    /// CloudFormation never heard succeed was another stack's, which wanted it kept.
    async fn let_go_of_an_unknown(&self, vendor: &Authomize, record: &Record) -> Result<(), Cause> {
        if record.is_taken_over() {
            vendor
                .release(record, &record.marking)
                .await
                .map_err(refused)
        } else {
            self.let_go(vendor, record).await
        }
    }

    /// Looks for what a Create with an unknown outcome may have left. A Create
    /// that was cancelled may still be sending its request, so what is not there
    /// yet is looked for once more when that must have ended.
    async fn look_and_remove(&self, vendor: &Authomize) -> Result<(), Cause> {
        if self.remove_ours(vendor, self.recorded()).await? != Ours::Nothing {
            return Ok(());
        }
        self.session.outlasts_requests(Duration::ZERO).await;
        self.remove_ours(vendor, self.recorded()).await.map(drop)
    }

    /// The record of the id that CloudFormation has recorded: where the Delete is of
    /// another id, it is the one that replaced this one.
    fn recorded(&self) -> Option<&RecordId> {
        self.view.recorded().and_then(PhysicalId::record)
    }

    /// Removes the record that bears our marker, unless it is the one to be `spared`.
    async fn remove_ours(
        &self,
        vendor: &Authomize,
        spared: Option<&RecordId>,
    ) -> Result<Ours, Cause> {
        let mut records = vendor.find(&self.farewell.name).await.map_err(refused)?;
        let marker = self.session.marker();
        if let Some(id) = &self.farewell.adopt {
            let adopted = vendor.read(id).await.map_err(refused)?;
            records.extend(adopted.filter(|it| ownership(it, &marker) == Ownership::Ours));
        }
        let live = || {
            records
                .iter()
                .filter(|record| record.status != Status::Deleted)
        };
        let is_ours = |record: &&Record| {
            let was_let_go = self.spares_what_was_let_go && record.is_released();
            !was_let_go && ownership(record, &marker) == Ownership::Ours
        };
        let mut found = Ours::Nothing;
        for record in live().filter(is_ours) {
            if spared == Some(&record.id) {
                found = found.max(Ours::Spared);
            } else {
                found = Ours::LetGo;
                self.let_go_of_an_unknown(vendor, record).await?;
            }
        }
        if found != Ours::Nothing {
            return Ok(found);
        }
        let unclear = live().any(|record| {
            ownership(record, &marker) == Ownership::Unknown && spared != Some(&record.id)
        });
        if unclear && !self.is_a_members() {
            return Err(Cause::Ambiguous {
                name: self.farewell.name.clone(),
            });
        }
        Ok(Ours::Nothing)
    }

    fn is_a_members(&self) -> bool {
        self.session.customer.is_a_member()
    }

    /// The vendor did not do it.
    fn not_deregistered(&self, id: &PhysicalId, cause: Cause) -> Result<Success, Failure> {
        let cause = Cause::NotDeregistered {
            what: left(id, self.farewell),
            source: Box::new(cause),
        };
        if is_ignored(id, self.farewell) {
            warn!(error = %cause, "answered SUCCESS all the same");
            Ok(done(self.session))
        } else {
            Err(self.session.fails(cause))
        }
    }
}

/// Whether the stack goes though the record may stay. That is the admin's wish; for an id
/// that CloudFormation invented it always does, for most likely there is nothing.
fn is_ignored(id: &PhysicalId, farewell: &Farewell) -> bool {
    farewell.on_failure == OnDeregistrationFailure::Ignore || matches!(id, PhysicalId::Invented(_))
}

/// What is at the vendor while it is not removed.
fn left(id: &PhysicalId, farewell: &Farewell) -> String {
    match id.registered() {
        Some(registered) => format!("record {}", registered.record),
        None => format!(
            "an integration named \"{}\", if there is one,",
            farewell.name
        ),
    }
}

fn refused(source: ApiError) -> Cause {
    Cause::Api {
        doing: "the registration could not be looked for",
        source,
    }
}
