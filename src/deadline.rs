//! How long everything may take: one table, all in fractions of the function's
//! timeout.
//!
//! So a function with a timeout of 12 s runs through the same story as one of
//! 240 s, only faster.

use std::time::Duration;

use tokio::time::Instant;

/// The part of the function's timeout that is kept back for the answer: a
/// quarter, but at least 5 s (one slow connection to S3) and at most 30 s.
fn reserve(timeout: Duration) -> Duration {
    (timeout / 4).clamp(Duration::from_secs(5), Duration::from_secs(30))
}

/// What a function counts on when it is not told how long it has.
const UNTOLD: Duration = Duration::from_secs(60);

/// The time to work with, of what Lambda's deadline leaves.
///
/// Lambda hands out no event after its deadline, so one that has passed tells
/// nothing: the clock is wrong, or an emulator's (cargo-lambda names 1970).
pub fn left(told: Duration) -> Duration {
    if told.is_zero() { UNTOLD } else { told }
}

/// The waits of one invocation.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// Work ends here, done or not, and the answer goes out.
    pub work_until: Instant,
    /// Lambda kills the function here; whatever runs after the answer ends a
    /// little earlier.
    pub end: Instant,
    /// For one request to the vendor.
    pub vendor_call: Duration,
    /// For one request to AWS.
    pub aws_call: Duration,
    /// For one try to deliver the answer.
    pub answer_call: Duration,
    /// Between the first and the second try of anything.
    pub backoff: Duration,
    /// Between any two tries at most.
    pub longest_backoff: Duration,
    /// For a fresh function role to be believed by Secrets Manager.
    pub role_propagation: Duration,
    /// How often the vendor is asked again while it validates.
    pub polls: usize,
}

impl Waits {
    /// The table, for a function that has `timeout` left at `now`.
    pub fn new(now: Instant, timeout: Duration) -> Self {
        Self {
            work_until: now + timeout.saturating_sub(reserve(timeout)),
            end: now + timeout.saturating_sub(timeout / 60),
            vendor_call: timeout / 12,
            aws_call: timeout / 24,
            answer_call: timeout / 24,
            backoff: timeout / 480,
            longest_backoff: timeout / 12,
            role_propagation: timeout / 8,
            polls: 8,
        }
    }

    /// What goes on after the answer ends here, and still has time to say so.
    pub fn afterwards_until(&self) -> Instant {
        self.end - self.backoff
    }

    /// Whether `wait` would end before work has to.
    pub fn allow(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.work_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case E2: at least `max(5 s, 25 %)`, at most 30 s, is kept for the answer.
    #[tokio::test(start_paused = true)]
    async fn keeps_a_reserve_for_the_answer() {
        for (timeout, work) in [(240, 210), (100, 75), (12, 7), (5, 0), (1, 0)] {
            let now = Instant::now();
            let waits = Waits::new(now, Duration::from_secs(timeout));
            assert_eq!(
                waits.work_until - now,
                Duration::from_secs(work),
                "{timeout}"
            );
        }
    }

    #[test]
    fn believes_no_deadline_that_has_passed() {
        assert_eq!(left(Duration::from_secs(3)), Duration::from_secs(3));
        assert_eq!(left(Duration::ZERO), UNTOLD);
    }

    #[tokio::test(start_paused = true)]
    async fn one_vendor_call_of_each_kind_fits_into_the_work() {
        let now = Instant::now();
        let waits = Waits::new(now, Duration::from_secs(240));
        assert!(waits.vendor_call * 4 < waits.work_until - now);
        assert!(waits.role_propagation * 2 < waits.work_until - now);
    }
}
