//! Whether the net is tight: deliberate bugs, each of which must be caught.
//!
//! Each bug is a patch in `simulation/bugs`, whose first line says what would
//! happen to a user. What caught it, with which seed and after how many lives of
//! stacks, stands in `simulation/bugs/caught.txt` and is compared.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rehearsal::inheritance::disinherit;
use serde_json::Value;
use thiserror::Error;

/// Lives of stacks after which a bug counts as not caught.
const LIFECYCLES: &str = "100000";

/// The first seed of every run.
const SEED: &str = "1";

/// What the copied tree is made of.
const TREE: [&str; 11] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "bench",
    "docs",
    "examples",
    "launch",
    "rehearsal",
    "simulation",
    "src",
    "xtask",
];

/// Why the bugs could not be checked.
#[derive(Debug, Error)]
pub enum BugsError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// A program could not be started.
    #[error("{0} cannot be started: {1}")]
    Program(&'static str, #[source] io::Error),
    /// A patch does not fit the code any more.
    #[error("{0} does not apply any more")]
    DoesNotApply(String),
    /// A bug does not compile.
    #[error("the code does not compile with {0}")]
    DoesNotCompile(String),
    /// The run with a bug printed something else than its report.
    #[error("the run with {0} printed no report")]
    NoReport(String),
}

/// One deliberate bug.
#[derive(Clone, Debug)]
pub struct Bug {
    /// Its name, that of the patch.
    pub name: String,
    /// What would happen to a user.
    pub harm: String,
    patch: PathBuf,
}

/// What catches a bug.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caught {
    /// The promise that it breaks.
    pub promise: String,
    /// The seed.
    pub seed: u64,
    /// Lives of stacks until then.
    pub lifecycles: u64,
}

/// The folder of the patches and the root of the code.
fn places() -> (PathBuf, PathBuf) {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = package
        .parent()
        .map_or_else(|| package.clone(), Path::to_path_buf);
    (package.join("bugs"), root)
}

/// All bugs, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn all() -> Result<Vec<Bug>, BugsError> {
    let (folder, _) = places();
    let entries = fs::read_dir(&folder).map_err(|error| BugsError::File(folder.clone(), error))?;
    let mut patches: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "patch"))
        .collect();
    patches.sort();
    patches
        .into_iter()
        .map(|patch| {
            let text = read(&patch)?;
            let stem = patch.file_stem().unwrap_or_default();
            Ok(Bug {
                name: stem.to_string_lossy().into_owned(),
                harm: text.lines().next().unwrap_or_default().to_owned(),
                patch,
            })
        })
        .collect()
}

/// What caught each bug when it was recorded.
///
/// # Errors
/// The record cannot be read.
pub fn recorded() -> Result<BTreeMap<String, Caught>, BugsError> {
    let (folder, _) = places();
    let text = read(&folder.join("caught.txt"))?;
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?.to_owned();
            Some((
                name,
                Caught {
                    promise: words.next()?.to_owned(),
                    seed: words.next()?.parse().ok()?,
                    lifecycles: words.next()?.parse().ok()?,
                },
            ))
        })
        .collect())
}

impl Bug {
    /// Makes sure that the patch still fits.
    ///
    /// # Errors
    /// It does not, or `git` is not there.
    pub fn fits(&self) -> Result<(), BugsError> {
        let (_, root) = places();
        self.apply(&root, &["--check"])
    }

    /// Builds the code with the bug in it and runs it until something does not
    /// hold; none if everything held.
    ///
    /// # Errors
    /// It cannot be copied, patched, built or run.
    pub fn catch(&self) -> Result<Option<Caught>, BugsError> {
        let (_, root) = places();
        let bugs = target().join("bugs");
        let (copy, target) = (bugs.join("tree"), bugs.join("build"));
        copy_tree(&root, &copy)?;
        take_dependencies_along(&target)?;
        self.apply(&copy, &[])?;
        let mut cargo = Command::new("cargo");
        disinherit(&mut cargo);
        let built = cargo
            .args(["build", "--quiet", "--locked", "--offline"])
            .args(["--profile", "simulation", "--package", "simulation"])
            .args(["--bin", "simulate", "--target-dir"])
            .arg(&target)
            .current_dir(&copy)
            .stderr(Stdio::null())
            .status()
            .map_err(|error| BugsError::Program("cargo", error))?;
        if !built.success() {
            return Err(BugsError::DoesNotCompile(self.name.clone()));
        }
        let report = Command::new(target.join("simulation").join("simulate"))
            .args(["--lifecycles", LIFECYCLES, "--seed", SEED])
            .args(["--threads", "1", "--enough", "1", "--json"])
            .stderr(Stdio::null())
            .output()
            .map_err(|error| BugsError::Program("the simulation", error))?;
        let report: Value = serde_json::from_slice(&report.stdout)
            .map_err(|_| BugsError::NoReport(self.name.clone()))?;
        let failure = &report["failures"][0];
        Ok(failure["seed"].as_u64().map(|seed| Caught {
            promise: failure["promise"].as_str().unwrap_or_default().to_owned(),
            seed,
            lifecycles: failure["lifecycle"].as_u64().unwrap_or_default(),
        }))
    }

