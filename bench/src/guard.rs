//! What must not become more: counts, which a busy machine does not change.

use std::collections::BTreeMap;

use crate::counted::{Until, instructions, system_calls};
use crate::error::BenchError;
use crate::network::Network;
use crate::peer::Peer;
use crate::timed::traffic;
use crate::world::Kind;

/// How many runs count instructions; the least of them counts.
const RUNS: usize = 3;

/// How many count system calls, of which threads that wait make more or fewer.
const TRACED_RUNS: usize = 15;

/// How much more than the committed value is let pass, in percent.
const SLACK: u64 = 5;

/// Counts by name, as they stand in `bench/guard.json`.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Counts everything that is guarded. What the vendor is asked for is no count
/// to be compared but a promise.
///
/// # Errors
/// The function did not do its work, or asked the vendor for more than it may.
pub(crate) async fn count(peer: &Peer, network: &Network) -> Result<Counts, BenchError> {
    let mut counts = Counts::new();
    for (until, name) in [
        (Until::FirstPoll, "until the first poll"),
        (Until::FirstAnswer, "in a first Create"),
    ] {
        let ran = instructions(peer, network, until, RUNS).await?;
        counts.insert(format!("instructions {name}"), ran);
        let called = system_calls(peer, network, until, TRACED_RUNS).await?;
        counts.insert(format!("system calls {name}"), called);
    }
    let traffic = traffic(peer, network).await?;
    for (host, handshakes) in traffic.first {
        counts.insert(format!("TLS handshakes with {host}"), handshakes as u64);
    }
    for (kind, allowed) in [
        (Kind::Create, 2),
        (Kind::UnchangedUpdate, 1),
        (Kind::Update, 3),
        (Kind::Delete, 2),
    ] {
        let asked = traffic.exchanges.get(&format!("{kind:?}"));
        let asked = asked.map(|exchanges| exchanges.vendor).unwrap_or_default();
        if asked != allowed {
            return Err(BenchError::Over(format!(
                "the vendor was asked {asked} times in an {kind:?}, not {allowed} times"
            )));
        }
    }
    counts.insert("bytes of the zip".to_owned(), peer.zip_bytes()?);
    Ok(counts)
}

/// Compares with what is committed, and says by what each count is over.
///
/// # Errors
/// Something is over.
pub(crate) fn compare(counts: &Counts, committed: &Counts) -> Result<(), BenchError> {
    let over = over(counts, committed);
    if over.is_empty() {
        Ok(())
    } else {
        Err(BenchError::Over(over.join("\n")))
    }
}

/// One line for each count that is over, or that nobody has agreed to.
fn over(counts: &Counts, committed: &Counts) -> Vec<String> {
    counts
        .iter()
        .filter_map(|(name, count)| {
            let Some(limit) = committed.get(name) else {
                return Some(format!("{name}: {count}, and nothing is committed for it"));
            };
            let percent = (*count as f64 / *limit as f64 - 1.0) * 100.0;
            (count * 100 > limit * (100 + SLACK))
                .then(|| format!("{name}: {count}, {percent:.1} % over the committed {limit}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Counts, over};

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    #[test]
    fn lets_five_percent_pass_and_says_by_what_more_is_over() {
        let committed = counts(&[("instructions", 1000), ("handshakes", 1)]);
        assert!(
            over(
                &counts(&[("instructions", 1050), ("handshakes", 1)]),
                &committed
            )
            .is_empty()
        );
        assert_eq!(
            over(
                &counts(&[("instructions", 1051), ("handshakes", 2)]),
                &committed
            ),
            [
                "handshakes: 2, 100.0 % over the committed 1",
                "instructions: 1051, 5.1 % over the committed 1000"
            ]
        );
    }

    #[test]
    fn knows_what_nobody_agreed_to() {
        let found = counts(&[("TLS handshakes with another.example", 1)]);
        assert_eq!(over(&found, &Counts::new()).len(), 1);
    }
}
