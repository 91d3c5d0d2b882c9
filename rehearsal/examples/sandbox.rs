//! A sandbox for another program to talk to: prints one line of JSON with the
//! `url`, the `token` and the `platformToken`, runs until its standard input
//! ends, then prints where either side left the contract and fails if one did.

use std::io::{self, Write};
use std::process::ExitCode;

use rehearsal::sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let token = "an-api-token";
    let platform_token = "a-platform-token";
    let sandbox = Sandbox::start(SandboxOptions {
        token: token.to_owned(),
        platform_token: Some(platform_token.to_owned()),
        ..SandboxOptions::default()
    })
    .await?;
    say(&json!({
        "url": format!("http://{}", sandbox.address()),
        "token": token,
        "platformToken": platform_token,
    }))?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    let violations = sandbox.contract_violations();
    say(&json!({"contractViolations": violations}))?;
    Ok(if violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One line, at once: the other program waits for it.
fn say(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
