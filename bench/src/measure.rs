//! The whole run.

use std::collections::BTreeMap;

use crate::cgroup::Cgroup;
use crate::cost;
use crate::counted::{self, Until};
use crate::error::BenchError;
use crate::figures::{Figures, Results, Work};
use crate::network::Network;
use crate::peer::Peer;
use crate::timed::{Times, thousand, traffic};

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// How often each timed figure is taken.
    pub(crate) rounds: usize,
    /// How often instructions and system calls are counted.
    pub(crate) counts: usize,
    /// How many requests go through one process.
    pub(crate) requests: usize,
}

/// Measures all peers, one round after another.
///
/// # Errors
/// One of them did not do its work, or the machine lacks something.
pub(crate) async fn measure(
    peers: &[Peer],
    network: &Network,
    scale: Scale,
    machine: BTreeMap<String, String>,
) -> Result<Results, BenchError> {
    let times = take_times(peers, network, scale.rounds).await?;
    let mut figures = Vec::new();
    for (peer, times) in peers.iter().zip(times) {
        eprintln!("counting what {} does", peer.name);
        figures.push(count(peer, network, scale, times).await?);
    }
    let python = peers.iter().find(|peer| peer.name == "cfn-response");
    let bare_python_instructions = match python {
        Some(peer) => Some(counted::bare_python(peer, network).await?),
        None => None,
    };
    Ok(Results {
        date: time::OffsetDateTime::now_utc().date().to_string(),
        machine,
        rounds: scale.rounds,
        bare_python_instructions,
        peers: figures,
    })
}

async fn take_times(
    peers: &[Peer],
    network: &Network,
    rounds: usize,
) -> Result<Vec<Times>, BenchError> {
    let core = Cgroup::with_share(100)?;
    let share = Cgroup::with_share(7)?;
    let mut all: Vec<Times> = peers.iter().map(|_| Times::default()).collect();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (peer, times) in peers.iter().zip(&mut all) {
            times.start(peer, network, &core).await?;
            if peer.works {
                times.life(peer, network, &core).await?;
                times.create_with_7_percent(peer, network, &share).await?;
            }
        }
    }
    Ok(all)
}

async fn count(
    peer: &Peer,
    network: &Network,
    scale: Scale,
    times: Times,
) -> Result<Figures, BenchError> {
    let until = Until::FirstPoll;
    let mut start = times.started();
    start.instructions = counted::instructions(peer, network, until, scale.counts).await?;
    start.system_calls = counted::system_calls(peer, network, until, scale.counts).await?;
    let work = match peer.works {
        true => Some(count_work(peer, network, scale, times).await?),
        false => None,
    };
    Ok(Figures {
        name: peer.name.to_owned(),
        what: peer.what.to_owned(),
        start,
        work,
        zip_bytes: peer.zip_bytes()?,
    })
}

async fn count_work(
    peer: &Peer,
    network: &Network,
    scale: Scale,
    times: Times,
) -> Result<Work, BenchError> {
    let traffic = traffic(peer, network).await?;
    let (with_7_percent, with_a_core) = times.first_creates();
    let until = Until::FirstAnswer;
    Ok(Work {
        first_create_at_7_percent_ms: with_7_percent,
        first_create_ms: with_a_core,
        first_create_instructions: counted::instructions(peer, network, until, 1).await?,
        warm_ms: times.warm(),
        peak_memory_kib: times.peak_memory,
        thousand: thousand(peer, network, scale.requests).await?,
        handshakes: traffic.first,
        handshakes_by_kind: traffic.handshakes,
        exchanges_by_kind: traffic.exchanges,
        dollars_per_1000: cost::of_1000(with_7_percent),
    })
}
