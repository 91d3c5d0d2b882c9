//! One build by cargo, followed while it goes on.

use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::inheritance::disinherit;
use crate::progress::Said;

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// What people call it.
    pub what: &'static str,
    /// Its package.
    pub package: &'static str,
    /// Its program.
    pub program: &'static str,
    /// Its profile.
    pub profile: &'static str,
}

/// The function, as `cargo rehearse` builds it and as it is shipped.
pub const FUNCTION: Build = Build {
    what: "function",
    package: "authomize-trust-role",
    program: "bootstrap",
    profile: "release",
};

impl Build {
    /// Starts it in the workspace at `root`.
    ///
    /// # Errors
    /// Cargo cannot be run.
    pub fn start(&self, root: &Path) -> io::Result<Child> {
        let mut cargo = Command::new(cargo());
        cargo
            .args(["build", "--locked", "--profile", self.profile])
            .args(["--package", self.package, "--bin", self.program])
            .current_dir(root)
            // Wide enough for the figures behind the bar.
            .envs([
                ("CARGO_TERM_PROGRESS_WHEN", "always"),
                ("CARGO_TERM_PROGRESS_WIDTH", "80"),
                ("CARGO_TERM_COLOR", "never"),
                ("CARGO_TERM_QUIET", "false"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        disinherit(&mut cargo);
        cargo.spawn()
    }
}

/// The cargo that runs this program, or else the one in `PATH`.
#[must_use]
pub fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Hands every piece that cargo writes to `tell`, until it writes no more.
pub fn follow(mut from: impl Read, mut tell: impl FnMut(Said)) {
    let (mut piece, mut bytes) = (Vec::new(), [0; 4096]);
    while let Some(read) = from.read(&mut bytes).ok().filter(|read| *read > 0) {
        for byte in &bytes[..read] {
            if matches!(byte, b'\r' | b'\n') {
                tell(Said::of(&String::from_utf8_lossy(&piece)));
                piece.clear();
            } else {
                piece.push(*byte);
            }
        }
    }
    tell(Said::of(&String::from_utf8_lossy(&piece)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_lines_and_a_bar_that_is_drawn_over() {
        let written = "   Compiling a v1.0.0\n    Building [> ] 1/3: a\r    Building [=> ] 2/3: b\rwarning: c\n";
        let mut said = Vec::new();
        follow(written.as_bytes(), |piece| said.push(piece));
        said.retain(|piece| *piece != Said::Routine);
        let warning = Said::Told("warning: c".to_owned());
        assert_eq!(said, [Said::Built(1, 3), Said::Built(2, 3), warning]);
    }
}
