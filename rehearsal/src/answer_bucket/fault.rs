//! What can go wrong between a function and the bucket.

/// One fault that the next requests meet, whatever they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketFault {
    /// One request is refused with 403, as when a signature does not match.
    Refuse,
    /// So many requests get 503, S3's "slow down".
    Unavailable {
        /// How many requests, at least 1.
        times: u32,
    },
    /// One request gets this status, and nothing is kept.
    Status {
        /// For example 408.
        status: u16,
    },
    /// One request never gets an answer, and its connection stays open.
    Hang,
    /// One request gets 307 to this URL. A function must not follow it.
    Redirect {
        /// The `Location` header.
        to: String,
    },
    /// One request's connection ends before anything is kept or answered.
    Reset,
    /// One request is verified, kept and handed on, and then its connection
    /// ends without a word: the function cannot know that it was heard.
    LoseAcknowledgement,
}

impl BucketFault {
    /// What is left of this fault for the request after this one.
    pub(super) fn after_one_request(&self) -> Option<Self> {
        match self {
            Self::Unavailable { times } if *times > 1 => {
                Some(Self::Unavailable { times: times - 1 })
            }
            Self::Unavailable { .. }
            | Self::Refuse
            | Self::Status { .. }
            | Self::Hang
            | Self::Redirect { .. }
            | Self::Reset
            | Self::LoseAcknowledgement => None,
        }
    }
}
