//! `cargo simulate`.

use std::process::ExitCode;

/// A life of a stack is a hundred thousand small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    simulation::cli::main()
}
