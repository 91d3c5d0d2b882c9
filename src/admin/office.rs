//! Does what the decisions of this room say: asks CloudFormation for instances and the
//! vendor for records, within the function's time.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::action::{Action, Bookmark};
use super::answer::{Answer, Outcome, Removal};
use super::comparison::Comparison;
use super::error::AdminError;
use super::inspection::{self, Verdict};
use super::pace::{AT_ONCE, LONGEST, Measured, REQUESTS};
use super::removal::{Candidate, candidate, has_left};
use super::settings::{OwnHub, Settings, StackSetName};
use super::stack_set::{Instance, InstancePage};
use crate::account_id::AccountId;
use crate::authomize::{ApiError, Authomize, Credentials, Record};
use crate::aws::{Aws, AwsError};
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::deadline::Waits;
use crate::lifecycle::{Cause, api_address, read_token};
use crate::record_id::RecordId;
use crate::wire::Wire;

/// How often a page of instances is asked for at most: StackSets answers a few
/// requests a second, of a whole account.
const TRIES: usize = 8;

/// One run of the admin function.
pub(super) struct Office<'a> {
    pub(super) configuration: Arc<Configuration>,
    pub(super) settings: &'a Settings,
    pub(super) wire: Arc<dyn Wire>,
    pub(super) waits: Waits,
    pub(super) clock: Clock,
    pub(super) seed: u64,
}

