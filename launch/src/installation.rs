//! Tools from Python's package registry: fetched once, then found again.
//!
//! They are in Cargo's target directory, under a name that changes with what
//! is required, so `cargo clean` removes them and a new version never mixes
//! with an old one. Every file that pip takes is checked by its hash.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Python below this does not run the tools.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Where a new enough Python is looked for, in this order.
const PYTHONS: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];

/// The file that is written when everything else is there.
const COMPLETE: &str = "complete";

/// Tools that are installed together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tools {
    /// MiniStack, the CloudFormation engine.
    Engine,
    /// The SAM CLI with cargo-lambda, and the AWS CLI to call functions with.
    Sam,
}

impl Tools {
    /// The package that names them all.
    fn package(self) -> &'static str {
        match self {
            Self::Engine => "ministack",
            Self::Sam => "aws-sam-cli",
        }
    }

    /// What pip installs, each file with its hash.
    fn requirements(self) -> &'static str {
        match self {
            Self::Engine => include_str!("../../rehearsal/python/requirements.txt"),
            Self::Sam => include_str!("../../rehearsal/python/sam_requirements.txt"),
        }
    }
}

/// Why there are no tools. Each variant asks for another remedy, and its
/// sentence names it.
#[derive(Debug)]
pub enum InstallationError {
    /// No Python was found in `PATH`.
    NoPython,
    /// The Python that was found is too old for the tools.
    PythonTooOld {
        /// Its version, for example `3.9`.
        found: String,
    },
    /// Python came without what makes virtual environments.
    NoVenv {
        /// What Python said.
        output: String,
    },
    /// The tools could not be downloaded or did not match their hashes.
    PipFailed {
        /// The package that was wanted.
        package: &'static str,
        /// The last line that pip wrote.
        last_line: String,
    },
    /// A folder or file could not be written.
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for InstallationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPython => write!(
                f,
                "there is no `python3` in PATH: install Python 3.10 or newer, on Debian and Ubuntu `apt install python3 python3-venv`, on macOS `brew install python`"
            ),
            Self::PythonTooOld { found } => write!(
                f,
                "`python3` is Python {found}: install Python 3.10 or newer and put it first in PATH"
            ),
            Self::NoVenv { output } => write!(
                f,
                "Python has no working venv module: install it (on Debian and Ubuntu `apt install python3-venv`); Python's last line was: {output}"
            ),
            Self::PipFailed { package, last_line } if is_full(last_line) => write!(
                f,
                "pip could not install {package}, for the disk is full: free some space, or set CARGO_TARGET_DIR to a folder elsewhere; pip's last line was: {last_line}"
            ),
            Self::PipFailed { package, last_line } => write!(
                f,
                "pip could not install {package}, which needs the network the first time only: connect, name a proxy in HTTPS_PROXY, or set pip's own configuration to a mirror that can be reached; pip's last line was: {last_line}"
            ),
            Self::Folder { path, .. } => write!(
                f,
                "`{}` cannot be used: make it writable or free some space",
                path.display()
            ),
        }
    }
}

impl Error for InstallationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Folder { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Whether a program says that there was no space.
fn is_full(line: &str) -> bool {
    line.contains("No space left on device") || line.contains("Errno 28")
}

/// Tools, installed on this machine.
#[derive(Clone, Debug)]
pub struct Installation {
    tools: Tools,
    folder: PathBuf,
}

impl Installation {
    /// Finds the tools, or fetches them, which takes some seconds, the network, and
    /// the thread. Processes that do so at the same time wait for one another.
    ///
    /// # Errors
    /// There is no usable Python, no network or no space.
    pub fn ensure(tools: Tools) -> Result<Self, InstallationError> {
        let installation = Self::expected(tools)?;
        if !installation.is_complete() {
            installation.install()?;
        }
        Ok(installation)
    }

    /// Whether the tools are here, so that [`Self::ensure`] fetches nothing.
    #[must_use]
    pub fn is_present(tools: Tools) -> bool {
        Self::expected(tools).is_ok_and(|installation| installation.is_complete())
    }

    /// The Python that has the tools among its packages.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that came with the tools.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The folder of the programs, to be put first into `PATH`.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// The installation as it is or would be on this machine.
    fn expected(tools: Tools) -> Result<Self, InstallationError> {
        let name = folder_name(tools.package(), tools.requirements());
        let folder = rehearsal_dir()?.join(name);
        Ok(Self { tools, folder })
    }

    /// A Python that was removed since leaves a dangling link behind.
    fn is_complete(&self) -> bool {
        self.folder.join(COMPLETE).exists() && self.python().exists()
    }

    fn install(&self) -> Result<(), InstallationError> {
        let unusable = |source| InstallationError::Folder {
            path: self.folder.clone(),
            source,
        };
        let lock = self.lock_file().map_err(unusable)?;
        lock.lock().map_err(unusable)?;
        if self.is_complete() {
            return Ok(());
        }
        let python = find_python()?;
        remove(&self.folder).map_err(unusable)?;
        let venv = run(Command::new(python)
            .args(["-I", "-m", "venv"])
            .arg(&self.folder));
        if !venv.as_ref().is_ok_and(|output| output.status.success()) {
            return Err(InstallationError::NoVenv {
                output: venv.map_or_else(|error| error.to_string(), |output| last_line(&output)),
            });
        }
        let requirements = self.folder.join("requirements.txt");
        fs::write(&requirements, self.tools.requirements()).map_err(unusable)?;
        let pip = run(Command::new(self.python())
            .args(["-I", "-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--prefer-binary"])
            // The list is complete: nothing else is looked for.
            .arg("--no-deps")
            .args(["--require-hashes", "--requirement"])
            .arg(&requirements));
        if !pip.as_ref().is_ok_and(|output| output.status.success()) {
            return Err(InstallationError::PipFailed {
                package: self.tools.package(),
                last_line: pip.map_or_else(|error| error.to_string(), |output| last_line(&output)),
            });
        }
        fs::write(self.folder.join(COMPLETE), "").map_err(unusable)
    }

