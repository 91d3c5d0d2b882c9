//! The harness: what the Lambda meets in AWS and at the vendor, as real
//! servers on loopback.
//!
//! Nothing here is in the shipped binary, and nothing here knows the Lambda:
//! the [`sandbox`] plays Authomize, the [`engine`] is a real CloudFormation
//! engine, the [`internet`] leads the host names of both to this machine, and
//! the [`answer_bucket`] takes the answers as CloudFormation's S3 bucket does.
//! Tests that need no engine run the binary as a [`function`] and give it an
//! [`aws_desk`] to ask.

#[cfg(feature = "servers")]
mod accept;
#[cfg(feature = "servers")]
pub mod answer_bucket;
#[cfg(feature = "servers")]
pub mod aws_desk;
#[cfg(feature = "servers")]
pub mod engine;
#[cfg(feature = "servers")]
pub mod faults;
#[cfg(feature = "servers")]
pub mod function;
#[cfg(feature = "servers")]
pub mod installation;
#[cfg(feature = "servers")]
pub mod internet;
#[cfg(all(
    feature = "servers",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub mod kills;
#[cfg(feature = "servers")]
pub mod laptop;
pub mod leak;
#[cfg(feature = "servers")]
pub mod registrar;
#[cfg(feature = "servers")]
pub mod rehearse;
pub mod sandbox;

pub use launch::inheritance;
