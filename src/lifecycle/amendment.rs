//! Bringing the record of an id up to date, and giving way to what comes after.

use std::time::SystemTime;

use tracing::warn;

use super::failure::Cause;
use super::ownership::{Ownership, ownership};
use super::session::Session;
use super::settle::{Settled, is_still_ours, settle};
use super::update::Change;
use super::watch::Watch;
use crate::authomize::{ApiError, Authomize, Marker, Marking, Record};
use crate::physical_id::{PhysicalId, Registered};
use crate::properties::Registration;

/// Bringing the record of an id up to date.
pub(super) struct Amendment<'a> {
    pub(super) watch: Watch<'a>,
    pub(super) vendor: &'a Authomize,
    pub(super) registered: &'a Registered,
    pub(super) registration: &'a Registration,
    /// What the update came from, if that can be read.
    pub(super) former: Option<&'a Registration>,
    pub(super) change: Change,
}

impl Amendment<'_> {
    /// The record as it is afterwards; none if it is gone.
    pub(super) async fn carry_out(&self) -> Result<Option<Record>, Cause> {
        let session = self.session();
        session
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
        let (vendor, registration) = (self.vendor, self.registration);
        let marker = self.marker(&record);
        // What was seen when the run began may be long ago, and a later update done.
        if self.watch.is_late().await {
            return Err(Cause::AtRest);
        }
        let amended = self.watch.amend(vendor, &record, registration, &marker);
        match amended.await {
            Ok(record) => self.see_through(record, &marker).await.map(Some),
            Err(ApiError::NotFound) => Ok(None),
            Err(source) => {
                if !self.watch.rolls_back().await {
                    let wrote = session.clock.now();
                    self.give_way(&record, &marker, wrote).await?;
                }
                Err(not_amended(source))
            }
        }
    }

    /// Waits for the validation, and minds who else may write.
    async fn see_through(&self, amended: Record, marker: &Marker) -> Result<Record, Cause> {
        let settled = settle(self.watch, self.vendor, amended, self.registration, marker).await?;
        if !self.watch.rolls_back().await {
            let wrote = settled.wrote;
            self.give_way(&settled.record, marker, wrote).await?;
            return settled.validated();
        }
        let held = self.hold(settled, marker).await?;
        Ok(held.rolled_back())
    }

    /// An update that is taken back while it runs may amend the record later than
    /// the Update back does: then it takes its change back itself.
    async fn give_way(
        &self,
        record: &Record,
        marker: &Marker,
        wrote: SystemTime,
    ) -> Result<(), Cause> {
        if !self.watch.is_taken_back(wrote).await {
            return Ok(());
        }
        let undone = match (self.former, self.vendor.read(&record.id).await) {
            (Some(former), Ok(Some(now))) if is_still_ours(&now, marker) => {
                self.vendor.amend(&now.id, former, marker).await.is_ok()
            }
            _ => false,
        };
        Err(Cause::Cancelled { undone })
    }

    /// The update that is taken back may still have a request under way, which is
    /// waited for and, if it came, written over.
    async fn hold(&self, settled: Settled, marker: &Marker) -> Result<Settled, Cause> {
        let session = self.session();
        if !session.outlasts_requests(session.waits.vendor_call).await {
            return Ok(settled);
        }
        match self.vendor.read(&settled.record.id).await {
            Ok(Some(now)) if is_still_ours(&now, marker) && !self.is_as_wanted(&now, marker) => {
                if self.watch.is_late().await {
                    return Err(Cause::AtRest);
                }
                let (watch, vendor, registration) = (self.watch, self.vendor, self.registration);
                let amended = watch.amend(vendor, &now, registration, marker).await;
                let record = amended.map_err(not_amended)?;
                settle(watch, vendor, record, registration, marker).await
            }
            _ => Ok(settled),
        }
    }

    /// As far as the server shows it.
    fn is_as_wanted(&self, record: &Record, marker: &Marker) -> bool {
        let has_the_name = record.name.as_deref() == Some(self.registration.name.as_str());
        record.holds(self.registration, marker)
            || record.marking == Marking::NotKept && has_the_name
    }

    /// The record of the id, and whether it is ours to change; none if it is
    /// gone.
    async fn find(&self) -> Result<Option<(Record, bool)>, Cause> {
        let (vendor, registered) = (self.vendor, self.registered);
        let same_host = registered.host_hash == vendor.api().host_hash();
        let record = vendor.read(&registered.record).await.map_err(not_amended)?;
        let Some(record) = record else {
            return if same_host {
                Ok(None)
            } else {
                Err(self.elsewhere())
            };
        };
        let is_recorded = |recorded: &PhysicalId| recorded.registered() == Some(registered);
        let recorded = self.watch.before.recorded();
        let is_a_members = self.session().customer.is_a_member();
        let whose = ownership(&record, &self.session().marker());
        match whose {
            // Nothing but the marker proves a member's record to be its own, and a
            // hub names nobody to it.
            _ if is_a_members && (whose != Ownership::Ours || record.is_released()) => {
                self.not_ours(record, "somebody else".to_owned()).await
            }
            Ownership::Ours => Ok(Some((record, true))),
            _ if !same_host => Err(self.elsewhere()),
            Ownership::Anothers(owner) => self.not_ours(record, owner).await,
            // An event can name any record: one without our marker is ours only
            // if CloudFormation says so, or if the server keeps no markers.
            Ownership::Unmarked | Ownership::Released if !recorded.is_some_and(is_recorded) => {
                self.not_ours(record, "somebody else".to_owned()).await
            }
            Ownership::Unknown if !recorded.is_none_or(is_recorded) => {
                self.not_ours(record, "somebody else".to_owned()).await
            }
            Ownership::Unmarked | Ownership::Released | Ownership::Unknown => {
                Ok(Some((record, true)))
            }
        }
    }

    fn session(&self) -> &Session {
        self.watch.session
    }

    /// The marker to write: that no stack made the record is never forgotten, not even
    /// where somebody took the marker away.
    fn marker(&self, record: &Record) -> Marker {
        let session = self.session();
        let is_a_members = session.customer.is_a_member();
        let incoming = session.incoming_id();
        let id = self.watch.before.recorded().unwrap_or(&incoming);
        let is_adopted = !is_a_members && matches!(id, PhysicalId::Adopted(_));
        let by_name = || record.name.as_deref().filter(|_| is_adopted);
        let adopted_name = record.adopted_name().or_else(by_name);
        let is_kept = is_a_members && record.is_taken_over();
        Marker {
            taken_over: is_kept || adopted_name.is_some(),
            adopted_name: adopted_name.map(ToOwned::to_owned),
            ..session.marker()
        }
    }

    async fn not_ours(
        &self,
        record: Record,
        owner: String,
    ) -> Result<Option<(Record, bool)>, Cause> {
        if self.watch.rolls_back().await {
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
