//! How fast an organization is rolled out, so that nobody waits for the vendor longer
//! than a run has time.

/// The requests to the vendor that the creation of one member takes at most: the
/// registration, the first look at its validation, and eight polls more.
pub const REQUESTS_PER_ACCOUNT: u32 = 10;

/// Members that are created at a time, for each request that the vendor accepts in a
/// second.
///
/// If all of them come at the same moment and need all their requests, the vendor is
/// busy with them for 200 s, and a run has 210 s for its work. If they need two each,
/// it takes 40 s, so that there is always somebody to serve while the stacks of the
/// others are made.
pub const ACCOUNTS_PER_RATE: u32 = 20;

/// The most members at a time: the runs of functions at a time that an account has by
/// default. <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const RUNS_AT_A_TIME: u32 = 1_000;

/// The preferences of a StackSet's operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Preferences {
    /// `MaxConcurrentCount`.
    pub max_concurrent_count: u32,
    /// `FailureToleranceCount`: the least with which the mode
    /// `STRICT_FAILURE_TOLERANCE`, the default, works at that many accounts at a time.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html>
    pub failure_tolerance_count: u32,
}

/// The preferences with which `accounts` are rolled out at a vendor that accepts `rate`
/// requests a second; at least one account at a time.
pub fn preferences(accounts: u32, rate: u32) -> Preferences {
    let by_the_rate = ACCOUNTS_PER_RATE.saturating_mul(rate);
    let max_concurrent_count = by_the_rate.min(accounts).clamp(1, RUNS_AT_A_TIME);
    Preferences {
        max_concurrent_count,
        failure_tolerance_count: max_concurrent_count - 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::deadline::Waits;

    #[test]
    fn is_bounded_by_the_accounts() {
        let counts = |accounts, rate| {
            let preferences = preferences(accounts, rate);
            let Preferences {
                max_concurrent_count,
                failure_tolerance_count,
            } = preferences;
            (max_concurrent_count, failure_tolerance_count)
        };
        assert_eq!(counts(1000, 10), (200, 199));
        assert_eq!(counts(10, 10), (10, 9));
        assert_eq!(counts(0, 0), (1, 0));
        assert_eq!(counts(u32::MAX, u32::MAX), (1_000, 999));
    }

    #[tokio::test(start_paused = true)]
    async fn has_everybody_served_within_one_run_even_if_all_come_at_once() {
        let now = Instant::now();
        let waits = Waits::new(now, Duration::from_secs(240));
        assert_eq!(REQUESTS_PER_ACCOUNT as usize, 2 + waits.polls);
        let busy = Duration::from_secs((ACCOUNTS_PER_RATE * REQUESTS_PER_ACCOUNT).into());
        assert!(now + busy <= waits.work_until - waits.vendor_call / 4);
    }
}
