//! What follows the answer.
//!
//! A hub believes no event: that CloudFormation's bucket took the answer proves a
//! member's request, for nobody else can sign its URL. And Lambda may deliver a Create
//! twice at once: CloudFormation believes the answer that comes first, and that can say
//! that nothing was registered, or name another record, while this run registered.

use std::sync::atomic::Ordering;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::delete::deregister_a_member;
use super::session::{LATE, NewRole, Session};
use super::undo::Undo;
use crate::aws::Aws;
use crate::envelope::Request;
use crate::stack::View;

/// What the bucket said to an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// It took the answer: the request is CloudFormation's.
    Taken,
    /// It refused the answer for good: the request is nobody's, or too old.
    Refused,
    /// It could not be asked.
    Unknown,
}

/// A record is still at the vendor, and has to go: Lambda is to run the event again. The
/// log says why.
#[derive(Clone, Copy, Debug, Error)]
#[error("a record is not removed yet")]
pub struct StillThere;

/// Finishes a request after its answer.
///
/// Of a member a Delete removes the record only now, and what a refused Create or Update
/// made goes again. Of the own stack goes what a Create made and CloudFormation does not
/// know of.
///
/// # Errors
/// [`StillThere`].
pub async fn after_the_answer(
    session: &Session,
    request: &Request,
    proof: Proof,
) -> Result<(), StillThere> {
    if session.customer.is_a_member() {
        after_a_members(session, request, proof).await
    } else if matches!(request, Request::Create { .. }) {
        undo_unrecorded(session).await
    } else {
        Ok(())
    }
}

async fn after_a_members(
    session: &Session,
    request: &Request,
    proof: Proof,
) -> Result<(), StillThere> {
    match (request, proof) {
        (Request::Delete { properties }, Proof::Taken) => {
            let gone = deregister_a_member(session, properties).await;
            gone.map_err(|cause| {
                error!(error = %cause, "a member's record is not removed yet");
                StillThere
            })
        }
        (_, Proof::Refused) => {
            warn!("the answer was refused, so the request is not believed");
            undo_unproved(session).await;
            Ok(())
        }
        (_, Proof::Taken | Proof::Unknown) => Ok(()),
    }
}

async fn undo_unproved(session: &Session) {
    let Some(undo) = session.has_made() else {
        return;
    };
    match undo.until(session.waits.afterwards_until()).run().await {
        Ok(()) => info!(integration.id = %undo.record(), "took back what the request made"),
        Err(error) => error!(
            error = %error,
            integration.id = %undo.record(),
            "what a request made that is not believed is not taken back"
        ),
    }
}

/// Takes back what a Create of the own stack answered with, where CloudFormation has
/// recorded another id: the stack never asks for this record to be removed. Right after a
/// quick run there is nothing to see yet.
async fn undo_unrecorded(session: &Session) -> Result<(), StillThere> {
    let answered = session.progress.id();
    let (Some(undo), Some(record)) = (session.has_made(), answered.record()) else {
        return Ok(());
    };
    let end = session.waits.afterwards_until();
    let undo = undo.until(end);
    let sees_nothing = session.is_local() || !session.has_taken_long();
    if sees_nothing || !seems_forgotten(session, &undo, NewRole::Possible).await {
        return Ok(());
    }
    warn!(integration.id = %record, "the stack seems to know nothing of this record");
    // What is told is a few seconds old at most, so this look is of another moment. Without
    // the time for it the record stays, for it may be the stack's.
    if Instant::now() + LATE < end {
        sleep(LATE).await;
        if seems_forgotten(session, &undo, NewRole::RuledOut).await {
            return undo.go_on(session.waits).await;
        }
    }
    Ok(())
}

/// Whether CloudFormation has recorded an id without the record, as far as it tells, or
/// the function's role is gone, and its stack with it.
async fn seems_forgotten(session: &Session, undo: &Undo, new_role: NewRole) -> bool {
    let aws = session.aws();
    match session.own_stack(&aws).look().await {
        View::Denied => has_lost_its_role(session, &aws, new_role).await,
        view => match view.has_another_than(undo.record()) {
            Some(another) => undo.is_beside(another).await,
            None => view.goes_without(undo.record()),
        },
    }
}

/// Whether the function's role is gone: a run that registered could read the secret
/// before, and this one was not denied to ask about its stack. The rights of a role that
/// is new may come and go for a while.
async fn has_lost_its_role(session: &Session, aws: &Aws, new_role: NewRole) -> bool {
    session.may_see_its_stack.load(Ordering::Relaxed)
        && session.loses_the_secret(aws, new_role).await
}
