//! Getting a resource its one record at the vendor, whatever happens on the way.

use std::mem;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{info, warn};

use super::failure::{Cause, Failure};
use super::ownership::{Found, found};
use super::session::Session;
use super::undo::Undo;
use super::watch::Watch;
use crate::authomize::{ApiError, Authomize, Marker, Record};
use crate::physical_id::PhysicalId;
use crate::properties::Registration;

/// How often a record is asked for at most, waits for a name included, and waits for a
/// vendor that asks for fewer requests not.
const ROUNDS: usize = 10;

const NOT_REGISTERED: &str = "the account could not be registered";
const NOT_TAKEN_OVER: &str = "the released record could not be taken over";

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

/// Gets this resource exactly one record: makes it, finds the one of an earlier
/// try, or takes over one that was released. An Update may have left one under the
/// name that it wanted before it was rolled back: the former one.
pub(super) async fn register(
    watch: Watch<'_>,
    vendor: &Authomize,
    registration: &Registration,
    former_name: Option<&str>,
) -> Result<Registered, Failure> {
    watch.session.progress.is("registering at Authomize");
    let registering = Registering {
        watch,
        vendor,
        registration,
        former_name,
    };
    registering.carry_out().await
}

/// One registration under way.
struct Registering<'a> {
    watch: Watch<'a>,
    vendor: &'a Authomize,
    registration: &'a Registration,
    former_name: Option<&'a str>,
}

/// What came of looking under the former name.
enum Formerly {
    Nothing,
    Found(Box<Registered>),
    /// Our record is there, and another one still has the name that it is to have.
    NameIsTaken(Failure),
}

