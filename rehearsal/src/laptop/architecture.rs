//! The processors that Lambda has.

use clap::ValueEnum;

/// A processor of Lambda's, as the template's parameter `Architecture` names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Architecture {
    /// Intel's and AMD's
    #[value(name = "x86_64")]
    X86_64,
    /// AWS's own
    Arm64,
}

impl Architecture {
    /// This machine's.
    pub const HERE: Self = if cfg!(target_arch = "aarch64") {
        Self::Arm64
    } else {
        Self::X86_64
    };

    /// The template's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
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
}
