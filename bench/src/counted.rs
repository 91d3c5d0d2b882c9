//! What is counted and not timed: instructions and system calls, until the first
//! poll and in a first Create.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::network::Network;
use crate::peer::Peer;
use crate::run::{Instrument, Run};
use crate::world::{Kind, World};

/// Up to where is counted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) enum Until {
    /// From process start to the first poll of the Runtime API.
    FirstPoll,
    /// From process start to the arrival of a Create's answer.
    FirstAnswer,
}

/// The fewest instructions of so many runs: threads make some runs wait longer.
///
/// # Errors
/// The peer failed, or callgrind did.
pub(crate) async fn instructions(
    peer: &Peer,
    network: &Network,
    until: Until,
    runs: usize,
) -> Result<u64, BenchError> {
    let out = network.folder().join("callgrind");
    let mut least = u64::MAX;
    for _ in 0..runs {
        let instrument = Instrument::Callgrind(out.clone());
        live(peer, network, &instrument, until).await?;
        least = least.min(total_of(&out)?);
        fs::remove_file(&out).map_err(BenchError::file(&out))?;
    }
    Ok(least)
}

/// The instructions of an interpreter that runs nothing.
///
/// # Errors
/// It failed, or callgrind did.
pub(crate) async fn bare_python(peer: &Peer, network: &Network) -> Result<u64, BenchError> {
    let out = network.folder().join("callgrind");
    let python = peer.command().first();
    let mut command = tokio::process::Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .args(python)
        .args(["-I", "-c", "pass"]);
    command
        .output()
        .await
        .map_err(BenchError::io("valgrind cannot be started"))?;
    total_of(&out)
}

/// The fewest system calls of so many runs.
///
/// # Errors
/// The peer failed, or strace did.
pub(crate) async fn system_calls(
    peer: &Peer,
    network: &Network,
    until: Until,
    runs: usize,
) -> Result<u64, BenchError> {
    let out = network.folder().join("strace");
    let mut least = u64::MAX;
    for _ in 0..runs {
        live(peer, network, &Instrument::Strace(out.clone()), until).await?;
        let text = fs::read_to_string(&out).map_err(BenchError::file(&out))?;
        fs::remove_file(&out).map_err(BenchError::file(&out))?;
        least = least.min(calls_in(&text, until));
    }
    if least == 0 {
        return Err(BenchError::Tool {
            tool: "strace",
            problem: "it may trace nobody".to_owned(),
        });
    }
    Ok(least)
}

async fn live(
    peer: &Peer,
    network: &Network,
    instrument: &Instrument,
    until: Until,
) -> Result<(), BenchError> {
    let world = World::start().await?;
    network.lead_to(&world);
    let mut run = Run::prepare(peer, network, instrument, None).await?;
    run.go().await?;
    run.first_poll().await?;
    if until == Until::FirstAnswer {
        run.answer(&world, &world.request(Kind::Create, 1, ""))
            .await?;
    }
    run.end().await;
    Ok(())
}

fn total_of(out: &Path) -> Result<u64, BenchError> {
    let text = fs::read_to_string(out).map_err(BenchError::file(out))?;
    text.lines()
        .find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
        .ok_or_else(|| BenchError::Tool {
            tool: "callgrind",
            problem: format!("there is no total in {} bytes of its file", text.len()),
        })
}

/// How strace shows the first bytes of a poll.
const POLL: &str = "GET /2018-06-01/runtime/";

/// A line of strace is a call, the end of one, or what happened to a process.
/// After the first poll threads go to sleep in one way or another.
fn calls_in(text: &str, until: Until) -> u64 {
    let is_call = |line: &&str| {
        let said = line
            .split_once(' ')
            .map_or("", |(_, said)| said.trim_start());
        said.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
    };
    let polls = |line: &&str| until == Until::FirstPoll && line.contains(POLL);
    let before = text.lines().take_while(|line| !polls(line));
    before.filter(is_call).count() as u64
}

#[cfg(test)]
mod tests {
    use super::{Until, calls_in};

    #[test]
    fn counts_each_call_once_and_none_after_the_poll() {
        let text = "12 read(3, \"a\", 1) = 1\n\
                    13 futex(0x1, FUTEX_WAIT <unfinished ...>\n\
                    13 <... futex resumed>) = 0\n\
                    12 sendto(4, \"GET /2018-06-01/runtime/invocatio\"..., 99, 0) = 99\n\
                    12 epoll_wait(5, [], 1024, 0) = 0\n\
                    12 --- SIGTERM {si_signo=SIGTERM} ---\n\
                    12 +++ killed by SIGTERM +++\n";
        assert_eq!(calls_in(text, Until::FirstPoll), 2);
        assert_eq!(calls_in(text, Until::FirstAnswer), 4);
    }
}
