//! Compiles the function twice, in two places, and compares the bytes.
//!
//! A place is a folder with the sources of the commit, a target folder and a folder for
//! cargo of its own. What differs between the places must not get into the binary, so
//! that anybody who has the same toolchain can build the same bytes from the commit.
//! Every path that the compiler could write down is replaced by a name that is the same
//! everywhere (`--remap-path-prefix`; cargo's own `trim-paths` is not stable yet:
//! <https://doc.rust-lang.org/cargo/reference/unstable.html#profile-trim-paths-option>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use super::architecture::Architecture;
use super::digest::Sha256;
use super::tool::{self, ToolError};

/// The function's package and binary.
pub const PACKAGE: &str = "authomize-trust-role";
const BINARY: &str = "bootstrap";

/// How it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimization {
    /// As it is published.
    Full,
    /// Not at all, which takes a fraction of the time. Paths get into a binary in the same
    /// places either way.
    None,
}

impl Optimization {
    /// What cargo finds in its environment
    /// (<https://doc.rust-lang.org/cargo/reference/config.html#profile>).
    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Full => &[],
            Self::None => &[
                ("CARGO_PROFILE_RELEASE_LTO", "off"),
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
            ],
        }
    }
}

/// What compiles.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// This machine's own target.
    pub host: String,
    commit: String,
    sysroot: PathBuf,
    /// Where cargo keeps the sources of packages.
    cargo_home: PathBuf,
}

/// What an architecture cannot be compiled without.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Missing {
    /// The standard library.
    #[error("Rust's target {0} is not installed: `rustup target add {0}`")]
    Target(&'static str),
    /// What links.
    #[error("the linker `{0}` is not in PATH: on Debian and Ubuntu `apt install {1}`")]
    Linker(&'static str, &'static str),
}

/// Why there is no binary.
#[derive(Debug, Error)]
pub enum CompileError {
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A folder could not be used.
    #[error("`{}` cannot be used", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The same sources gave two binaries.
    #[error(
        "two builds of {architecture} differ: {one} has the SHA-256 {one_hash}, {other} has {other_hash}",
        architecture = architecture.name(), one = one.display(), other = other.display()
    )]
    NotReproducible {
        /// What was built.
        architecture: Architecture,
        /// One binary.
        one: PathBuf,
        /// Its hash.
        one_hash: Sha256,
        /// The other binary.
        other: PathBuf,
        /// Its hash.
        other_hash: Sha256,
    },
    /// `rustc` did not tell.
    #[error("`rustc -vV` names no {0}")]
    Untold(&'static str),
    /// No home folder, and no `CARGO_HOME`.
    #[error("there is no home folder: set CARGO_HOME to where cargo keeps its packages")]
    NoHome,
}

impl Toolchain {
    /// The toolchain that compiles what is in `root`.
    ///
    /// # Errors
    /// There is none.
    pub fn find(root: &Path) -> Result<Self, CompileError> {
        let told = tool::output(Command::new("rustc").arg("-vV").current_dir(root))?;
        let member = |name: &'static str| {
            let line = |line: &str| {
                line.strip_prefix(name)?
                    .strip_prefix(": ")
                    .map(str::to_owned)
            };
            told.lines()
                .find_map(line)
                .ok_or(CompileError::Untold(name))
        };
        let mut sysroot = Command::new("rustc");
        let sysroot = tool::output(sysroot.args(["--print", "sysroot"]).current_dir(root))?;
        let cargo_home = match std::env::var_os("CARGO_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::home_dir()
                .ok_or(CompileError::NoHome)?
                .join(".cargo"),
        };
        Ok(Self {
            host: member("host")?,
            commit: member("commit-hash")?,
            sysroot: sysroot.trim_end().into(),
            cargo_home,
        })
    }

    /// Whether an architecture can be compiled here.
    ///
    /// # Errors
    /// Its standard library or its linker is missing.
    pub fn has(&self, architecture: Architecture) -> Result<(), Missing> {
        let target = architecture.target();
        if !self
            .sysroot
            .join("lib/rustlib")
            .join(target)
            .join("lib")
            .is_dir()
        {
            return Err(Missing::Target(target));
        }
        let linker = architecture.linker(&self.host);
        if Command::new(linker).arg("--version").output().is_err() {
            let package = match architecture {
                _ if target == self.host => "gcc",
                Architecture::X86_64 => "gcc-x86-64-linux-gnu",
                Architecture::Arm64 => "gcc-aarch64-linux-gnu",
            };
            return Err(Missing::Linker(linker, package));
        }
        Ok(())
    }
}

