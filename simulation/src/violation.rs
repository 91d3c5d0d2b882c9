//! What must hold whatever happens, by name.

use std::fmt;

use serde::Serialize;

/// A promise.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Promise {
    /// Every request that the function could run for is answered in time.
    EveryRequestIsAnswered,
    /// One run puts the same bytes at every try.
    OneRunSaysOneThing,
    /// An answer repeats the ids, has all members, and at most 4096 bytes.
    AnswersAreWellFormed,
    /// Never two live records of one stack.
    OneStackOneRecord,
    /// What is somebody else's is neither changed nor removed.
    NothingOfOthersIsTouched,
    /// What a stack kept is not removed by one that never came into being.
    WhatWasKeptStays,
    /// What the admin wants kept is there after the stack is gone.
    KeepKeeps,
    /// Nothing is left of a stack that is gone, unless the admin was told.
    NothingIsLeftUnsaid,
    /// An id changes only where the record was replaced.
    IdsStay,
    /// The vendor has what the last success asked for.
    TheVendorHasTheLastSuccess,
    /// A creation does not succeed with a role that cannot be assumed.
    NoSuccessForABrokenRole,
    /// No token, external id or response URL in an answer, an id or a log line.
    NoSecretLeaves,
    /// At most 40 requests to the vendor in a life without faults, and 16 more for each
    /// further update.
    FewRequests,
    /// A process asks nobody anything when its run is over, and 30 minutes after the last
    /// one nothing is under way.
    EverythingComesToRest,
    /// The handler does not panic by itself.
    NoPanic,
}

/// A broken promise.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub how: String,
    /// When, in virtual milliseconds.
    pub at: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.how)
    }
}

/// A history in which nobody can know, see `docs/reliability.md`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Unknowable {
    /// A record whose creation no run learnt of, at a server that keeps no markers.
    UnseenWithoutMarker,
    /// Two runs at once at a server that keeps no markers, no keys and no names.
    TwinsWithoutMarker,
    /// A record of the same name made at the same moment by somebody else, at a
    /// server that keeps no markers.
    DoubleWithoutMarker,
    /// An Update that was taken back in the second in which it was sent: the request's
    /// date has whole seconds, so it looks like the one that takes it back.
    TakenBackInTheSameSecond,
    /// What a Create or an Update wrote was under way while a later request was carried out
    /// from its beginning to its success: the vendor knows no writes under a condition.
    SlowerThanALaterRequest,
    /// A record was written or removed that another stack took over since the look before
    /// that: the vendor knows neither under a condition.
    TakenOverMeanwhile,
    /// An Update that CloudFormation had given up went on because CloudFormation did
    /// not answer a single question about it.
    NobodyToldTheUpdate,
    /// A Create went on because CloudFormation, which had given it up, did not answer
    /// a single question about it.
    NobodyToldTheCreate,
    /// A request that was under way when the function was killed took effect after
    /// the last look of the deletion.
    AfterTheLastLook,
}
