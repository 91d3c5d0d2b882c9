//! Why a command cannot begin, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::installation::InstallationError;

/// How much of what cargo said is shown.
const LINES_SHOWN: usize = 40;

/// Words by which cargo, the compiler and the linker tell of what is missing around
/// them, each with the remedy.
const REMEDIES: [(&[&str], &str); 4] = [
    (
        &["No space left on device", "os error 28"],
        "The disk is full. A first build takes 3 GB: free some space, or set CARGO_TARGET_DIR to a folder elsewhere.",
    ),
    (
        &["linker `", "linking with `cc` failed: No such file"],
        "There is no C compiler, which Rust links with: on Debian and Ubuntu `apt install gcc libc6-dev`, on macOS `xcode-select --install`.",
    ),
    (
        &[
            "failed to download",
            "download of config.json failed",
            "failed to query replaced source",
            "Could not resolve host",
            "Couldn't resolve host",
            "failed to get successful HTTP response",
        ],
        "The first build fetches packages from crates.io, and only that one: connect, or name a proxy in HTTPS_PROXY or a mirror in ~/.cargo/config.toml, and run the same command again.",
    ),
    (
        &[
            "needs to be updated but --locked was passed",
            "cannot update the lock file",
        ],
        "Cargo.lock and Cargo.toml do not fit together: `cargo metadata` mends Cargo.lock.",
    ),
];

/// Why a command cannot begin.
#[derive(Debug)]
pub enum Failure {
    /// Cargo cannot be run.
    NoCargo {
        /// What was tried.
        cargo: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something did not build.
    Build {
        /// What it was.
        what: &'static str,
        /// What cargo said that is not routine.
        said: Vec<String>,
    },
    /// The local cloud could not be fetched.
    Installation(InstallationError),
    /// The program was built and cannot be run.
    Program {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCargo { cargo, source } => write!(
                f,
                "`{}` cannot be run: install Rust with rustup, or name cargo in CARGO: {source}",
                cargo.display()
            ),
            Self::Build { what, said } => {
                let remedy = remedy(said).unwrap_or("Mend what cargo says, and run it again.");
                let from = said.len().saturating_sub(LINES_SHOWN);
                writeln!(f, "the {what} did not build")?;
                for line in &said[from..] {
                    writeln!(f, "{line}")?;
                }
                write!(f, "{remedy}")
            }
            Self::Installation(error) => match error.source() {
                Some(cause) => write!(f, "{error}: {cause}"),
                None => write!(f, "{error}"),
            },
            Self::Program { path, source } => write!(
                f,
                "`{}` cannot be run: `cargo clean -p launch` and the same command again build it anew: {source}",
                path.display()
            ),
        }
    }
}

/// What to do about a build that failed for a reason outside the code.
fn remedy(said: &[String]) -> Option<&'static str> {
    let told = |word: &&str| said.iter().any(|line| line.contains(*word));
    let found = REMEDIES.iter().find(|(words, _)| words.iter().any(told));
    found.map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(said: &str) -> String {
        let said = said.lines().map(str::to_owned).collect();
        Failure::Build {
            what: "function",
            said,
        }
        .to_string()
    }

    #[test]
    fn names_a_remedy_for_what_is_outside_the_code() {
        for (said, remedy) in [
            ("error: linker `cc` not found", "apt install gcc"),
            (
                "error: could not write output: No space left on device (os error 28)",
                "CARGO_TARGET_DIR",
            ),
            (
                "error: failed to download from `https://registry/serde`\n[6] Could not resolve hostname",
                "HTTPS_PROXY",
            ),
            ("error[E0308]: mismatched types", "Mend what cargo says"),
        ] {
            let told = told(said);
            assert!(told.contains(remedy), "{told}");
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn shows_the_end_of_what_cargo_said() {
        let many: Vec<String> = (0..100).map(|line| format!("line {line}")).collect();
        let told = told(&many.join("\n"));
        assert_eq!(told.lines().count(), LINES_SHOWN + 2);
        assert!(told.contains("line 99") && !told.contains("line 59\n"));
    }
}