/// Compiles each architecture in both places at once, and returns the binaries.
///
/// `sources` is what `git archive` gave of the commit, as a tar file.
///
/// # Errors
/// It does not compile, or not to the same bytes.
pub fn twice(
    toolchain: &Toolchain,
    sources: &Path,
    places: &Path,
    architectures: &[Architecture],
    optimization: Optimization,
) -> Result<Vec<Vec<u8>>, CompileError> {
    // Of two lengths, for a path's length could get into the binary too.
    let [one, other] = ["one", "the-other/place"].map(|name| places.join(name));
    let compile = |folder: &Path| {
        Place::set_up(toolchain, sources, folder)?.compile(architectures, optimization)
    };
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| compile(&one));
        let other = compile(&other);
        (one.join().expect("compiling does not panic"), other)
    });
    let (one, other) = (one?, other?);
    let mut binaries = Vec::new();
    for (&architecture, (one, other)) in architectures.iter().zip(one.into_iter().zip(other)) {
        let read = |path: &Path| fs::read(path).map_err(|source| unusable(path, source));
        let (binary, another) = (read(&one)?, read(&other)?);
        if binary != another {
            return Err(CompileError::NotReproducible {
                architecture,
                one_hash: Sha256::of(&binary),
                one,
                other_hash: Sha256::of(&another),
                other,
            });
        }
        binaries.push(binary);
    }
    Ok(binaries)
}

/// Where it is compiled once.
struct Place<'a> {
    toolchain: &'a Toolchain,
    sources: PathBuf,
    target: PathBuf,
    cargo_home: PathBuf,
}

impl<'a> Place<'a> {
    /// Unpacks the sources. What was compiled here before is compiled anew only where
    /// cargo finds it changed.
    fn set_up(
        toolchain: &'a Toolchain,
        sources: &Path,
        folder: &Path,
    ) -> Result<Self, CompileError> {
        let place = Self {
            toolchain,
            sources: folder.join("sources"),
            target: folder.join("target"),
            cargo_home: folder.join("cargo"),
        };
        for folder in [&place.sources, &place.cargo_home] {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(folder, error));
                }
                _ => fs::create_dir_all(folder).map_err(|source| unusable(folder, source))?,
            }
        }
        let mut tar = Command::new("tar");
        // With the time of now, for cargo compiles anew what is newer than what it built.
        tar.arg("-xmf").arg(sources).arg("-C").arg(&place.sources);
        tool::output(&mut tar)?;
        place.share_packages()?;
        Ok(place)
    }

    /// Cargo finds the same packages here under another path.
    fn share_packages(&self) -> Result<(), CompileError> {
        let home = &self.toolchain.cargo_home;
        let entries = fs::read_dir(home).map_err(|source| unusable(home, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| unusable(home, source))?;
            let link = self.cargo_home.join(entry.file_name());
            link_to(&entry.path(), &link).map_err(|source| unusable(&link, source))?;
        }
        Ok(())
    }

    /// The binary of each architecture.
    fn compile(
        &self,
        architectures: &[Architecture],
        optimization: Optimization,
    ) -> Result<Vec<PathBuf>, CompileError> {
        let compiled = architectures.iter().map(|architecture| {
            let mut cargo = self.cargo(*architecture);
            tool::output(cargo.envs(optimization.environment().iter().copied()))?;
            let folder = self.target.join(architecture.target());
            Ok(folder.join("release").join(BINARY))
        });
        compiled.collect()
    }

    fn cargo(&self, architecture: Architecture) -> Command {
        let target = architecture.target();
        let linker = format!(
            "CARGO_TARGET_{}_LINKER",
            target.to_uppercase().replace('-', "_")
        );
        let mut cargo = Command::new("cargo");
        cargo
            .args([
                "build",
                "--quiet",
                "--release",
                "--locked",
                "--package",
                PACKAGE,
            ])
            .args(["--bin", BINARY, "--target", target])
            .current_dir(&self.sources)
            .env("CARGO_HOME", &self.cargo_home)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags().join("\x1f"))
            .env(linker, architecture.linker(&self.toolchain.host))
            .env_remove("RUSTFLAGS");
        cargo
    }

    /// What replaces the paths of this place and of this machine.
    fn flags(&self) -> Vec<String> {
        let Toolchain {
            commit,
            sysroot,
            cargo_home,
            ..
        } = self.toolchain;
        let standard_library = sysroot.join("lib/rustlib/src/rust");
        let replaced = [
            (&self.sources, "/sources".to_owned()),
            (&self.target, "/target".to_owned()),
            (&self.cargo_home, "/cargo".to_owned()),
            (cargo_home, "/cargo".to_owned()),
            (&standard_library, format!("/rustc/{commit}")),
        ];
        let flag = |(path, name): (&PathBuf, String)| {
            format!("--remap-path-prefix={}={name}", path.display())
        };
        replaced.into_iter().map(flag).collect()
    }
}

#[cfg(unix)]
fn link_to(original: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

/// Lambda's targets are Linux's, and nothing links for them here.
#[cfg(not(unix))]
fn link_to(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn unusable(path: &Path, source: io::Error) -> CompileError {
    CompileError::Folder {
        path: path.to_owned(),
        source,
    }
}
