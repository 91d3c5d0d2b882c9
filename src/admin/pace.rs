//! How many requests the vendor takes, and how many accounts may be worked on at
//! once by that.

use std::time::Duration;

use crate::rollout::{ACCOUNTS_PER_RATE, RUNS_AT_A_TIME};

/// The most requests that a measurement sends.
pub const REQUESTS: u32 = 100;

/// How many of them are under way at once.
pub const AT_ONCE: u32 = 10;

/// The longest time in which they are begun.
pub const LONGEST: Duration = Duration::from_secs(10);

/// What the vendor said to many requests at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measured {
    /// So many were answered.
    pub taken: u32,
    /// In this time.
    pub elapsed: Duration,
    /// Then one was answered 429, to come back after this time; none if none was.
    pub refused: Option<Duration>,
}

impl Measured {
    /// Requests a second: those that were taken, over the time until the next one is.
    /// So a limit by the second and one by the minute come to the same. Where none
    /// was refused it is at least this.
    pub fn rate(&self) -> f64 {
        let wait = self.refused.unwrap_or_default();
        let seconds = (self.elapsed + wait).as_secs_f64().max(0.001);
        f64::from(self.taken) / seconds
    }

    /// How many accounts StackSets may work on at once: see [`crate::rollout`].
    pub fn concurrency(&self) -> u32 {
        let accounts = self.rate() * f64::from(ACCOUNTS_PER_RATE);
        accounts.clamp(1.0, RUNS_AT_A_TIME.into()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(taken: u32, millis: u64, refused: Option<u64>) -> Measured {
        Measured {
            taken,
            elapsed: Duration::from_millis(millis),
            refused: refused.map(Duration::from_secs),
        }
    }

    #[test]
    fn reads_the_rate_from_when_the_next_request_is_taken() {
        for (measured, rate) in [
            // Ten a second, all at once.
            (measured(10, 0, Some(1)), 10.0),
            // Sixty a minute, used up in half a second.
            (measured(60, 500, Some(60)), 0.99),
            // No limit was met: the time of the requests themselves.
            (measured(100, 2_000, None), 50.0),
            (measured(0, 0, Some(30)), 0.0),
        ] {
            assert!((measured.rate() - rate).abs() < 0.01, "{measured:?}");
        }
    }

    #[test]
    fn lets_as_many_accounts_begin_as_are_answered_in_one_run() {
        for (rate, concurrency) in [(1, 20), (10, 200), (100, 1_000)] {
            let measured = measured(rate, 0, Some(1));
            assert_eq!(measured.concurrency(), concurrency);
        }
        assert_eq!(measured(0, 0, Some(30)).concurrency(), 1);
        assert_eq!(measured(100, 0, None).concurrency(), 1_000);
    }
}