impl Office<'_> {
    pub(super) async fn carry_out(&self, action: Action) -> Result<Answer, AdminError> {
        match action {
            Action::Check => Ok(self.check().await),
            Action::Reconcile { from, pages } => self.reconcile(from, pages).await,
            Action::Remove { ids } => self.remove(ids).await,
        }
    }

    /// Looks whether all is ready for a rollout. What cannot be looked at is an error of
    /// its own, so this has an answer always.
    async fn check(&self) -> Answer {
        let mut verdicts = Vec::new();
        let mut measured = None;
        match self.vendor().await {
            Ok(vendor) => {
                verdicts.push(Verdict::ok(
                    "secret",
                    "it can be read, with its key, and holds a token",
                ));
                let accepted = self.check_token(&vendor).await;
                let is_accepted = accepted.level == inspection::Level::Ok;
                verdicts.push(accepted);
                if is_accepted && self.settings.hub.is_some() {
                    let rate = measure(&vendor).await;
                    verdicts.push(match &rate {
                        Ok(measured) => inspection::pace(measured),
                        Err(error) => Verdict::error("rate", told(error)),
                    });
                    measured = rate.ok();
                }
            }
            Err(failure) => verdicts.push(Verdict::error("secret", failure.reason())),
        }
        if let Some(hub) = &self.settings.hub {
            verdicts.push(inspection::organization(hub));
            verdicts.extend(self.check_stack_set(hub).await);
        }
        Answer::checked(&verdicts, measured.as_ref())
    }

    async fn check_token(&self, vendor: &Authomize) -> Verdict {
        let accepted = async {
            vendor.check_token().await?;
            vendor.page(0).await.map(drop)
        };
        match accepted.await {
            Ok(()) => Verdict::ok(
                "token",
                format!("{} accepts it and lists integrations", vendor.api()),
            ),
            Err(error) => Verdict::error("token", told(&error)),
        }
    }

    async fn check_stack_set(&self, hub: &OwnHub) -> Vec<Verdict> {
        let Some(stack_set) = &hub.stack_set else {
            return vec![Verdict::warning(
                "stack set",
                "StackSetName is empty, so `reconcile` and `remove` have nothing to compare with. Set it when the StackSet is made.",
            )];
        };
        match self.page(stack_set, None, None).await {
            Err(failure) => vec![Verdict::error("stack set", failure.reason())],
            Ok(page) => {
                let stack = self.configuration.stack_id.as_ref();
                let account = stack.map(|stack| stack.account().as_str());
                let visible = Verdict::ok(
                    "stack set",
                    format!(
                        "{} can be seen as {}",
                        stack_set.name,
                        stack_set.call_as.as_str()
                    ),
                );
                let more = inspection::instances(&self.settings.region, account, &page.instances);
                std::iter::once(visible).chain(more).collect()
            }
        }
    }

    /// Compares until the tenant's list is at its end, so many pages are read, or the
    /// time is over.
    async fn reconcile(&self, from: Bookmark, pages: usize) -> Result<Answer, AdminError> {
        let (hub, stack_set) = self.hub()?;
        let instances = self.instances(stack_set, None).await?;
        let vendor = self.vendor().await?;
        let mut comparison = Comparison::new(hub, instances, from);
        let mut read = 0;
        let is_complete = loop {
            let page = vendor.page(comparison.read()).await;
            let page = page.map_err(AdminError::Records)?;
            comparison.take(&page.records);
            read += 1;
            if !page.has_more || page.records.is_empty() {
                break true;
            }
            if read >= pages || !self.waits.allow(self.waits.vendor_call) {
                break false;
            }
        };
        if comparison.is_blind() {
            return Err(AdminError::NoMarks);
        }
        let compared = if is_complete {
            comparison.complete()
        } else {
            comparison.part()
        };
        Ok(Answer::compared(&compared))
    }

    async fn remove(&self, ids: Vec<RecordId>) -> Result<Answer, AdminError> {
        let (hub, stack_set) = self.hub()?;
        let vendor = self.vendor().await?;
        let mut removals = Vec::new();
        for id in ids {
            let (outcome, detail) = if self.waits.allow(self.waits.vendor_call) {
                self.remove_one(&id, hub, stack_set, &vendor).await
            } else {
                (Outcome::Failed, "time ran out before it".to_owned())
            };
            removals.push(Removal {
                id,
                outcome,
                detail,
            });
        }
        Ok(Answer::removed(&removals))
    }

    /// The record is looked at last, so that what it says is as young as can be.
    async fn remove_one(
        &self,
        id: &RecordId,
        hub: &OwnHub,
        stack_set: &StackSetName,
        vendor: &Authomize,
    ) -> (Outcome, String) {
        let account = match self.looked_at(id, hub, vendor).await {
            Ok((account, _)) => account,
            Err(end) => return end,
        };
        let instances = match self.instances(stack_set, Some(&account)).await {
            Ok(instances) => instances,
            Err(failure) => return (Outcome::Failed, failure.to_string()),
        };
        if let Err(kept) = has_left(&instances) {
            return (Outcome::LeftAlone, kept.0);
        }
        match self.looked_at(id, hub, vendor).await {
            Ok((again, record)) if again == account => match vendor.remove(&record).await {
                Ok(()) => (Outcome::Removed, String::new()),
                Err(error) => (Outcome::Failed, error.to_string()),
            },
            Ok(_) => (
                Outcome::LeftAlone,
                "it was given to another account meanwhile".to_owned(),
            ),
            Err(end) => end,
        }
    }

    /// A record that may be removed, and its account, or what becomes of it instead.
    async fn looked_at(
        &self,
        id: &RecordId,
        hub: &OwnHub,
        vendor: &Authomize,
    ) -> Result<(AccountId, Record), (Outcome, String)> {
        let record = vendor.read(id).await;
        let record = record.map_err(|error| (Outcome::Failed, error.to_string()))?;
        match (candidate(record.as_ref(), hub), record) {
            (Ok(Candidate::OfAccount(account)), Some(record)) => Ok((account, record)),
            (Ok(_), _) => Err((Outcome::Gone, String::new())),
            (Err(kept), _) => Err((Outcome::LeftAlone, kept.0)),
        }
    }

    fn hub(&self) -> Result<(&OwnHub, &StackSetName), AdminError> {
        let hub = self.settings.hub.as_ref().ok_or(AdminError::NotAHub)?;
        let stack_set = hub.stack_set.as_ref().ok_or(AdminError::NoStackSet)?;
        Ok((hub, stack_set))
    }

    /// The vendor's client, with the token of the secret.
    async fn vendor(&self) -> Result<Authomize, Cause> {
        let is_local = self.configuration.local.is_some();
        let arn = self.configuration.secret_arn.as_deref();
        let token = read_token(&self.aws(), arn.ok_or(Cause::NoSecret)?, is_local).await?;
        let api = api_address(&self.settings.api_url, token.url, is_local)?;
        let credentials = Credentials {
            token: token.secret,
            external_id: self.settings.external_id.clone(),
        };
        Ok(Authomize::new(
            Arc::clone(&self.wire),
            api,
            credentials,
            self.waits,
            self.clock,
            self.seed,
        ))
    }

    fn aws(&self) -> Aws {
        Aws::of(
            &self.configuration,
            &self.wire,
            self.clock,
            self.waits.aws_call,
        )
    }

    /// All instances of the StackSet, or those of one account.
    async fn instances(
        &self,
        stack_set: &StackSetName,
        account: Option<&AccountId>,
    ) -> Result<Vec<Instance>, AdminError> {
        let mut all = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(stack_set, account, next.as_deref()).await?;
            all.extend(page.instances);
            next = page.next;
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// One page of instances. Throttled or lost, it is asked for again.
    async fn page(
        &self,
        stack_set: &StackSetName,
        account: Option<&AccountId>,
        next: Option<&str>,
    ) -> Result<InstancePage, AdminError> {
        let cloudformation = self.aws().cloudformation(&self.settings.region);
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.waits.backoff)
            .with_max_delay(self.waits.longest_backoff)
            .with_max_times(TRIES - 1)
            .with_jitter()
            .with_jitter_seed(self.seed)
            .build();
        let source = loop {
            let asked = cloudformation.stack_instances(stack_set, account, next);
            let error = match timeout_at(self.waits.work_until, asked).await {
                Ok(Ok(page)) => return Ok(page),
                Ok(Err(error)) => error,
                Err(_) => AwsError::Unavailable("time ran out".to_owned()),
            };
            let wait = waits.next().filter(|wait| self.waits.allow(*wait));
            match wait {
                Some(wait) if matches!(error, AwsError::Unavailable(_)) => sleep(wait).await,
                _ => break error,
            }
        };
        Err(AdminError::StackSet {
            name: stack_set.name.clone(),
            call_as: stack_set.call_as.as_str(),
            source,
        })
    }
}

/// What the vendor answered, and what to do.
fn told(error: &ApiError) -> String {
    crate::text::sentences(&error.to_string(), error.remedy())
}

/// Asks the vendor as often and as fast as [`super::pace`] says, until it refuses.
async fn measure(vendor: &Authomize) -> Result<Measured, ApiError> {
    let began = Instant::now();
    let mut taken = 0;
    let mut refused: Option<Duration> = None;
    while refused.is_none() && taken < REQUESTS && began.elapsed() < LONGEST {
        let mut under_way = JoinSet::new();
        for _ in 0..AT_ONCE {
            let vendor = vendor.clone();
            under_way.spawn(async move { vendor.try_token().await });
        }
        while let Some(ended) = under_way.join_next().await {
            // One that panicked told nothing.
            match ended.unwrap_or(Ok(())) {
                Ok(()) => taken += 1,
                Err(ApiError::RateLimited { retry_after }) => {
                    let wait = retry_after.unwrap_or(Duration::from_secs(1));
                    refused = refused.max(Some(wait));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Measured {
        taken,
        elapsed: began.elapsed(),
        refused,
    })
}
