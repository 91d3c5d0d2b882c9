//! What is so at a moment, in the organization and at the vendor.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use authomize_trust_role::configuration::{
    Configuration, ENV_SECRET_ARN, ENV_STACK_ID, ENV_URL_SUFFIX,
};
use authomize_trust_role::hub::{
    ENV_API_URL, ENV_EXTERNAL_ID, ENV_FUNCTION_NAME, ENV_ORGANIZATION_ID, ENV_TRUST_ROLE,
};
use bytes::Bytes;
use fastrand::Rng;
use http::{Request, Response};
use rehearsal::sandbox::{App, Tenant, TenantOptions, Validation};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::Plan;
use super::hub::Process;
use super::member::{Answer, Instance};
use crate::process::{from_the_tenant, plain, to_the_tenant};
use crate::world::{BEGINNING, EXTERNAL_ID, REGION, TOKEN};

/// The hub's account.
pub const HUB: &str = "123456789012";
/// The hub's function, by its ARN.
pub const HUBS_FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:Hub-registrar";
/// Path and name of the trust roles.
pub const TRUST_ROLE: &str = "/AuthomizeCrossAccountTrustRole";

/// The organization, shared by all that happens in it. One thread, one lock, and
/// nothing is awaited while it is held.
#[derive(Clone)]
pub struct Organization(Arc<Mutex<State>>);

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Organization")
    }
}

/// What is so.
pub struct State {
    /// What was decided before.
    pub plan: Plan,
    /// The hub's environment.
    pub configuration: Arc<Configuration>,
    start: Instant,
    tenant: Tenant,
    /// The instances of the StackSet, one for each account.
    pub instances: Vec<Instance>,
    /// CloudFormation's requests so far.
    pub requests: Vec<Asked>,
    /// The processes of the hub that are running, by the number of their run.
    pub running: BTreeMap<usize, Arc<Process>>,
    /// The live records of each account, by the vendor's name for it.
    live: BTreeMap<String, BTreeSet<String>>,
    names: BTreeMap<String, String>,
    /// For everything that is left to chance.
    pub rng: Rng,
    /// What happened, counted.
    pub counts: Counts,
    /// Why stacks failed, without what differs from account to account, and how often.
    pub reasons: BTreeMap<String, u32>,
    /// Where a secret was found that must not be there.
    pub leaks: Vec<String>,
}

/// What happened, counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Requests that the vendor accepted.
    pub accepted: u32,
    /// Requests that the vendor answered with 429.
    pub turned_away: u32,
    /// Requests that met a vendor that was down.
    pub met_the_outage: u32,
    /// When the vendor was asked first.
    pub first: Option<Duration>,
    /// When it accepted the last request.
    pub last: Duration,
    /// Runs of the hub's function.
    pub runs: usize,
    /// The most runs at a time.
    pub most_at_a_time: usize,
    /// Events that Lambda put back into its queue.
    pub throttled: u32,
    /// Events that Lambda gave up.
    pub given_up: u32,
    /// Processes that were killed.
    pub killed: u32,
    /// Requests of CloudFormation that nobody answered.
    pub silent: u32,
    /// How often an account had two records at once.
    pub doubled: u32,
}

/// One request of CloudFormation.
#[derive(Debug)]
pub struct Asked {
    /// Where its answer goes.
    pub url: String,
    /// Who waits for the answer.
    pub waiter: Option<oneshot::Sender<Answer>>,
}

