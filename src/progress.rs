//! How far a request has come, for the case that somebody else has to answer.
//!
//! Work can be cut: by its deadline, by a panic, by a thread that never returns.
//! The answer then says what was going on, and bears the id with which a later
//! Delete cleans up.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::answer::{Answer, Attributes, Outcome};
use crate::physical_id::PhysicalId;
use crate::record_id::RecordId;

/// Why work was cut.
#[derive(Clone, Copy, Debug, Error)]
pub enum Cut {
    /// Its deadline came.
    #[error("Time ran out")]
    OutOfTime,
    /// It ended without an answer: a panic.
    #[error("The function failed unexpectedly")]
    Failed,
}

/// Shared between the work and the courier.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    id: PhysicalId,
    doing: &'static str,
    met: Option<String>,
    left: Option<String>,
    succeeds: bool,
    has: Option<RecordId>,
    after_a_bug: Option<PhysicalId>,
}

impl Progress {
    /// Nothing was done yet; `id` is what to answer with if nothing ever is.
    pub fn new(id: PhysicalId) -> Self {
        Self(Arc::new(Mutex::new(State {
            id,
            doing: "reading the request",
            met: None,
            left: None,
            succeeds: false,
            has: None,
            after_a_bug: None,
        })))
    }

    /// From here on a failed request answers with `id`.
    pub fn answers_with(&self, id: PhysicalId) {
        self.with(|state| state.id = id);
    }

    /// From here on, work that ends by a bug answers with `id` where it would have said
    /// that nothing was made: a twin of this run may have made it.
    pub fn after_a_bug_answers_with(&self, id: PhysicalId) {
        self.with(|state| state.after_a_bug = Some(id));
    }

    /// What is going on now, to read on after "while".
    pub fn is(&self, doing: &'static str) {
        self.with(|state| {
            state.doing = doing;
            state.met = None;
        });
    }

    /// A try of what is going on failed, and it is tried again: what the admin is to
    /// know should there be no time for it.
    pub fn meets(&self, error: &impl Display) {
        self.with(|state| state.met = Some(error.to_string()));
    }

    /// From here on, work that is cut may leave this at the vendor, and no later
    /// request finds it.
    pub fn may_leave(&self, what: String) {
        self.with(|state| state.left = Some(what));
    }

    /// From here on, work that is cut answers SUCCESS: the stack is to go, whatever is
    /// left at the vendor.
    pub fn succeeds_when_cut(&self) {
        self.with(|state| state.succeeds = true);
    }

    /// From here on the stack has this record at the vendor, whatever the id says.
    pub fn has(&self, record: &RecordId) {
        self.with(|state| state.has = Some(record.clone()));
    }

    /// The id to answer with as things stand.
    pub fn id(&self) -> PhysicalId {
        self.with(|state| state.id.clone())
    }

    /// The answer for work that was cut, and the reason, which one that succeeds does
    /// not tell.
    pub fn cut(&self, because: Cut) -> (Answer, String) {
        self.with(|state| {
            let reason = state.reason(because);
            let id = match (because, &state.id, &state.after_a_bug) {
                (Cut::Failed, PhysicalId::None(_), Some(id)) => id,
                (_, id, _) => id,
            };
            let answer = Answer {
                physical_id: id.clone(),
                outcome: if state.succeeds {
                    Outcome::Success(Attributes::default())
                } else {
                    Outcome::Failed(reason.clone())
                },
            };
            (answer, reason)
        })
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn reason(&self, because: Cut) -> String {
        let doing = self.doing;
        let met = self.met.as_ref();
        let met = met.map(|error| format!(" The last try: {error}."));
        let met = met.unwrap_or_default();
        let Some(what) = &self.left else {
            let named = self.id.record();
            let has = self.has.as_ref().filter(|has| named != Some(has));
            let has = has.map(|record| format!(" The stack has record {record} at Authomize now."));
            let has = has.unwrap_or_default();
            return format!(
                "{because} while {doing}.{met}{has} Try again; if it happens again, tell Authomize what the log says."
            );
        };
        let then = if self.succeeds {
            "."
        } else {
            ", then delete the stack again and retain this resource."
        };
        format!(
            "{because} while {doing}, so {what} may be left.{met} Look for it at Authomize and remove it by hand{then}"
        )
    }
}
