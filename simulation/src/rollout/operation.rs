//! One operation of a StackSet: `CreateStackInstances` for some accounts.

use std::time::Duration;

use authomize_trust_role::rollout::Preferences;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::member;
use super::organization::Organization;

/// `ConcurrencyMode`: what failures do to how many accounts are worked on at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// `STRICT_FAILURE_TOLERANCE`, the default: so many that no more than one over the
    /// tolerance can ever fail.
    Strict,
    /// `SOFT_FAILURE_TOLERANCE`: always as many as `MaxConcurrentCount`.
    Soft,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Operation {
    /// Accounts.
    pub accounts: u32,
    /// Accounts whose stack stands.
    pub succeeded: u32,
    /// Accounts whose stack failed.
    pub failed: u32,
    /// Accounts that it did not come to, for too many had failed before.
    pub cancelled: u32,
    /// How long it took.
    pub took: Duration,
}

/// Creates the instances of these accounts.
pub async fn run(
    organization: &Organization,
    accounts: Vec<u32>,
    preferences: Preferences,
    mode: Mode,
) -> Operation {
    let began = Instant::now();
    let mut operation = Operation {
        accounts: count(accounts.len()),
        ..Operation::default()
    };
    let mut left = accounts.into_iter();
    let mut running = JoinSet::new();
    loop {
        let may_run = at_a_time(preferences, mode, operation.failed);
        while running.len() < may_run as usize
            && let Some(account) = left.next()
        {
            let organization = organization.clone();
            running.spawn(async move { member::create(&organization, account).await });
        }
        match running.join_next().await {
            Some(Ok(true)) => operation.succeeded += 1,
            Some(_) => operation.failed += 1,
            None => break,
        }
    }
    operation.cancelled = count(left.count());
    operation.took = began.elapsed();
    operation
}

/// How many accounts are worked on at a time after so many failures: none once there are
/// more than are tolerated.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html>
fn at_a_time(preferences: Preferences, mode: Mode, failed: u32) -> u32 {
    let Preferences {
        max_concurrent_count,
        failure_tolerance_count,
    } = preferences;
    let may_fail = (u64::from(failure_tolerance_count) + 1).saturating_sub(failed.into());
    match mode {
        _ if may_fail == 0 => 0,
        Mode::Strict => max_concurrent_count.min(u32::try_from(may_fail).unwrap_or(u32::MAX)),
        Mode::Soft => max_concurrent_count,
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_on_fewer_accounts_the_more_failed_if_it_is_strict() {
        let preferences = |max_concurrent_count, failure_tolerance_count| Preferences {
            max_concurrent_count,
            failure_tolerance_count,
        };
        for (mode, concurrent, tolerated, failed, expected) in [
            (Mode::Strict, 10, 9, 0, 10),
            (Mode::Strict, 10, 4, 0, 5),
            (Mode::Strict, 10, 9, 3, 7),
            (Mode::Strict, 10, 0, 0, 1),
            (Mode::Strict, 10, 0, 1, 0),
            (Mode::Soft, 10, 4, 0, 10),
            (Mode::Soft, 10, 4, 4, 10),
            (Mode::Soft, 10, 4, 5, 0),
        ] {
            let at_a_time = at_a_time(preferences(concurrent, tolerated), mode, failed);
            assert_eq!(at_a_time, expected, "{mode:?} {tolerated} {failed}");
        }
    }
}