    fn apply(&self, root: &Path, arguments: &[&str]) -> Result<(), BugsError> {
        // Without a repository above it `git apply` takes the folder as it is.
        let applied = Command::new("git")
            .arg("apply")
            .args(arguments)
            .arg(&self.patch)
            .env("GIT_CEILING_DIRECTORIES", root.parent().unwrap_or(root))
            .current_dir(root)
            .stderr(Stdio::null())
            .status()
            .map_err(|error| BugsError::Program("git", error))?;
        if applied.success() {
            Ok(())
        } else {
            Err(BugsError::DoesNotApply(self.name.clone()))
        }
    }
}

/// Writes down what caught the bugs.
///
/// # Errors
/// The file cannot be written.
pub fn record(caught: &BTreeMap<String, Caught>) -> Result<(), BugsError> {
    let (folder, _) = places();
    let path = folder.join("caught.txt");
    let lines: String = caught
        .iter()
        .map(|(name, caught)| {
            format!(
                "{name:<32} {:<28} {:>6} {:>6}\n",
                caught.promise, caught.seed, caught.lifecycles
            )
        })
        .collect();
    fs::write(&path, lines).map_err(|error| BugsError::File(path, error))
}

fn target() -> PathBuf {
    let (_, root) = places();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// The crates of this workspace, as their files in a target folder are named.
const OURS: [&str; 6] = [
    "authomize",
    "libauthomize",
    "librehearsal",
    "libsimulation",
    "rehearsal",
    "simulat",
];

/// Takes the built dependencies into the target folder of the bugs, so that only our
/// crates are built there. They are never built in the folder of the code as it is:
/// cargo would take what has a bug in it for the code's own.
fn take_dependencies_along(to: &Path) -> Result<(), BugsError> {
    let (from, to) = (target().join("simulation"), to.join("simulation"));
    if to.exists() {
        return Ok(());
    }
    for folder in [".fingerprint", "build", "deps"] {
        take_along(&from.join(folder), &to.join(folder))?;
    }
    Ok(())
}

fn take_along(from: &Path, to: &Path) -> Result<(), BugsError> {
    let failed = |error| BugsError::File(from.to_owned(), error);
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    if OURS.iter().any(|ours| name.starts_with(ours)) {
        return Ok(());
    }
    if !from.is_dir() {
        let taken = fs::File::open(from).and_then(|file| file.metadata()?.modified());
        let modified = taken.map_err(failed)?;
        fs::copy(from, to).map_err(failed)?;
        let copied = fs::File::options().append(true).open(to).map_err(failed)?;
        return copied.set_modified(modified).map_err(failed);
    }
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        take_along(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Copies what has changed, so that only what a bug touches is built again.
fn copy_tree(root: &Path, copy: &Path) -> Result<(), BugsError> {
    for name in TREE {
        copy_changed(&root.join(name), &copy.join(name))?;
    }
    Ok(())
}

fn copy_changed(from: &Path, to: &Path) -> Result<(), BugsError> {
    let failed = |error| BugsError::File(from.to_owned(), error);
    if from.is_dir() {
        fs::create_dir_all(to).map_err(failed)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            copy_changed(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    let content = fs::read(from).map_err(failed)?;
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    fs::write(to, content).map_err(failed)
}

fn read(path: &Path) -> Result<String, BugsError> {
    fs::read_to_string(path).map_err(|error| BugsError::File(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo builds no package of a workspace that lacks a member.
    #[test]
    fn copies_every_member_of_the_workspace() {
        let (_, root) = places();
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        let mut lines = manifest.lines();
        let members = lines
            .find_map(|line| line.strip_prefix("members = ["))
            .unwrap();
        for member in members
            .split('"')
            .filter(|name| name.starts_with(char::is_alphabetic))
        {
            let folder = member.split('/').next().unwrap();
            assert!(TREE.contains(&folder), "{member} is not copied");
        }
    }
}
