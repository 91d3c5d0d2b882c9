//! What a run has covered: how often each thing happened.

use std::collections::BTreeMap;
use std::fmt;

use crate::fault::{Spot, What};
use crate::violation::Unknowable;

/// Counts of what happened.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    /// Faults, by the request that they met.
    pub faults: BTreeMap<(Spot, What), u64>,
    /// The same by the kind of CloudFormation's request.
    pub by_kind: BTreeMap<(&'static str, Spot, What), u64>,
    /// Everything else, by group and name.
    pub branches: BTreeMap<(&'static str, String), u64>,
    /// Histories in which nobody can know.
    pub unknowable: BTreeMap<Unknowable, u64>,
}

/// How often each possible pair must be met in a million lifecycles.
pub const WANTED_IN_A_MILLION: u64 = 100;

impl Coverage {
    /// A fault met a request.
    pub fn fault(&mut self, kind: &'static str, spot: Spot, what: What) {
        *self.faults.entry((spot, what)).or_default() += 1;
        *self.by_kind.entry((kind, spot, what)).or_default() += 1;
    }

    /// Something else happened.
    pub fn branch(&mut self, group: &'static str, name: impl Into<String>) {
        *self.branches.entry((group, name.into())).or_default() += 1;
    }

    /// Nobody can know.
    pub fn unknowable(&mut self, why: Unknowable) {
        *self.unknowable.entry(why).or_default() += 1;
    }

    /// Adds what another run has covered.
    pub fn add(&mut self, other: Self) {
        add(&mut self.faults, other.faults);
        add(&mut self.by_kind, other.by_kind);
        add(&mut self.branches, other.branches);
        add(&mut self.unknowable, other.unknowable);
    }

    /// The possible pairs that were met less than `wanted` times.
    pub fn missing(&self, wanted: u64) -> Vec<String> {
        let pairs = Spot::ALL
            .into_iter()
            .flat_map(|spot| spot.possible().iter().map(move |what| (spot, *what)));
        pairs
            .filter_map(|(spot, what)| {
                let met = self.faults.get(&(spot, what)).copied().unwrap_or_default();
                (met < wanted).then(|| format!("{what:?} at {spot:?}: {met} times"))
            })
            .collect()
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *sums.entry(key).or_default() += count;
    }
}

/// As a table for people.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:<14} {:>9} {:>9} {:>9} {:>9}",
            "request", "fault", "all", "Create", "Update", "Delete"
        )?;
        for ((spot, what), count) in &self.faults {
            let of = |kind| {
                let met = self.by_kind.get(&(kind, *spot, *what));
                met.copied().unwrap_or_default()
            };
            writeln!(
                f,
                "{:<10} {:<14} {count:>9} {:>9} {:>9} {:>9}",
                format!("{spot:?}"),
                format!("{what:?}"),
                of("Create"),
                of("Update"),
                of("Delete")
            )?;
        }
        let mut last = "";
        for ((group, name), count) in &self.branches {
            if last != *group {
                writeln!(f, "\n{group}")?;
                last = group;
            }
            writeln!(f, "{name:<60} {count:>9}")?;
        }
        writeln!(f, "\nhistories in which nobody can know")?;
        for (why, count) in &self.unknowable {
            writeln!(f, "{:<60} {count:>9}", format!("{why:?}"))?;
        }
        Ok(())
    }
}
