//! All figures of a run, as they stand in `bench/results.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spread::Spread;
use crate::world::Exchanges;

/// A run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    /// The day, as `2026-11-25`.
    pub(crate) date: String,
    /// The machine, and the versions of everything that made or took a figure.
    pub(crate) machine: BTreeMap<String, String>,
    /// How often each timed figure was taken.
    pub(crate) rounds: usize,
    /// The instructions of a Python that runs nothing.
    pub(crate) bare_python_instructions: Option<u64>,
    /// Each peer's, in the order of the table.
    pub(crate) peers: Vec<Figures>,
}

/// One peer's figures. What a peer does not do has none.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Figures {
    /// As `--without` takes it.
    pub(crate) name: String,
    /// What it is.
    pub(crate) what: String,
    /// Until the first poll.
    pub(crate) start: Start,
    /// What is done with a request.
    pub(crate) work: Option<Work>,
    /// The deployed zip, without what AWS's runtime brings.
    pub(crate) zip_bytes: u64,
}

/// From process start to the first poll of the Runtime API.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Start {
    /// Milliseconds.
    pub(crate) wall_ms: Spread,
    /// Milliseconds of all threads.
    pub(crate) cpu_ms: Spread,
    /// By callgrind.
    pub(crate) instructions: u64,
    /// By strace.
    pub(crate) system_calls: u64,
    /// By system calls.
    pub(crate) bytes_read: u64,
}

/// What is done with requests.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Work {
    /// From process start to the answer's arrival, with 7 % of a core.
    pub(crate) first_create_at_7_percent_ms: Spread,
    /// The same with a whole core.
    pub(crate) first_create_ms: Spread,
    /// The same in instructions.
    pub(crate) first_create_instructions: u64,
    /// By kind, in a process that has done one life before.
    pub(crate) warm_ms: BTreeMap<String, Spread>,
    /// The most memory until a first Create was answered.
    pub(crate) peak_memory_kib: u64,
    /// A process that lived long.
    pub(crate) thousand: Thousand,
    /// The TLS handshakes of a first Create, by host.
    pub(crate) handshakes: BTreeMap<String, usize>,
    /// By kind, in one process: TLS handshakes.
    pub(crate) handshakes_by_kind: BTreeMap<String, usize>,
    /// By kind: requests that were answered.
    pub(crate) exchanges_by_kind: BTreeMap<String, Exchanges>,
    /// What 1,000 first Creates cost at 7 %, in US dollars.
    pub(crate) dollars_per_1000: f64,
}

/// Requests through one process, Create and Delete in turn.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Thousand {
    /// How many.
    pub(crate) requests: usize,
    /// Memory after every 100 of them, in KiB.
    pub(crate) memory_kib: Vec<u64>,
    /// Milliseconds of the first Create.
    pub(crate) first_ms: f64,
    /// The median milliseconds of the last ten Creates.
    pub(crate) last_ms: f64,
}

impl Thousand {
    /// By how many KiB the memory grew in the second half: what a process keeps for
    /// good, and what its allocator has to find its size for, is there by then.
    pub(crate) fn growth_kib(&self) -> i64 {
        let last = self.memory_kib.last().copied().unwrap_or_default();
        let half = self.memory_kib.len().saturating_sub(1) / 2;
        let middle = self.memory_kib.get(half).copied().unwrap_or_default();
        last as i64 - middle as i64
    }
}

impl Work {
    /// The round trips of a kind: TCP and TLS 1.3 take one each, and so does each
    /// request.
    pub(crate) fn round_trips(&self, kind: &str) -> usize {
        let handshakes = self.handshakes_by_kind.get(kind).copied();
        let exchanges = self
            .exchanges_by_kind
            .get(kind)
            .copied()
            .unwrap_or_default();
        2 * handshakes.unwrap_or_default() + exchanges.vendor + exchanges.aws + exchanges.bucket
    }
}

impl Results {
    /// A peer's figures by its name.
    pub(crate) fn peer(&self, name: &str) -> Option<&Figures> {
        self.peers.iter().find(|peer| peer.name == name)
    }
}
