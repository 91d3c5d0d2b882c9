//! What comes after a kill.

use serde::Serialize;

/// What becomes of the request after the kill.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Lambda delivers the event again at once.
    AtOnce,
    /// Lambda runs it again after a minute.
    AfterAMinute,
    /// The second run is killed at the same point, and there is a third.
    KilledTwice,
    /// It is never run again; CloudFormation gives it up and rolls back. For a
    /// Create that is a Delete with an invented id.
    GivenUp,
    /// The same, and when all is over it is run again after all.
    TooLate,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 5] = [
        Self::AtOnce,
        Self::AfterAMinute,
        Self::KilledTwice,
        Self::GivenUp,
        Self::TooLate,
    ];

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "run again at once",
            Self::AfterAMinute => "run again after a minute",
            Self::KilledTwice => "killed there twice",
            Self::GivenUp => "given up",
            Self::TooLate => "given up, then run again",
        }
    }
}
