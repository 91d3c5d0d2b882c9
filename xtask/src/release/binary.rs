//! Whether Lambda can run a binary: its processor, and the C library that it asks for.

use std::fmt;

use elf::ElfBytes;
use elf::abi::{EM_AARCH64, EM_X86_64};
use elf::endian::AnyEndian;
use thiserror::Error;

use super::architecture::Architecture;

/// The C library of Amazon Linux 2023, which `provided.al2023` is made of.
const AMAZON_LINUX_2023: [u32; 2] = [2, 34];

/// A version of the GNU C library, for example 2.34.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GlibcVersion(Vec<u32>);

/// Why Lambda would not run a binary.
#[derive(Debug, Error)]
pub enum BinaryError {
    /// It is no program for Linux.
    #[error("the binary cannot be read as ELF")]
    Unreadable(#[from] elf::ParseError),
    /// It is for another processor.
    #[error("the binary is for the processor {found} of ELF, and {wanted} was built")]
    Processor {
        /// What was to be built.
        wanted: &'static str,
        /// The number that ELF gives the one that it is for.
        found: u16,
    },
    /// Every program that Rust links names one.
    #[error("the binary names no version of the C library")]
    NoLibrary,
    /// Amazon Linux 2023 would not start it.
    #[error(
        "the binary needs GLIBC_{0}, and Amazon Linux 2023 has GLIBC_2.34: build on a system whose C library is not newer"
    )]
    TooNew(GlibcVersion),
    /// A function that no other version of the library need have.
    #[error("the binary needs `{0}`, which is no version of the C library")]
    Private(String),
}

/// The newest C library that the binary asks for, if Lambda can run it.
///
/// # Errors
/// It is for another processor or asks for a newer library than Lambda has.
pub fn check(binary: &[u8], architecture: Architecture) -> Result<GlibcVersion, BinaryError> {
    let file = ElfBytes::<AnyEndian>::minimal_parse(binary)?;
    let machine = match architecture {
        Architecture::X86_64 => EM_X86_64,
        Architecture::Arm64 => EM_AARCH64,
    };
    if file.ehdr.e_machine != machine {
        return Err(BinaryError::Processor {
            wanted: architecture.name(),
            found: file.ehdr.e_machine,
        });
    }
    let mut newest = None;
    for name in needed(&file)? {
        newest = newest.max(version(&name)?);
    }
    match newest {
        None => Err(BinaryError::NoLibrary),
        Some(version) if version.0.as_slice() > AMAZON_LINUX_2023.as_slice() => {
            Err(BinaryError::TooNew(version))
        }
        Some(version) => Ok(version),
    }
}

/// The names of all versions that the binary's symbols need.
fn needed(file: &ElfBytes<'_, AnyEndian>) -> Result<Vec<String>, BinaryError> {
    let (Some((symbols, _)), Some(versions)) =
        (file.dynamic_symbol_table()?, file.symbol_version_table()?)
    else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for index in 0..symbols.len() {
        if let Some(requirement) = versions.get_requirement(index)? {
            names.push(requirement.name.to_owned());
        }
    }
    Ok(names)
}

/// The version in a name such as `GLIBC_2.34`; none in those of other libraries.
fn version(name: &str) -> Result<Option<GlibcVersion>, BinaryError> {
    let Some(numbers) = name.strip_prefix("GLIBC_") else {
        return Ok(None);
    };
    let numbers: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
    match numbers {
        Ok(numbers) => Ok(Some(GlibcVersion(numbers))),
        Err(_) => Err(BinaryError::Private(name.to_owned())),
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_by_number() {
        let of = |name| version(name).unwrap();
        assert!(of("GLIBC_2.4") < of("GLIBC_2.34"));
        assert!(of("GLIBC_2.2.5") < of("GLIBC_2.34"));
        assert_eq!(of("GCC_3.0"), None);
        assert!(matches!(
            version("GLIBC_PRIVATE"),
            Err(BinaryError::Private(_))
        ));
    }

    #[test]
    fn refuses_what_is_no_program() {
        let refused = check(b"#!/bin/sh\n", Architecture::X86_64);
        assert!(matches!(refused, Err(BinaryError::Unreadable(_))));
    }

    /// This very test is a program of this machine.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn reads_the_processor_and_the_library_of_a_real_program() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let (ours, other) = if cfg!(target_arch = "aarch64") {
            (Architecture::Arm64, Architecture::X86_64)
        } else {
            (Architecture::X86_64, Architecture::Arm64)
        };
        match check(&program, ours) {
            Ok(version) | Err(BinaryError::TooNew(version)) => {
                assert!(version.0 >= vec![2, 17], "{version}");
            }
            Err(error) => panic!("{error}"),
        }
        assert!(matches!(
            check(&program, other),
            Err(BinaryError::Processor { .. })
        ));
    }
}
