//! What a publisher of the template does: `cargo xtask`.
//!
//! Nothing here is in the shipped binary.

pub mod cli;
pub mod keep;
pub mod mirror;
pub mod policies;
pub mod quick_create;
pub mod region;
pub mod release;
