//! Misbehaviour on demand.

use serde_json::{Value, json};

/// What happens to the next requests instead of an answer by the contract.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) times: u32,
    pub(super) only: Option<&'static str>,
    pub(super) at: &'static str,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// This answer, and nothing is done.
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection ends before anything is done.
    LoseBefore,
    /// The connection ends after it was done.
    LoseAfter,
    /// Nothing is done, and no answer ever comes.
    Hang,
    /// Nothing is done, and the answer's body never ends.
    Endless,
    /// It was done, and the connection ends in the middle of the answer.
    BreakOff,
}

impl Fault {
    /// One answer with this status and an error's body, and nothing is done.
    pub fn status(status: u16) -> Self {
        let body = json!({"detail": "as the test wants it"});
        Self::new(Kind::Answer {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        })
    }

    /// Elsewhere with the request, and nothing is done.
    pub fn redirect(location: &str) -> Self {
        Self::status(307).header("location", location)
    }

    /// The connection is lost before the request has any effect.
    pub fn lose_before() -> Self {
        Self::new(Kind::LoseBefore)
    }

    /// The connection is lost after the request had its effect.
    pub fn lose_after() -> Self {
        Self::new(Kind::LoseAfter)
    }

    /// The request has no effect and no answer.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// The request has no effect, and an answer that never ends.
    pub fn endless() -> Self {
        Self::new(Kind::Endless)
    }

    /// The request has its effect, and half an answer.
    pub fn break_off() -> Self {
        Self::new(Kind::BreakOff)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            times: 1,
            only: None,
            at: "",
        }
    }

    /// For so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// For requests of this method only.
    #[must_use]
    pub fn only(mut self, method: &'static str) -> Self {
        self.only = Some(method);
        self
    }

    /// For requests whose path begins so only.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        self.at = path;
        self
    }

    /// With this body instead.
    #[must_use]
    pub fn body(self, body: impl Into<Value>) -> Self {
        let body = body.into().to_string().into_bytes();
        self.bytes(body)
    }

    /// With these bytes, which need not be JSON, instead.
    #[must_use]
    pub fn bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Kind::Answer { body, .. } = &mut self.kind {
            *body = bytes.into();
        }
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Kind::Answer { headers, .. } = &mut self.kind {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}
