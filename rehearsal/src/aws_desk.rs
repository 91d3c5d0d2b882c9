//! The desks of AWS that the function asks, for tests without an engine: one
//! secret at Secrets Manager, one stack and one StackSet at CloudFormation.
//!
//! What they answer is set by the test; what they were asked is counted.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What Secrets Manager answers.
#[derive(Clone, Debug)]
pub enum Secret {
    /// This text.
    Text(String),
    /// Bytes.
    Binary,
    /// The role may not read it.
    Denied,
    /// There is no such secret.
    Missing,
    /// Secrets Manager is not working.
    Down,
}

/// What CloudFormation answers about the stack and its one resource.
#[derive(Clone, Debug)]
pub enum Stack {
    /// These statuses, and the id that is recorded for the resource.
    Is {
        /// For example `CREATE_IN_PROGRESS`.
        stack: &'static str,
        /// The resource's; empty if it is not listed.
        resource: &'static str,
        /// The recorded physical id; empty if there is none.
        recorded: String,
    },
    /// The same, and the resource's status changed `since` the moment of the answer.
    ChangedSince {
        /// As above; empty if CloudFormation does not answer about the stack.
        stack: &'static str,
        /// As above.
        resource: &'static str,
        /// As above.
        recorded: String,
        /// Before zero if it was earlier.
        since: Duration,
    },
    /// CloudFormation answers about the stack and not about the resource.
    StackOnly(&'static str),
    /// CloudFormation answers about the resource and not about the stack.
    ResourceOnly(&'static str),
    /// The role may ask about the resource and not about the stack.
    DeniedBut(&'static str),
    /// The role may ask about the stack and not about the resource.
    DeniedResource(&'static str),
    /// Nobody can read what CloudFormation answers about the stack, and this is the
    /// resource's status.
    UnreadableBut(&'static str),
    /// The role may not ask.
    Denied,
    /// There is no such stack.
    Missing,
    /// CloudFormation is not working.
    Down,
}

impl Stack {
    /// A stack and a resource that are doing this.
    pub fn is(stack: &'static str, resource: &'static str, recorded: &str) -> Self {
        Self::Is {
            stack,
            resource,
            recorded: recorded.to_owned(),
        }
    }

    /// The stack is being created, and with it the resource.
    pub fn creating() -> Self {
        Self::is("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "")
    }

    /// The stack is being updated, and with it the resource `recorded`.
    pub fn updating(recorded: &str) -> Self {
        Self::is("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", recorded)
    }

    /// The stack is being deleted, and with it the resource `recorded`.
    pub fn deleting(recorded: &str) -> Self {
        Self::is("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", recorded)
    }
}

/// What CloudFormation answers about the StackSet.
#[derive(Clone, Debug)]
pub enum StackSet {
    /// It has these instances, listed in pages of [`INSTANCES_OF_A_PAGE`].
    Of(Vec<StackInstance>),
    /// There is no such StackSet, or not for this caller.
    Missing,
    /// The role may not ask.
    Denied,
    /// StackSets was asked too often.
    Throttled,
}

/// So many instances are on a page; in AWS it is up to 100.
pub const INSTANCES_OF_A_PAGE: usize = 3;

/// One instance as CloudFormation lists it.
#[derive(Clone, Debug)]
pub struct StackInstance {
    /// The account.
    pub account: String,
    /// The region.
    pub region: &'static str,
    /// The stack; empty before it is made.
    pub stack_id: String,
    /// For example `CURRENT`.
    pub status: &'static str,
    /// For example `SUCCEEDED`.
    pub detail: &'static str,
    /// Why it is not current.
    pub reason: &'static str,
}

impl StackInstance {
    /// An instance whose stack is as the StackSet says.
    pub fn current(account: &str, region: &'static str, stack_id: String) -> Self {
        Self {
            account: account.to_owned(),
            region,
            stack_id,
            status: "CURRENT",
            detail: "SUCCEEDED",
            reason: "",
        }
    }
}

#[derive(Debug)]
struct Desk {
    stack_sets: Vec<StackSet>,
    stack_set_requests: Vec<String>,
    secrets: Vec<Secret>,
    secret_requests: usize,
    stacks: Vec<Stack>,
    stack_requests: watch::Sender<usize>,
    resource_requests: usize,
}

/// The running desks. Dropping them closes them.
#[derive(Debug)]
pub struct AwsDesk {
    desk: Arc<Mutex<Desk>>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl AwsDesk {
    /// Opens the desks on a free port of loopback.
    ///
    /// # Errors
    /// The server cannot listen.
    pub async fn start(secret: Secret, stack: Stack) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Mutex::new(Desk {
            stack_sets: vec![StackSet::Missing],
            stack_set_requests: Vec::new(),
            secrets: vec![secret],
            secret_requests: 0,
            stacks: vec![stack],
            stack_requests: watch::Sender::new(0),
            resource_requests: 0,
        }));
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.ok();
        });
        Ok(Self {
            desk,
            address,
            server,
        })
    }

    /// Where the desks listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers each of these once, the last one ever after.
    pub fn secrets(&self, secrets: impl IntoIterator<Item = Secret>) {
        let mut desk = self.lock();
        desk.secrets = secrets.into_iter().collect();
        desk.secret_requests = 0;
    }

    /// Answers each of these once, the last one ever after. The stack and the
    /// resource each have a script of their own, so that the order of requests
    /// that are sent together does not matter.
    pub fn stacks(&self, stacks: impl IntoIterator<Item = Stack>) {
        let mut desk = self.lock();
        desk.stacks = stacks.into_iter().collect();
        desk.stack_requests.send_replace(0);
        desk.resource_requests = 0;
    }

    /// Answers each of these once, the last one ever after.
    pub fn stack_sets(&self, stack_sets: impl IntoIterator<Item = StackSet>) {
        let mut desk = self.lock();
        desk.stack_sets = stack_sets.into_iter().collect();
        desk.stack_set_requests.clear();
    }

    /// The bodies of the requests for the StackSet's instances since its script was
    /// set.
    pub fn stack_set_requests(&self) -> Vec<String> {
        self.lock().stack_set_requests.clone()
    }

    /// How often the secret was asked for since its script was set.
    pub fn secret_requests(&self) -> usize {
        self.lock().secret_requests
    }

    /// How often CloudFormation was asked about the stack since its script was
    /// set.
    pub fn stack_requests(&self) -> usize {
        *self.lock().stack_requests.borrow()
    }

    /// Waits until CloudFormation has been asked `count` times about the stack since
    /// its script was set.
    pub async fn has_been_asked(&self, count: usize) {
        let mut requests = self.lock().stack_requests.subscribe();
        let asked = requests.wait_for(|requests| *requests >= count);
        asked.await.expect("the sender lives as long as the desk");
    }

    /// How often CloudFormation was asked about the resource since its script
    /// was set.
    pub fn resource_requests(&self) -> usize {
        self.lock().resource_requests
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AwsDesk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(desk): State<Arc<Mutex<Desk>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
    if headers.contains_key("x-amz-target") {
        desk.secret_requests += 1;
        return entry(&desk.secrets, desk.secret_requests)
            .map_or_else(missing_script, secret_answer);
    }
    let body = String::from_utf8_lossy(&body);
    if body.contains("Action=ListStackInstances") {
        desk.stack_set_requests.push(body.to_string());
        return entry(&desk.stack_sets, desk.stack_set_requests.len())
            .map_or_else(missing_script, |stack_set| {
                instances_answer(stack_set, &body)
            });
    }
    if body.contains("Action=DescribeStackResource") {
        desk.resource_requests += 1;
        return entry(&desk.stacks, desk.resource_requests)
            .map_or_else(missing_script, resource_answer);
    }
    let count = *desk.stack_requests.borrow() + 1;
    desk.stack_requests.send_replace(count);
    entry(&desk.stacks, count).map_or_else(missing_script, stack_answer)
}

/// The answer to the `count`th request: the last entry stays.
fn entry<T>(script: &[T], count: usize) -> Option<&T> {
    script.get(count - 1).or(script.last())
}

fn missing_script() -> Response {
    StatusCode::NOT_IMPLEMENTED.into_response()
}

fn secret_answer(secret: &Secret) -> Response {
    let error = |status: StatusCode, code: &str| {
        let body = serde_json::json!({"__type": code, "message": "as the test wants it"});
        (status, axum::Json(body)).into_response()
    };
    match secret {
        Secret::Text(text) => axum::Json(serde_json::json!({"SecretString": text})).into_response(),
        Secret::Binary => axum::Json(serde_json::json!({"SecretBinary": "AAEC"})).into_response(),
        Secret::Denied => error(StatusCode::BAD_REQUEST, "AccessDeniedException"),
        Secret::Missing => error(StatusCode::BAD_REQUEST, "ResourceNotFoundException"),
        Secret::Down => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError"),
    }
}

fn instances_answer(stack_set: &StackSet, request: &str) -> Response {
    let all = match stack_set {
        StackSet::Of(all) => all,
        StackSet::Missing => return refusal("StackSetNotFoundException", "StackSet not found"),
        StackSet::Denied => return refusal("AccessDenied", "not authorized"),
        StackSet::Throttled => return refusal("Throttling", "Rate exceeded"),
    };
    let asked = |wanted: &str| {
        let mut members = url::form_urlencoded::parse(request.as_bytes());
        let found = members.find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    };
    let account = asked("StackInstanceAccount");
    let begin = asked("NextToken").map_or(0, |token| token.parse().unwrap_or(usize::MAX));
    let wanted: Vec<&StackInstance> = all
        .iter()
        .filter(|instance| account.as_ref().is_none_or(|id| *id == instance.account))
        .skip(begin)
        .collect();
    let members: String = wanted
        .iter()
        .take(INSTANCES_OF_A_PAGE)
        .map(|instance| member(instance))
        .collect();
    let next = if wanted.len() > INSTANCES_OF_A_PAGE {
        format!("<NextToken>{}</NextToken>", begin + INSTANCES_OF_A_PAGE)
    } else {
        String::new()
    };
    xml(format!(
        "<ListStackInstancesResponse><ListStackInstancesResult><Summaries>{members}</Summaries>\
         {next}</ListStackInstancesResult></ListStackInstancesResponse>"
    ))
}

fn member(instance: &StackInstance) -> String {
    let StackInstance {
        account,
        region,
        stack_id,
        status,
        detail,
        reason,
    } = instance;
    let stack_id = if stack_id.is_empty() {
        String::new()
    } else {
        format!("<StackId>{stack_id}</StackId>")
    };
    format!(
        "<member><Account>{account}</Account><Region>{region}</Region>{stack_id}\
         <Status>{status}</Status><StatusReason>{reason}</StatusReason><StackInstanceStatus>\
         <DetailedStatus>{detail}</DetailedStatus></StackInstanceStatus></member>"
    )
}

fn stack_answer(stack: &Stack) -> Response {
    match stack {
        Stack::ChangedSince { stack: "", .. } => no_answer(&Stack::Down),
        Stack::UnreadableBut(_) => xml("<".to_owned()),
        Stack::Is { stack, .. }
        | Stack::ChangedSince { stack, .. }
        | Stack::StackOnly(stack)
        | Stack::DeniedResource(stack) => xml(format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
             <StackName>s</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime>\
             <StackStatus>{stack}</StackStatus>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )),
        other => no_answer(other),
    }
}

fn resource_answer(stack: &Stack) -> Response {
    match stack {
        Stack::Is { resource: "", .. } => refusal("ValidationError", "Resource does not exist"),
        Stack::Is {
            resource, recorded, ..
        } => seen_resource(resource, recorded, "2026-11-24T00:00:00Z"),
        Stack::ChangedSince {
            resource,
            recorded,
            since,
            ..
        } => {
            let changed = OffsetDateTime::now_utc() + *since;
            let changed = changed.format(&Rfc3339).unwrap_or_default();
            seen_resource(resource, recorded, &changed)
        }
        Stack::ResourceOnly(resource)
        | Stack::DeniedBut(resource)
        | Stack::UnreadableBut(resource) => seen_resource(resource, "", "2026-11-24T00:00:00Z"),
        other => no_answer(other),
    }
}

fn seen_resource(resource: &str, recorded: &str, changed: &str) -> Response {
    xml(format!(
        "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>\
         <LogicalResourceId>l</LogicalResourceId><ResourceType>t</ResourceType>\
         <LastUpdatedTimestamp>{changed}</LastUpdatedTimestamp>\
             <PhysicalResourceId>{recorded}</PhysicalResourceId>\
             <ResourceStatus>{resource}</ResourceStatus>\
             </StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"
    ))
}

fn no_answer(stack: &Stack) -> Response {
    match stack {
        Stack::Denied | Stack::DeniedBut(_) | Stack::DeniedResource(_) => {
            refusal("AccessDenied", "not authorized")
        }
        Stack::Missing => refusal("ValidationError", "Stack with id s does not exist"),
        Stack::Down
        | Stack::StackOnly(_)
        | Stack::ResourceOnly(_)
        | Stack::UnreadableBut(_)
        | Stack::Is { .. }
        | Stack::ChangedSince { .. } => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn refusal(code: &str, message: &str) -> Response {
    let status = match code {
        "AccessDenied" => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    );
    (status, [("Content-Type", "text/xml")], body).into_response()
}

fn xml(body: String) -> Response {
    ([("Content-Type", "text/xml")], body).into_response()
}
