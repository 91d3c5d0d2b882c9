//! `cargo rehearse`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rehearsal::rehearse::cli::main().await
}
