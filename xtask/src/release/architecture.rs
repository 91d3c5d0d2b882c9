//! The processors that Lambda has, and what compiles for each.

use clap::ValueEnum;

/// A processor of Lambda's, as the template's parameter `Architecture` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Architecture {
    /// Intel's and AMD's; every region has it
    #[value(name = "x86_64")]
    X86_64,
    /// AWS's own
    Arm64,
}

impl Architecture {
    /// Both.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// The template's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The name of its zip in a release.
    #[must_use]
    pub fn zip_name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64.zip",
            Self::Arm64 => "arm64.zip",
        }
    }

    /// Rust's target for it.
    #[must_use]
    pub fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// What links for it on a machine whose own target is `host`.
    #[must_use]
    pub fn linker(self, host: &str) -> &'static str {
        match self {
            _ if host == self.target() => "cc",
            Self::X86_64 => "x86_64-linux-gnu-gcc",
            Self::Arm64 => "aarch64-linux-gnu-gcc",
        }
    }
}
