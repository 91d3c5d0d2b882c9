//! The sandbox as its users hold it: a server that is started, looked into, told
//! to misbehave, and dropped.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::fault::Fault;
use super::model::App;
use super::service::{Service, serve};
use super::tenant::{ContractLevel, Tenant, TenantOptions};
use super::validator::{AlwaysEnabled, Validator};

/// How a sandbox is set up.
pub struct SandboxOptions {
    /// The token that may do everything with apps.
    pub token: String,
    /// Tokens that are known and may do nothing.
    pub powerless_tokens: BTreeSet<String>,
    /// The vendor's other kind of token, see [`TenantOptions::platform_token`].
    pub platform_token: Option<String>,
    /// How much of the contract is known.
    pub contract: ContractLevel,
    /// Who validates roles.
    pub validator: Arc<dyn Validator>,
    /// How long a deleted record holds its name.
    pub deletion_takes: Duration,
    /// Requests accepted within one second; more are answered 429.
    pub rate: Option<u32>,
    /// The most records on a page, whatever is asked for.
    pub page_limit: usize,
    /// Whether a repeated `Idempotency-Key` is known again.
    pub knows_keys: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        let tenant = TenantOptions::default();
        Self {
            token: tenant.token,
            powerless_tokens: tenant.powerless_tokens,
            platform_token: tenant.platform_token,
            contract: tenant.contract,
            validator: Arc::new(AlwaysEnabled),
            deletion_takes: tenant.deletion_takes,
            rate: tenant.rate,
            page_limit: tenant.page_limit,
            knows_keys: tenant.knows_keys,
        }
    }
}

/// One request that reached the sandbox. The token is not kept.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// When it was answered or left unanswered.
    pub at: OffsetDateTime,
    /// For example `PATCH`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query, as it was sent.
    pub query: Option<String>,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The status of the answer; none if there was no answer.
    pub status: Option<u16>,
}

/// A running sandbox on a loopback port that the system chose.
///
/// It speaks plain HTTP; the [internet](crate::internet) puts TLS in front of
/// it. Dropping it closes the port and every connection, and ends the
/// validations that still run.
pub struct Sandbox {
    address: SocketAddr,
    service: Arc<Service>,
    server: AbortHandle,
}

impl Sandbox {
    /// Starts a sandbox with an empty tenant.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tenant = Tenant::new(TenantOptions {
            token: options.token,
            powerless_tokens: options.powerless_tokens,
            platform_token: options.platform_token,
            contract: options.contract,
            deletion_takes: options.deletion_takes,
            rate: options.rate,
            page_limit: options.page_limit,
            knows_keys: options.knows_keys,
        });
        let service = Arc::new(Service::new(tenant, options.contract, options.validator));
        let server = tokio::spawn(serve(listener, Arc::clone(&service))).abort_handle();
        Ok(Self {
            address,
            service,
            server,
        })
    }

    /// Where the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every record that is not deleted, oldest first.
    pub fn apps(&self) -> Vec<App> {
        let mut state = self.service.lock();
        state.show_outcomes();
        state.tenant.apps()
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.service.lock().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.service.lock().requests.clear();
    }

    /// Where either side left the contract, in words. Scripted answers do not
    /// count.
    pub fn contract_violations(&self) -> Vec<String> {
        self.service.lock().violations.clone()
    }

    /// Lets the next matching requests meet `fault`. Faults queue up.
    pub fn script(&self, fault: Fault) {
        self.service.lock().faults.push_back(fault);
    }

    /// Ends the faults that were scripted and did not happen yet.
    pub fn clear_faults(&self) {
        self.service.lock().faults.clear();
    }

    /// Waits until a request that `wanted` accepts has come in, at once if there
    /// was one already. It waits as long as the caller lets it.
    pub async fn wait_for(&self, wanted: impl Fn(&RecordedRequest) -> bool) {
        self.service.wait_for(wanted).await;
    }

    /// Takes every record away that bears a stack's marker.
    pub fn remove_marked(&self) {
        self.service.lock().tenant.remove_marked();
    }

    /// Writes another stack into every marker, as if that stack had taken the
    /// records over.
    pub fn give_all_to(&self, stack_id: &str) {
        self.service.lock().tenant.give_all_to(stack_id);
    }

    /// Gives every record this name, as if a request that was long under way had come.
    pub fn rename_all(&self, name: &str) {
        self.service.lock().tenant.rename_all(name);
    }

    /// Puts a stranger's record of this name there and returns its id.
    pub fn insert_stranger(&self, name: &str) -> String {
        let config = (self.service.level == ContractLevel::Full).then(|| json!({}));
        let yesterday = OffsetDateTime::now_utc() - Duration::DAY;
        self.service.lock().tenant.insert(yesterday, name, config)
    }

    /// Puts a record of this name there that is no integration of AWS and was made a
    /// moment ago, and returns its id.
    pub fn insert_other_kind(&self, name: &str) -> String {
        let now = OffsetDateTime::now_utc();
        self.service.lock().tenant.insert(now, name, None)
    }

    /// Puts a record there that a person made by hand, with this configuration, and
    /// returns its id.
    pub fn insert_by_hand(&self, name: &str, config: Value) -> String {
        let yesterday = OffsetDateTime::now_utc() - Duration::DAY;
        let config = Some(config);
        self.service.lock().tenant.insert(yesterday, name, config)
    }

    /// Disables every record, as somebody may by hand.
    pub fn disable_all(&self) {
        self.service.lock().tenant.disable_all();
    }

    /// From now on this is the token, and the former one is revoked.
    pub fn set_token(&self, token: &str) {
        self.service.lock().tenant.set_token(token);
    }

    /// Takes every record away, as if somebody had deleted them by hand.
    pub fn remove_all(&self) {
        self.service.lock().tenant.remove_all();
    }

    /// Whether deletions come to their end, see [`Tenant::set_finish_deletes`].
    pub fn set_finish_deletes(&self, finish: bool) {
        self.service.lock().tenant.set_finish_deletes(finish);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
        self.service.end_validations();
    }
}