impl Organization {
    /// An organization with a hub and no members, within its runtime.
    pub fn new(plan: Plan) -> Self {
        let environment = BTreeMap::from([
            (
                ENV_STACK_ID,
                format!(
                    "arn:aws:cloudformation:{REGION}:{HUB}:stack/Hub/51af3dc0-da77-11e4-872e-000000000000"
                ),
            ),
            (ENV_URL_SUFFIX, "amazonaws.com".to_owned()),
            (
                ENV_SECRET_ARN,
                format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:t-AbCdEf"),
            ),
            (ENV_ORGANIZATION_ID, "o-a1b2c3d4e5".to_owned()),
            (ENV_FUNCTION_NAME, "Hub-registrar".to_owned()),
            (ENV_API_URL, "https://api.authomize.com".to_owned()),
            (ENV_EXTERNAL_ID, EXTERNAL_ID.to_owned()),
            (ENV_TRUST_ROLE, TRUST_ROLE.to_owned()),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "example".to_owned()),
            ("AWS_SESSION_TOKEN", "example".to_owned()),
        ]);
        let tenant = Tenant::new(TenantOptions {
            token: TOKEN.to_owned(),
            rate: Some(plan.rate),
            ..TenantOptions::default()
        });
        Self(Arc::new(Mutex::new(State {
            configuration: Arc::new(Configuration::read(|name| environment.get(name).cloned())),
            start: Instant::now(),
            tenant,
            instances: (0..plan.accounts).map(|_| Instance::default()).collect(),
            requests: Vec::new(),
            running: BTreeMap::new(),
            live: BTreeMap::new(),
            names: BTreeMap::new(),
            rng: Rng::with_seed(plan.seed),
            counts: Counts::default(),
            reasons: BTreeMap::new(),
            leaks: Vec::new(),
            plan,
        })))
    }

    /// The state, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the vendor, and has it validate what has to be validated.
    pub fn ask_the_vendor(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut state = self.lock();
        let response = state.vendor(request);
        let pending: Vec<_> = state
            .tenant
            .take_validations()
            .into_iter()
            .map(|pending| {
                let takes = state.plan.validation.clone();
                (pending, Duration::from_millis(state.rng.u64(takes)))
            })
            .collect();
        drop(state);
        for (pending, takes) in pending {
            let organization = self.clone();
            tokio::spawn(async move {
                sleep(takes).await;
                let enabled = Validation::Enabled {
                    connected_apps: rehearsal::sandbox::connected_apps(&pending.config),
                };
                organization.lock().tenant.finish_validation(
                    &pending.record,
                    pending.generation,
                    enabled,
                );
            });
        }
        response
    }

    /// Waits while the vendor is down: nobody runs anything again before.
    pub async fn until_the_vendor_is_up(&self) {
        while self.lock().vendor_is_down() {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

impl State {
    /// The time since the beginning.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The time of day.
    pub fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGINNING + self.start.elapsed()
    }

    /// The accounts whose instance is not `CURRENT`.
    pub fn not_current(&self) -> Vec<u32> {
        (0..)
            .zip(&self.instances)
            .filter(|(_, instance)| !instance.is_current)
            .map(|(account, _)| account)
            .collect()
    }

    /// Every record that the vendor shows.
    pub fn apps(&self) -> Vec<App> {
        self.tenant.apps()
    }

    fn vendor_is_down(&self) -> bool {
        let now = self.now();
        let first = self.counts.first;
        first.is_some_and(|first| self.plan.is_down(now.saturating_sub(first)))
    }

    fn vendor(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let now = self.now();
        self.counts.first.get_or_insert(now);
        if self.vendor_is_down() {
            self.counts.met_the_outage += 1;
            return plain(503, "<html>down</html>");
        }
        let moment = OffsetDateTime::from(self.wall());
        let asked = to_the_tenant(request);
        let response = self.tenant.handle(moment, &asked);
        if response.status == 429 {
            self.counts.turned_away += 1;
        } else {
            self.counts.accepted += 1;
            self.counts.last = now;
        }
        if response.status == 200 {
            match asked.method.as_str() {
                "POST" => self.made(&response.body),
                "DELETE" => self.removed(&asked.path),
                _ => {}
            }
        }
        from_the_tenant(&response, moment)
    }

    fn made(&mut self, app: &Value) {
        let text = |member: &str| app[member].as_str().unwrap_or_default().to_owned();
        let (id, name) = (text("id"), text("integrationName"));
        self.names.insert(id.clone(), name.clone());
        let live = self.live.entry(name).or_default();
        live.insert(id);
        if live.len() > 1 {
            self.counts.doubled += 1;
        }
    }

    fn removed(&mut self, path: &str) {
        let id = path.rsplit('/').next().unwrap_or_default();
        let live = self.names.get(id).and_then(|name| self.live.get_mut(name));
        if let Some(live) = live {
            live.remove(id);
        }
    }
}
