//! Many histories, on several threads.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::coverage::Coverage;
use crate::run::{Collectors, Outcome, run};
use crate::schedule::History;
use crate::violation::{Promise, Violation};

/// Which histories to run.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// The first seed; the others follow.
    pub seed: u64,
    /// Lives of stacks in all.
    pub lifecycles: u64,
    /// Threads. The result does not depend on them.
    pub threads: usize,
    /// After so many seeds that failed it is given up.
    pub enough: usize,
}

/// What became of them.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Lives of stacks.
    pub lifecycles: u64,
    /// Histories.
    pub histories: u64,
    /// The sum of the hashes of all that happened.
    pub hash: u64,
    /// How often each thing happened.
    pub coverage: Coverage,
    /// The seeds in which something did not hold, lowest first.
    pub failures: Vec<Failure>,
    /// The seeds in which nobody can know, lowest first, and what.
    pub unknowable: Vec<(u64, String)>,
    /// How long it took.
    pub took: Duration,
}

/// A history in which something did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// The life of a stack, counted from the first seed, that it ended with.
    pub lifecycle: u64,
    /// What did not hold.
    pub violations: Vec<Violation>,
}

impl Failure {
    /// What did not hold first.
    pub fn promise(&self) -> Promise {
        self.violations[0].promise
    }
}

/// What is left to do.
struct Claims {
    next: u64,
    planned: u64,
    failed: usize,
}

impl Many {
    /// Runs them.
    pub fn run(self) -> Summary {
        let began = Instant::now();
        let claims = Mutex::new(Claims {
            next: self.seed,
            planned: 0,
            failed: 0,
        });
        let summary = Mutex::new(Summary::default());
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| self.work(&claims, &summary));
            }
        });
        let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
        summary.failures.sort_by_key(|failure| failure.seed);
        summary.unknowable.sort();
        summary.took = began.elapsed();
        summary
    }

    fn work(self, claims: &Mutex<Claims>, summary: &Mutex<Summary>) {
        let collectors = Collectors::default();
        let mut own = Summary::default();
        while let Some((history, lifecycle)) = self.claim(claims) {
            let outcome = run(&history, false, &collectors);
            if !outcome.violations.is_empty() {
                let mut claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
                claims.failed += 1;
            }
            own.count(outcome, lifecycle);
        }
        let mut all = summary.lock().unwrap_or_else(PoisonError::into_inner);
        all.lifecycles += own.lifecycles;
        all.histories += own.histories;
        all.hash = all.hash.wrapping_add(own.hash);
        all.coverage.add(own.coverage);
        all.failures.extend(own.failures);
        all.unknowable.extend(own.unknowable);
    }

    fn claim(self, claims: &Mutex<Claims>) -> Option<(History, u64)> {
        let mut claims = claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.planned >= self.lifecycles || claims.failed >= self.enough {
            return None;
        }
        let history = History::of(claims.next);
        claims.next = claims.next.wrapping_add(1);
        claims.planned += history.stacks.len() as u64;
        Some((history, claims.planned))
    }
}

impl Summary {
    fn count(&mut self, outcome: Outcome, lifecycle: u64) {
        self.lifecycles += outcome.lifecycles;
        self.histories += 1;
        let hash = u64::from_str_radix(&outcome.hash[..16], 16).unwrap_or_default();
        self.hash = self.hash.wrapping_add(hash);
        self.coverage.add(outcome.coverage);
        for (why, what) in outcome.unknowable {
            self.unknowable
                .push((outcome.seed, format!("{why:?}: {what}")));
        }
        if !outcome.violations.is_empty() {
            self.failures.push(Failure {
                seed: outcome.seed,
                lifecycle,
                violations: outcome.violations,
            });
        }
    }

    /// Lives of stacks in a second.
    pub fn speed(&self) -> f64 {
        self.lifecycles as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}
