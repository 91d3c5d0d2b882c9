//! What can go wrong in an organization.

use clap::ValueEnum;

/// What goes wrong while members are created.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(in super::super) enum OrganizationFault {
    /// Authomize is down for ten seconds in the middle
    VendorDown,
    /// The first account is in no organization, so that Lambda denies it the hub
    ForeignAccount,
    /// The first member names another owner than the hub
    DifferingMember,
}

impl OrganizationFault {
    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::VendorDown => "vendor-down",
            Self::ForeignAccount => "foreign-account",
            Self::DifferingMember => "differing-member",
        }
    }

    /// What the first member is told, if it is the one that must fail.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::VendorDown => None,
            Self::ForeignAccount => Some("is not authorized to perform: lambda:InvokeFunction"),
            Self::DifferingMember => Some("OwnerEmail is not what the hub says"),
        }
    }
}
