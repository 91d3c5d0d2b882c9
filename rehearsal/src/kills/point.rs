//! The points of a life at which the function can be killed.

use std::fmt;

use serde::Serialize;

/// When, around one system call.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// At the entry of a write to a socket: nothing has left.
    BeforeWrite,
    /// At the exit of it: everything has left, and the process does not know.
    AfterWrite,
    /// At the exit of a read from a socket that brought bytes: the process has
    /// not looked at them.
    AfterRead,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 3] = [Self::BeforeWrite, Self::AfterWrite, Self::AfterRead];

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BeforeWrite => "before the write",
            Self::AfterWrite => "after the write",
            Self::AfterRead => "after a read",
        }
    }
}

/// One system call of a life, named by what it belongs to: so it is found again
/// in the next life, whatever the threads' order is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// With whom the function talks.
    pub peer: String,
    /// What it wrote last, or writes: for example `request 2`.
    pub what: String,
    /// When.
    pub moment: Moment,
    /// The how many-th of the same, from 1.
    pub nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, what, .. } = self;
        write!(f, "{peer}: {what}, {}", self.moment.words())?;
        match self.nth {
            1 => Ok(()),
            nth => write!(f, " (no. {nth})"),
        }
    }
}