    /// The file that is locked during an installation, beside its folder.
    fn lock_file(&self) -> io::Result<File> {
        let mut path = self.folder.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        File::options().create(true).append(true).open(path)
    }
}

/// The folder in Cargo's target directory for what a rehearsal keeps.
///
/// # Errors
/// The system does not tell where the running program is.
pub fn rehearsal_dir() -> Result<PathBuf, InstallationError> {
    let executable = std::env::current_exe().map_err(|source| InstallationError::Folder {
        path: PathBuf::from("the running program"),
        source,
    })?;
    let target = target_dir(std::env::var_os("CARGO_TARGET_DIR").as_deref(), &executable);
    Ok(target.join("rehearsal"))
}

/// Cargo's target directory: what the user set if it is absolute, or else
/// where the running program was built.
fn target_dir(set: Option<&OsStr>, executable: &Path) -> PathBuf {
    if let Some(set) = set.map(Path::new).filter(|set| set.is_absolute()) {
        return set.to_path_buf();
    }
    let mut folder = executable.parent().unwrap_or(executable);
    if folder
        .file_name()
        .is_some_and(|name| name == "deps" || name == "examples")
    {
        folder = folder.parent().unwrap_or(folder);
    }
    let target = folder.parent().unwrap_or(folder);
    // With `--target` there is a folder named by the triple in between.
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    if name.matches('-').count() >= 2 {
        target.parent().unwrap_or(target).to_path_buf()
    } else {
        target.to_path_buf()
    }
}

/// A name that tells the package's version and changes with any requirement.
fn folder_name(package: &str, requirements: &str) -> String {
    let version = requirements
        .lines()
        .find_map(|line| line.strip_prefix(package)?.strip_prefix("=="))
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or("unknown");
    format!("{package}-{version}-{:08x}", fingerprint(requirements))
}

/// FNV-1a of 32 bits: what it tells apart are versions of one file.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The first Python in `PATH` that is new enough.
fn find_python() -> Result<&'static str, InstallationError> {
    let mut too_old = None;
    for python in PYTHONS {
        let script = "import sys; print('%d.%d' % sys.version_info[:2])";
        let Ok(output) = run(Command::new(python).args(["-I", "-c", script])) else {
            continue;
        };
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match version(&found) {
            Some(version) if version >= OLDEST_PYTHON => return Ok(python),
            Some(_) => too_old = too_old.or(Some(found)),
            // A launcher of another Python manager that leads nowhere.
            None => {}
        }
    }
    Err(too_old.map_or(InstallationError::NoPython, |found| {
        InstallationError::PythonTooOld { found }
    }))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn run(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).output()
}

fn last_line(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.unwrap_or("(nothing)").trim().to_owned()
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{InstallationError, Tools, fingerprint, folder_name, target_dir, version};

    #[test]
    fn finds_the_target_directory_from_where_the_program_is() {
        for (set, executable, target) in [
            (None, "/p/target/debug/rehearse", "/p/target"),
            (None, "/p/target/debug/deps/engine-1a2b", "/p/target"),
            (None, "/p/target/release/examples/x", "/p/target"),
            (None, "/p/t/x86_64-unknown-linux-gnu/debug/x", "/p/t"),
            (Some("/elsewhere"), "/p/target/debug/x", "/elsewhere"),
            (Some("relative"), "/p/target/debug/x", "/p/target"),
        ] {
            let found = target_dir(set.map(OsStr::new), Path::new(executable));
            assert_eq!(found, Path::new(target), "{set:?} {executable}");
        }
    }

    #[test]
    fn names_the_folder_after_the_version_and_every_requirement() {
        let one = folder_name("ministack", "ministack==1.2.3 \\\n    --hash=a\n");
        let other = folder_name("ministack", "ministack==1.2.3 \\\n    --hash=b\n");
        assert!(one.starts_with("ministack-1.2.3-"), "{one}");
        assert_ne!(one, other);
        let named = |tools: Tools| folder_name(tools.package(), tools.requirements());
        assert!(named(Tools::Engine).starts_with("ministack-1.5.33-"));
        assert!(named(Tools::Sam).starts_with("aws-sam-cli-1.170.0-"));
    }

    #[test]
    fn tells_the_remedy_for_a_full_disk_from_that_for_no_network() {
        for (last_line, remedy) in [
            ("ERROR: No matching distribution found", "connect"),
            (
                "ERROR: Could not install packages: [Errno 28] No space left on device",
                "free some space",
            ),
        ] {
            let error = InstallationError::PipFailed {
                package: "ministack",
                last_line: last_line.to_owned(),
            };
            let told = error.to_string();
            assert!(told.contains(remedy) && told.ends_with(last_line), "{told}");
        }
    }

    #[test]
    fn takes_the_fingerprint_as_the_algorithm_says() {
        assert_eq!(fingerprint(""), 0x811c_9dc5);
        assert_eq!(fingerprint("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn compares_versions_by_number() {
        assert!(version("3.9") < Some(super::OLDEST_PYTHON));
        assert!(version("3.10") >= Some(super::OLDEST_PYTHON));
        assert_eq!(version(""), None);
    }
}
