//! Whether the stack still waits for a request that is being carried out.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::failure::Failure;
use super::ownership::{Ownership, ownership};
use super::session::{NewRole, Session};
use crate::authomize::{ApiError, Authomize, Marker, Record, TRIES};
use crate::aws::Aws;
use crate::physical_id::PhysicalId;
use crate::properties::Registration;
use crate::record_id::RecordId;
use crate::stack::{Standing, View};

/// What the stack looked like when a run began, and what its looks mean for the
/// run's request: a stack that rolls back waits for its Updates, not for Creates.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) session: &'a Session,
    pub(super) aws: &'a Aws,
    pub(super) before: &'a View,
    pub(super) meaning: fn(&View) -> Standing,
}

impl Watch<'_> {
    /// Asks CloudFormation whether it has given the request up meanwhile.
    pub(super) async fn is_lost(&self) -> bool {
        self.lost().await.is_some()
    }

    /// The same, and the look that tells the most of what is lost. Where it is not known
    /// whether the role might ever ask, one that goes loses the secret, too.
    pub(super) async fn lost(&self) -> Option<View> {
        let first = self.look().await;
        if (self.before, &first) == (&View::Unknown, &View::Denied) {
            let (session, aws) = (self.session, self.aws);
            let goes = session.loses_the_secret(aws, NewRole::Possible).await;
            return goes.then_some(first);
        }
        if !first.lost_since(self.before, self.meaning) {
            return None;
        }
        // The stack and the resource are asked about apart, so one answer can be older
        // than the other, and both than what has come since.
        if !self.session.outlasts_looks().await {
            sleep(self.session.waits.backoff).await;
        }
        let second = self.look().await;
        let since = |before| second.lost_since(before, self.meaning);
        let is_lost = match second {
            // What was seen before CloudFormation fell silent is true.
            View::Unknown => first.tells_of_the_resource(),
            _ => since(self.before) || since(&first),
        };
        let tells_more = second.tells_of_the_resource();
        is_lost.then_some(if tells_more { second } else { first })
    }

    /// Makes sure that the function's role is not being torn down with its stack: a role
    /// that may not ask CloudFormation can be one that never might, but one that goes
    /// loses the secret, too. Only a request that comes late can meet that.
    pub(super) async fn has_its_role(&self) -> Result<(), Failure> {
        let session = self.session;
        if *self.before != View::Denied || !session.comes_late() {
            return Ok(());
        }
        session.outlasts_requests(Duration::ZERO).await;
        let read = session.token(self.aws, NewRole::Possible).await;
        read.map(drop).map_err(|cause| session.fails(cause))
    }

    async fn look(&self) -> View {
        self.session.own_stack(self.aws).look().await
    }

    /// Brings a record up to date, again and again, as long as that is wanted and nobody
    /// else has taken it since it was seen.
    pub(super) async fn amend(
        &self,
        vendor: &Authomize,
        record: &Record,
        registration: &Registration,
        marker: &Marker,
    ) -> Result<Record, ApiError> {
        let mut patience = vendor.patience(TRIES - 1);
        loop {
            let error = match vendor.amend(&record.id, registration, marker).await {
                Ok(record) => return Ok(record),
                Err(error) => error,
            };
            let Some(wait) = patience.before_another_try(&error) else {
                return Err(error);
            };
            sleep(wait).await;
            if self.is_late().await || has_become_anothers(vendor, record, marker).await? {
                return Err(error);
            }
        }
    }

    /// Whether this run has taken so long that CloudFormation no longer waits for it:
    /// a later request may have been carried out since.
    pub(super) async fn is_late(&self) -> bool {
        self.session.has_taken_long() && self.is_over().await
    }

    /// Asks CloudFormation whether it no longer waits for the request. A role that might
    /// ask before, and may not any more, goes with its stack.
    pub(super) async fn is_over(&self) -> bool {
        let view = self.seen().await;
        (self.meaning)(&view) != Standing::Wanted || view == View::Denied && self.is_lost().await
    }

    /// Asks CloudFormation whether a twin of this run has been answered: then the record
    /// that both may have taken over is the stack's. It can have been a moment ago.
    pub(super) async fn has_been_answered(&self, record: &RecordId) -> bool {
        self.session.outlasts_looks().await;
        let view = self.seen().await;
        (self.meaning)(&view) == Standing::AtRest
            || view.record_of_another_request() == Some(record)
    }

    /// Asks CloudFormation whether it waits for the request, and believes nothing else: a
    /// laptop's knows no stacks.
    pub(super) async fn is_surely_wanted(&self) -> bool {
        if self.session.is_local() {
            return true;
        }
        let view = self.seen().await;
        matches!(view, View::Seen { .. }) && (self.meaning)(&view) == Standing::Wanted
    }

    /// Whether the request takes an update back: a failure now would leave the stack stuck,
    /// so what was not right before the update either is no failure. What CloudFormation
    /// told when the run began can be of a rollback before the request, so it is asked again
    /// if there is time.
    pub(super) async fn rolls_back(&self) -> bool {
        if !self.before.rolls_back() {
            return false;
        }
        !(self.session.outlasts_late_looks().await && self.look().await.goes_forward())
    }

    /// Asks CloudFormation whether it takes the update back, and began to before this
    /// run `wrote` last.
    pub(super) async fn is_taken_back(&self, wrote: SystemTime) -> bool {
        self.seen().await.takes_back(wrote)
    }

    /// The same of an update that registered `record` anew: what CloudFormation has recorded
    /// by now is the stack's, for a twin of this run was answered with it.
    pub(super) async fn is_taken_back_without(&self, record: &RecordId, wrote: SystemTime) -> bool {
        let view = self.seen().await;
        let recorded = view.recorded().and_then(PhysicalId::record);
        view.takes_back(wrote) && recorded != Some(record)
    }

    /// Asks until CloudFormation answers, a few times at most.
    async fn seen(&self) -> View {
        let own_stack = self.session.own_stack(self.aws);
        own_stack.look_for(|_| Standing::Wanted).await
    }
}

/// Whether somebody took the record since it was seen: where several may have it, the
/// first one does.
async fn has_become_anothers(
    vendor: &Authomize,
    seen: &Record,
    marker: &Marker,
) -> Result<bool, ApiError> {
    let now = vendor.read(&seen.id).await?.ok_or(ApiError::NotFound)?;
    Ok(now.marking != seen.marking && ownership(&now, marker) != Ownership::Ours)
}
