//! Everything that happened, as lines: hashed always, kept for a story.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// The lines of one history.
#[derive(Debug)]
pub struct Trace {
    hash: Sha256,
    line: String,
    story: Option<Vec<String>>,
}

impl Trace {
    /// Nothing happened yet; the lines are kept if `told`.
    pub fn new(told: bool) -> Self {
        Self {
            hash: Sha256::new(),
            line: String::new(),
            story: told.then(Vec::new),
        }
    }

    /// Something happened at a moment, in virtual milliseconds.
    pub fn note(&mut self, at: u64, what: fmt::Arguments<'_>) {
        self.line.clear();
        write!(self.line, "{:>9}.{:03} s  ", at / 1000, at % 1000)
            .and_then(|()| self.line.write_fmt(what))
            .expect("writing to a string does not fail");
        self.hash.update(self.line.as_bytes());
        self.hash.update(b"\n");
        if let Some(story) = &mut self.story {
            story.push(self.line.clone());
        }
    }

    /// The hash of all lines, and the lines if they were kept.
    pub fn end(self) -> (String, Vec<String>) {
        let digest = self.hash.finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (hex, self.story.unwrap_or_default())
    }
}
