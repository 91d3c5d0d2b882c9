//! How long to wait before a request is sent again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use fastrand::Rng;

use super::error::ApiError;
use crate::deadline::Waits;

/// The waits between the tries of one thing.
///
/// What fails is tried so many times. A vendor that asks for fewer requests has not
/// failed: it is obeyed as long as the time allows it. Many runs are told the same
/// moment at the same time, so each comes a little later than it was asked to, by
/// chance. Nobody comes more rarely the longer it waits, or it would never get its turn.
#[derive(Debug)]
pub struct Patience {
    waits: Waits,
    failures: ExponentialBackoff,
    chance: Rng,
}

impl Patience {
    /// For a thing that is tried again `times` times when it fails; `seed` is for the
    /// jitter.
    pub(super) fn new(waits: Waits, times: usize, seed: u64) -> Self {
        Self {
            waits,
            failures: backoff(&waits, times, seed).build(),
            chance: Rng::with_seed(seed),
        }
    }

    /// How long to wait before the same request is sent again; none if that cannot
    /// help, was tried often enough, or does not fit into the time.
    pub fn before_another_try(&mut self, error: &ApiError) -> Option<Duration> {
        error.is_retryable().then(|| self.after(error)).flatten()
    }

    /// How long to wait after an error, whatever comes next; none if that was done often
    /// enough or does not fit into the time.
    pub fn after(&mut self, error: &ApiError) -> Option<Duration> {
        match error {
            ApiError::RateLimited { retry_after } => self.among_others(*retry_after),
            _ => self.failures.next().filter(|wait| self.waits.allow(*wait)),
        }
    }

    /// At least as long as the vendor asked for. A request that is sent so late that it
    /// is cut leaves its outcome open, so there must be time for it, too.
    fn among_others(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let asked = asked.unwrap_or(self.waits.backoff);
        let wait = asked + self.waits.backoff.mul_f64(self.chance.f64());
        let room = self.waits.vendor_call / 4;
        self.waits.allow(wait + room).then_some(wait)
    }
}

/// Waits that grow, with jitter.
pub(super) fn backoff(waits: &Waits, times: usize, seed: u64) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(waits.backoff)
        .with_max_delay(waits.longest_backoff)
        .with_max_times(times)
        .with_jitter()
        .with_jitter_seed(seed)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::time::{Instant, sleep};

    use super::*;

    const ASKED: Duration = Duration::from_secs(1);

    fn patience(seed: u64) -> Patience {
        let waits = Waits::new(Instant::now(), Duration::from_secs(240));
        Patience::new(waits, 5, seed)
    }

    fn limited(retry_after: Option<Duration>) -> ApiError {
        ApiError::RateLimited { retry_after }
    }

    /// The waits of a run that is turned away each time.
    async fn turned_away(seed: u64) -> Vec<Duration> {
        let mut patience = patience(seed);
        let mut waits = Vec::new();
        while let Some(wait) = patience.before_another_try(&limited(Some(ASKED))) {
            sleep(wait).await;
            waits.push(wait);
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn obeys_a_vendor_that_asks_for_fewer_requests_until_the_time_is_over() {
        let began = Instant::now();
        let waits = turned_away(1).await;
        assert!(waits.iter().all(|wait| *wait >= ASKED), "{waits:?}");
        assert!((136..206).contains(&waits.len()), "{}", waits.len());
        let took = began.elapsed();
        assert!(took > Duration::from_secs(180), "{took:?}");
        assert!(took < Duration::from_secs(206), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_come_back_at_the_moment_at_which_all_others_do() {
        let first = |waits: Vec<Duration>| waits.first().copied();
        let (one, two) = (turned_away(1).await, turned_away(2).await);
        assert_ne!(first(one), first(two));
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_begin_to_wait_for_what_does_not_fit() {
        let error = limited(Some(Duration::from_secs(3600)));
        assert_eq!(patience(1).before_another_try(&error), None);
        assert!(patience(1).after(&limited(None)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_what_fails() {
        let error = ApiError::Unavailable {
            status: StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut patience = patience(1);
        let tries = std::iter::from_fn(|| patience.before_another_try(&error));
        assert_eq!(tries.count(), 5);
        assert_eq!(patience.before_another_try(&ApiError::Forbidden), None);
    }
}
