//! What follows the answer to a member. A hub believes no event: that
//! CloudFormation's bucket took the answer proves the request, for nobody else can
//! sign its URL.

use tracing::{error, info, warn};

use super::delete::deregister_a_member;
use super::failure::Cause;
use super::session::Session;
use crate::envelope::Request;

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

/// Finishes a request that is a member's, and no other. A Delete removes the record only
/// now; what a refused Create or Update made goes again.
///
/// # Errors
/// The record is not removed: Lambda shall run the event again.
pub async fn after_the_answer(
    session: &Session,
    request: &Request,
    proof: Proof,
) -> Result<(), Box<Cause>> {
    match (request, proof) {
        (Request::Delete { properties }, Proof::Taken) => {
            let gone = deregister_a_member(session, properties).await;
            gone.inspect_err(|cause| error!(error = %cause, "a member's record is not removed yet"))
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
