//! The first minute of a command: `cargo rehearse`, `cargo simulate`, `cargo xtask`.
//!
//! Each is an alias that runs this small program, which is built within a second, for it
//! has no dependencies. It builds the command's own program, and at the same time what
//! that will ask for: the function, and the local cloud. Meanwhile one line says how far
//! everything is. Then it becomes that program.

pub mod build;
pub mod command;
pub mod failure;
pub mod inheritance;
pub mod installation;
pub mod preparation;
pub mod progress;
