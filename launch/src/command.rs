//! The commands, and what each needs before it runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::build::Build;

/// A command of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `cargo rehearse`.
    Rehearse,
    /// `cargo simulate`.
    Simulate,
    /// `cargo xtask`.
    Xtask,
}

/// What the program of a command asks for as soon as it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The function as it is shipped.
    pub function: bool,
    /// The local cloud.
    pub engine: bool,
}

impl Command {
    /// The command that an alias calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rehearse, Self::Simulate, Self::Xtask]
            .into_iter()
            .find(|command| command.name() == name)
    }

    /// What the alias and the program are called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rehearse => "rehearse",
            Self::Simulate => "simulate",
            Self::Xtask => "xtask",
        }
    }

    /// What cargo builds its program with.
    #[must_use]
    pub fn build(self) -> Build {
        let (package, profile) = match self {
            Self::Rehearse => ("rehearsal", "dev"),
            Self::Simulate => ("simulation", "simulation"),
            Self::Xtask => ("xtask", "dev"),
        };
        Build {
            what: self.name(),
            package,
            program: self.name(),
            profile,
        }
    }

    /// Where cargo puts its program, if it puts this one to `launcher`.
    #[must_use]
    pub fn program(self, launcher: &Path) -> PathBuf {
        let own = launcher.parent().unwrap_or(launcher);
        let folder = match self {
            Self::Rehearse | Self::Xtask => own.to_owned(),
            Self::Simulate => own.with_file_name("simulation"),
        };
        folder.join(format!("{}{}", self.name(), std::env::consts::EXE_SUFFIX))
    }

    /// What it asks for when it is called with these words. What is not known here is
    /// left to the program, which knows.
    #[must_use]
    pub fn needs(self, words: &[OsString]) -> Needs {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let asks_for_help = |word: &str| matches!(word, "-h" | "--help" | "-V" | "--version");
        if self != Self::Rehearse || words.iter().any(|word| asks_for_help(word)) {
            return Needs::default();
        }
        let first = words.iter().find(|word| !word.starts_with('-'));
        let mut needs = match first.map(AsRef::as_ref) {
            Some("kills") => Needs {
                function: true,
                engine: false,
            },
            Some("completions" | "event" | "faults" | "help" | "sam") => Needs::default(),
            // What follows an option such as `--fault` is no command.
            _ => Needs {
                function: true,
                engine: true,
            },
        };
        let has_binary = |word: &str| word == "--binary" || word.starts_with("--binary=");
        needs.function &= !words.iter().any(|word| has_binary(word));
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_a_rehearsal_asks_for() {
        for (words, function, engine) in [
            ("", true, true),
            ("--json --verbose", true, true),
            ("--fault vendor-down", true, true),
            ("serve", true, true),
            ("org --accounts 5 --binary b", false, true),
            ("--binary=b", false, true),
            ("kills --kills 20", true, false),
            ("faults", false, false),
            ("event create", false, false),
            ("org --help", false, false),
        ] {
            let given: Vec<_> = words.split_whitespace().map(OsString::from).collect();
            let needs = Command::Rehearse.needs(&given);
            assert_eq!(needs, Needs { function, engine }, "{words}");
            assert_eq!(Command::Xtask.needs(&given), Needs::default(), "{words}");
        }
    }

    #[test]
    fn finds_the_program_beside_itself() {
        for (command, program) in [
            (Command::Rehearse, "/p/target/debug/rehearse"),
            (Command::Simulate, "/p/target/simulation/simulate"),
        ] {
            let found = command.program(Path::new("/p/target/debug/launch"));
            assert_eq!(found, Path::new(program));
        }
    }

    #[test]
    fn has_an_alias_for_each_command() {
        let aliases = include_str!("../../.cargo/config.toml");
        for command in [Command::Rehearse, Command::Simulate, Command::Xtask] {
            let name = command.name();
            assert_eq!(Command::named(name), Some(command));
            let alias = aliases.lines().find(|line| line.starts_with(name));
            assert!(alias.is_some_and(|line| line.ends_with(&format!("-- {name}\""))));
        }
    }
}
