//! What a release prints: numbered steps, and what came of each.

use std::io::Write;

/// How many steps there are.
const STEPS: usize = 9;

/// Where the steps are told.
#[derive(Debug)]
pub struct Screen<W> {
    to: W,
    step: usize,
}

impl<W: Write> Screen<W> {
    /// A screen on which nothing stands yet.
    pub fn new(to: W) -> Self {
        Self { to, step: 0 }
    }

    /// The next step begins.
    pub fn step(&mut self, title: &str) {
        self.step += 1;
        let step = self.step;
        self.write(&format!("{step}/{STEPS} {title}"));
    }

    /// What came of it.
    pub fn line(&mut self, text: &str) {
        self.write(&format!("    {text}"));
    }

    fn write(&mut self, line: &str) {
        // Whoever closed the pipe does not want to read on.
        let _ = writeln!(self.to, "{line}").and_then(|()| self.to.flush());
    }
}
