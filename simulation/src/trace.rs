//! Everything that happened, as lines: hashed always, kept for a story.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// The lines of one history.
#[derive(Debug)]
pub struct Trace {
    hash: Sha256,
    line: String,
    story: Option<Vec<(u64, String)>>,
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
            story.push((at, self.line.clone()));
        }
    }

    /// What belongs to the last line and is too long for a story.
    pub fn weigh(&mut self, text: &str) {
        self.hash.update(text.as_bytes());
        self.hash.update(b"\n");
    }

    /// The function's own words, which are for the story alone.
    pub fn quote(&mut self, at: u64, line: &str) {
        if let Some(story) = &mut self.story {
            let line = format!("{:>9}.{:03} s  log: {line}", at / 1000, at % 1000);
            story.push((at, line));
        }
    }

    /// The hash of everything, and the lines, by their moments, if they were kept.
    pub fn end(self) -> (String, Vec<String>) {
        let digest = self.hash.finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut story = self.story.unwrap_or_default();
        story.sort_by_key(|(at, _)| *at);
        (hex, story.into_iter().map(|(_, line)| line).collect())
    }
}
