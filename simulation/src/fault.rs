//! What can go wrong, and where.

use std::fmt;

/// A request that the function sends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Spot {
    /// Secrets Manager: the token.
    Secret,
    /// CloudFormation: `DescribeStacks`.
    Stack,
    /// CloudFormation: `DescribeStackResource`.
    Resource,
    /// The vendor: whose token is it?
    Me,
    /// The vendor: the records of a name.
    List,
    /// The vendor: one record.
    Read,
    /// The vendor: `POST`.
    Register,
    /// The vendor: `PATCH`.
    Amend,
    /// The vendor: `DELETE`.
    Remove,
    /// The response bucket: `PUT`.
    Answer,
}

/// What happens to a request instead of a prompt answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum What {
    /// No connection: nothing left.
    NotSent,
    /// The connection ends before the request takes effect.
    LostBefore,
    /// The connection ends after the request took effect.
    LostAfter,
    /// No effect, and no answer ever.
    Hang,
    /// It takes effect, and no answer ever comes.
    Silent,
    /// It takes effect late: at Authomize or the bucket perhaps when nobody waits for the
    /// answer any more.
    Slow,
    /// The process is killed before the request leaves.
    KilledBefore,
    /// The process is killed while the request is under way.
    KilledBehind,
    /// The process is killed when the answer has come.
    KilledAfter,
    /// The function panics at this request.
    Panic,
    /// 503, and nothing is done.
    Down,
    /// 503, and it was done.
    DownAfter,
    /// 429, or `Throttling`.
    Throttled,
    /// 429, to be asked again after the deadline.
    ThrottledLong,
    /// 401.
    Unauthorized,
    /// 403, or `AccessDenied`.
    Denied,
    /// 422.
    Rejected,
    /// 307.
    Redirected,
    /// 200 and a page in HTML; nothing is done.
    Html,
    /// It was done, and the answer ends in the middle.
    Garbled,
    /// It was done, and the answer is larger than anyone reads.
    TooLarge,
    /// What is told is a moment old.
    Stale,
}

use What::{
    Denied, Down, DownAfter, Garbled, Hang, Html, KilledAfter, KilledBefore, KilledBehind,
    LostAfter, LostBefore, NotSent, Panic, Redirected, Rejected, Silent, Slow, Stale, Throttled,
    ThrottledLong, TooLarge, Unauthorized,
};

impl Spot {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Secret,
        Self::Stack,
        Self::Resource,
        Self::Me,
        Self::List,
        Self::Read,
        Self::Register,
        Self::Amend,
        Self::Remove,
        Self::Answer,
    ];

    /// What can happen to this request.
    pub fn possible(self) -> &'static [What] {
        match self {
            Self::Secret => &[
                NotSent,
                LostBefore,
                Hang,
                Slow,
                KilledBefore,
                KilledAfter,
                Panic,
                Down,
                Throttled,
                Denied,
                Garbled,
            ],
            Self::Stack | Self::Resource => &[
                NotSent,
                LostBefore,
                Hang,
                Slow,
                KilledBefore,
                KilledAfter,
                Panic,
                Down,
                Throttled,
                Denied,
                Garbled,
                Stale,
            ],
            Self::Me => &[
                NotSent,
                LostBefore,
                Hang,
                Slow,
                KilledBefore,
                KilledAfter,
                Panic,
                Down,
                Throttled,
                ThrottledLong,
                Unauthorized,
                Denied,
                Redirected,
                Html,
            ],
            Self::List => &[
                NotSent,
                LostBefore,
                Hang,
                Slow,
                KilledBefore,
                KilledAfter,
                Panic,
                Down,
                Throttled,
                ThrottledLong,
                Unauthorized,
                Denied,
                Rejected,
                Redirected,
                Html,
                Garbled,
                TooLarge,
                Stale,
            ],
            Self::Read => &[
                NotSent,
                LostBefore,
                Hang,
                Slow,
                KilledBefore,
                KilledAfter,
                Panic,
                Down,
                Throttled,
                ThrottledLong,
                Unauthorized,
                Denied,
                Redirected,
                Html,
                Garbled,
                TooLarge,
            ],
            Self::Register | Self::Amend | Self::Remove => &[
                NotSent,
                LostBefore,
                LostAfter,
                Hang,
                Silent,
                Slow,
                KilledBefore,
                KilledBehind,
                KilledAfter,
                Panic,
                Down,
                DownAfter,
                Throttled,
                ThrottledLong,
                Unauthorized,
                Denied,
                Rejected,
                Redirected,
                Html,
                Garbled,
                TooLarge,
            ],
            Self::Answer => &[
                NotSent,
                LostBefore,
                LostAfter,
                Hang,
                Silent,
                Slow,
                KilledBefore,
                KilledBehind,
                KilledAfter,
                Down,
                DownAfter,
                Throttled,
                Denied,
                Redirected,
            ],
        }
    }

    /// Whether the request goes to the vendor.
    pub fn is_the_vendors(self) -> bool {
        !matches!(
            self,
            Self::Secret | Self::Stack | Self::Resource | Self::Answer
        )
    }

    /// Whether the request changes anything where it goes.
    pub fn changes(self) -> bool {
        matches!(
            self,
            Self::Register | Self::Amend | Self::Remove | Self::Answer
        )
    }
}

impl What {
    /// Whether the process ends here.
    pub fn kills(self) -> bool {
        matches!(self, KilledBefore | KilledBehind | KilledAfter)
    }
}

/// One thing that goes wrong, at one request of one resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The stack, by its number in the history.
    pub stack: usize,
    /// The request of CloudFormation, by its number in the stack's life.
    pub request: usize,
    /// The request of the function.
    pub spot: Spot,
    /// From which one of these on, all runs counted together.
    pub from: usize,
    /// For how many.
    pub times: usize,
    /// What happens.
    pub what: What,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stack,
            request,
            spot,
            from,
            times,
            what,
        } = self;
        write!(
            f,
            "stack {stack}, request {request}: {what:?} at {spot:?} {from}, {times} times"
        )
    }
}
