//! `cargo simulate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulation::cli::main()
}