impl Registering<'_> {
    fn session(&self) -> &Session {
        self.watch.session
    }

    async fn carry_out(&self) -> Result<Registered, Failure> {
        let (session, vendor) = (self.session(), self.vendor);
        let incoming = session.progress.id();
        let mut patience = vendor.patience(ROUNDS);
        let names_no_record = matches!(incoming, PhysicalId::Pending(_) | PhysicalId::Invented(_));
        let mut look = names_no_record || session.may_be_a_second_run();
        let mut time_has_passed = look || session.has_taken_long();
        let mut outlasts = self.watch.before.rolls_back();
        loop {
            match self.look_under_the_former_name().await? {
                Formerly::Nothing => {}
                Formerly::Found(registered) => return Ok(*registered),
                Formerly::NameIsTaken(failure) => {
                    let Some(wait) = patience.after(&ApiError::Conflict) else {
                        return Err(failure);
                    };
                    sleep(wait).await;
                    continue;
                }
            }
            if look && let Some(registered) = self.look_for_ours().await? {
                return Ok(registered);
            }
            // The update that is taken back may be registering still, or have done so, and
            // the list be late.
            if mem::take(&mut outlasts) && session.outlasts_requests(Duration::ZERO).await {
                look = true;
                time_has_passed = true;
                continue;
            }
            self.is_still_wanted(time_has_passed).await?;
            time_has_passed = true;
            let before_posting = session.progress.id();
            self.answer_pending(&incoming);
            let error = match self.post().await {
                Ok(record) => return Ok(self.made(record)),
                Err(error) => error,
            };
            // Who has a taken name is still to be found out: perhaps this resource.
            if !error.leaves_the_outcome_open() && !matches!(error, ApiError::Conflict) {
                session.progress.answers_with(before_posting.clone());
            }
            let wait = patience.after(&error);
            match (&error, wait) {
                (ApiError::Conflict, wait) => {
                    let found = self.find(look).await?;
                    if !matches!(found, Found::Ours(_) | Found::Released(_) | Found::Left(_)) {
                        session.progress.answers_with(before_posting);
                    }
                    if let Some(registered) = self.on_conflict(found, wait.is_some()).await? {
                        return Ok(registered);
                    }
                    sleep(wait.unwrap_or_default()).await;
                }
                (_, Some(wait)) if error.is_retryable() => {
                    look = look || error.leaves_the_outcome_open();
                    sleep(wait).await;
                }
                _ => return self.find_a_twins(error).await,
            }
        }
    }

    /// Makes sure that the stack is there still, and that no twin of this run has been
    /// answered.
    async fn is_still_wanted(&self, time_has_passed: bool) -> Result<(), Failure> {
        if time_has_passed && self.watch.is_lost().await {
            return Err(self.session().fails(Cause::Cancelled { undone: false }));
        }
        if self.watch.is_late().await {
            return Err(self.session().fails(Cause::AtRest));
        }
        Ok(())
    }

    /// From now on something may exist that only the marker leads to. An Update
    /// keeps its id whatever happens.
    fn answer_pending(&self, incoming: &PhysicalId) {
        if matches!(incoming, PhysicalId::None(_)) {
            let pending = self.session().pending_id();
            self.session().progress.answers_with(pending);
        }
    }

    async fn post(&self) -> Result<Record, ApiError> {
        let marker = self.session().marker();
        let key = self.session().idempotency_key();
        self.vendor.create(self.registration, &marker, &key).await
    }

    fn made(&self, record: Record) -> Registered {
        let session = self.session();
        let marker = session.marker();
        let undo = Undo::removing(self.vendor, record.id.clone(), marker.clone());
        session.makes(&undo);
        session.progress.has(&record.id);
        Registered {
            undo,
            marker,
            record,
            origin: Origin::Made,
        }
    }

    fn fails(&self, doing: &'static str, source: ApiError) -> Failure {
        self.session().fails(Cause::Api { doing, source })
    }

    /// Looks for a record of ours that an earlier request may have made.
    async fn look_for_ours(&self) -> Result<Option<Registered>, Failure> {
        match self.find(true).await? {
            Found::Ours(record) => self.resume(record).await.map(Some),
            Found::Released(record) => self.take_over(record).await.map(Some),
            Found::Left(record) => self.succeed(record).await,
            Found::Going | Found::Nothing | Found::Switched | Found::Anothers(_) => Ok(None),
            Found::Ambiguous => Err(self.session().fails(Cause::Ambiguous {
                name: self.registration.name.clone(),
            })),
        }
    }

    /// An Update may have left a record that bears our marker under the name that it
    /// wanted. A list can be late, so it is looked for before each try.
    async fn look_under_the_former_name(&self) -> Result<Formerly, Failure> {
        let Some(name) = self.former_name else {
            return Ok(Formerly::Nothing);
        };
        let records = self.named(name).await?;
        let found = found(&records, &self.session().marker(), self.registration, None);
        let Found::Ours(record) = found else {
            return Ok(Formerly::Nothing);
        };
        match self.resume(record).await {
            Ok(registered) => Ok(Formerly::Found(Box::new(registered))),
            Err(failure) => match *failure.cause {
                Cause::NotUpToDate {
                    source: ApiError::Conflict,
                    ..
                } => Ok(Formerly::NameIsTaken(failure)),
                _ => Err(failure),
            },
        }
    }

    /// The vendor does not let this run register, but a twin of it may have, and died
    /// since.
    async fn find_a_twins(&self, error: ApiError) -> Result<Registered, Failure> {
        match self.find(true).await {
            Ok(Found::Ours(record)) => {
                self.answer_pending(&self.session().progress.id());
                self.resume(record).await
            }
            _ => Err(self.fails(NOT_REGISTERED, error)),
        }
    }

    /// What has the name. Where the server shows no marker, a record can only be ours
    /// if an earlier request of ours may have made it.
    async fn find(&self, was_asked_before: bool) -> Result<Found, Failure> {
        let session = self.session();
        let records = self.named(&self.registration.name).await?;
        let asked_at = self.vendor.vendors_time_at(session.asked_at());
        // When a member's request was sent is for the event to say, and not believed.
        let since = asked_at.filter(|_| was_asked_before && !session.customer.is_a_member());
        Ok(found(&records, &session.marker(), self.registration, since))
    }

    async fn named(&self, name: &str) -> Result<Vec<Record>, Failure> {
        let doing = "it could not be found out whether the account is registered already";
        let found = self.vendor.find(name).await;
        found.map_err(|source| self.fails(doing, source))
    }

    /// The name is taken: by us, by a record on its way out, or by somebody else.
    async fn on_conflict(
        &self,
        found: Found,
        can_wait: bool,
    ) -> Result<Option<Registered>, Failure> {
        let taken = |owner: String| {
            self.session().fails(Cause::NameTaken {
                name: self.registration.name.clone(),
                owner,
            })
        };
        match found {
            Found::Ours(record) => self.resume(record).await.map(Some),
            Found::Released(record) => self.take_over(record).await.map(Some),
            Found::Left(record) => self.succeed(record).await,
            Found::Switched => Err(self.session().fails(Cause::Switched)),
            // A hub says nothing of one account to another.
            Found::Anothers(_) if self.session().customer.is_a_member() => {
                Err(taken("and it is not this stack's".to_owned()))
            }
            Found::Anothers(owner) => Err(taken(owner)),
            Found::Going | Found::Nothing if can_wait => Ok(None),
            Found::Going => Err(taken("which is being deleted".to_owned())),
            Found::Nothing | Found::Ambiguous => {
                Err(taken("and Authomize does not say whose it is".to_owned()))
            }
        }
    }

    /// Goes on with our own record of an earlier try: brings it up to date if it is not,
    /// unless a later request has done that.
    async fn resume(&self, found: Record) -> Result<Registered, Failure> {
        let (session, vendor) = (self.session(), self.vendor);
        let is_a_members = session.customer.is_a_member();
        if is_a_members && found.is_released() {
            return self.take_over(found).await;
        }
        info!(integration.id = %found.id, "found the record of an earlier try");
        session.progress.has(&found.id);
        let marker = Marker {
            taken_over: found.is_taken_over(),
            ..session.marker_of_a_taken(&found)
        };
        let undo = if is_a_members {
            Undo::leaving(vendor, found.id.clone())
        } else {
            let undo = Undo::removing(vendor, found.id.clone(), marker.clone());
            session.makes(&undo);
            undo
        };
        let record = if found.holds(self.registration, &marker) {
            found
        } else if self.watch.is_over().await {
            return Err(session.fails(Cause::AtRest));
        } else {
            let watch = self.watch;
            let amended = watch.amend(vendor, &found, self.registration, &marker);
            amended.await.map_err(|source| {
                session.fails(Cause::NotUpToDate {
                    record: found.id,
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

    /// What a stack of this one's name left; none if it is gone meanwhile. A request of
    /// that stack may be under way still. Or this is that stack's run, and late, and the
    /// other stack came after it: which of the two is there only CloudFormation knows.
    async fn succeed(&self, left: Record) -> Result<Option<Registered>, Failure> {
        let session = self.session();
        session.outlasts_requests(Duration::ZERO).await;
        if !self.watch.is_surely_wanted().await {
            let owner = left.shown_owner.as_deref().unwrap_or_default();
            return Err(session.fails(Cause::NameTaken {
                name: self.registration.name.clone(),
                owner: format!("and belongs to stack {owner}"),
            }));
        }
        match self.vendor.read(&left.id).await {
            Ok(Some(now)) if now.marking == left.marking => self.take_over(now).await.map(Some),
            Ok(_) => Ok(None),
            Err(source) => Err(self.fails(NOT_TAKEN_OVER, source)),
        }
    }

    /// A record that another stack of this account released or left.
    async fn take_over(&self, released: Record) -> Result<Registered, Failure> {
        info!(integration.id = %released.id, "taking over a released record");
        let id = released.id.clone();
        let marker = self.session().marker_of_a_taken(&released);
        let undo = Undo::releasing(self.vendor, released.clone(), marker.clone());
        self.session().makes(&undo);
        let (watch, vendor) = (self.watch, self.vendor);
        let amended = watch.amend(vendor, &released, self.registration, &marker);
        match amended.await {
            Ok(record) => Ok(Registered {
                record,
                marker,
                undo,
                origin: Origin::TakenOver,
            }),
            Err(source) => {
                // It may have been taken over all the same.
                if !self.watch.has_been_answered(&id).await
                    && let Err(error) = undo.run().await
                {
                    warn!(error = %error, integration.id = %id, "the record is not released again");
                }
                Err(self.fails(NOT_TAKEN_OVER, source))
            }
        }
    }
}
