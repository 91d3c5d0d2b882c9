//! The harness: what the Lambda meets in AWS and at the vendor, as real
//! servers on loopback.
//!
//! Nothing here is in the shipped binary, and nothing here knows the Lambda:
//! the [`sandbox`] plays Authomize, the [`engine`] is a real CloudFormation
//! engine, the [`internet`] leads the host names of both to this machine, and
//! the [`answer_bucket`] takes the answers as CloudFormation's S3 bucket does.
//! Tests that need no engine run the binary as a [`function`] and give it an
//! [`aws_desk`] to ask.

mod accept;
pub mod answer_bucket;
pub mod aws_desk;
pub mod engine;
pub mod faults;
pub mod function;
pub mod installation;
pub mod internet;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub mod kills;
pub mod laptop;
pub mod leak;
pub mod rehearse;
pub mod sandbox;
