//! One stack that meets one fault.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::timeout;

use super::fault::{Cell, Ending, Fault, InFunction, Means, Request};
use super::invariants;
use super::report::CellReport;
use super::witnessed::Witnessed;
use crate::engine::{Artifact, StackError, StackEvent, StackOperation, StackSpec};
use crate::rehearse::world::{STACK, World, WorldOptions};
use crate::rehearse::{SetupError, Template};
use crate::sandbox::ContractLevel;

/// The function's timeout in a run with a fault, in seconds. All its waits are
/// fractions of it.
pub const FUNCTION_TIMEOUT: u32 = 20;

/// How long CloudFormation waits in a run with a fault, in seconds: longer than
/// one run of the function and two that end at once.
pub const SERVICE_TIMEOUT: u32 = 40;

/// How long a cell may take at most.
const LIMIT: Duration = Duration::from_secs(150);

/// The resource that is ours in the template.
pub(super) const RESOURCE: &str = "AuthomizeIntegration";

/// The integration's name after the update.
pub(super) const RENAMED: &str = "Renamed";

/// A second stack of the account.
const SECOND_STACK: &str = "Second";

/// The function's code, zipped.
#[derive(Clone, Debug)]
pub struct Code {
    /// As it is shipped.
    pub shipped: Artifact,
    /// With faults inside, from `examples/faulty.rs`.
    pub faulty: Artifact,
}

/// When a stack is worked on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Before the fault: all is well.
    Before,
    /// With the fault.
    With,
}

/// One stack in a world of its own.
pub(super) struct Stage {
    pub(super) fault: &'static Fault,
    pub(super) request: Request,
    pub(super) world: World,
    template: String,
    /// While this file is there, the function's own fault happens.
    mark: PathBuf,
    _folder: TempDir,
}

/// Brings one cell of the matrix about and judges what comes of it.
///
/// # Errors
/// There is nothing to bring it about with.
pub async fn run(
    fault: &'static Fault,
    request: Request,
    code: &Code,
) -> Result<CellReport, SetupError> {
    let began = Instant::now();
    let ending = match fault.cell(request) {
        Cell::Ends(ending) => *ending,
        Cell::Never(why) => return Ok(CellReport::never(fault.name, request, why)),
    };
    let stage = Stage::set(fault, request, code).await?;
    let mut witnessed = Witnessed::at_the_beginning(&stage.world);
    let played = timeout(LIMIT, stage.play(&mut witnessed)).await;
    let mut problems = match played {
        Ok(Ok(())) => invariants::broken(&stage, &witnessed, &ending),
        Ok(Err(error)) => vec![error.to_string()],
        Err(_) => vec![format!("it takes longer than {} s", LIMIT.as_secs())],
    };
    problems.extend(otherwise(&ending, &witnessed));
    Ok(CellReport {
        fault: fault.name,
        request,
        never: None,
        status: witnessed.status,
        reason: witnessed.reason,
        vendor_calls: witnessed.calls,
        seconds: began.elapsed().as_secs_f64(),
        problems,
    })
}

/// What came otherwise than the matrix says.
fn otherwise(ending: &Ending, witnessed: &Witnessed) -> Vec<String> {
    let mut problems = Vec::new();
    let Witnessed { status, reason, .. } = witnessed;
    if status != ending.status {
        problems.push(format!("the stack is {status}, not {}", ending.status));
    }
    if !reason.contains(ending.reason) {
        problems.push(format!("no reason says \"{}\"", ending.reason));
    }
    if ending.reason.is_empty() && !reason.is_empty() {
        problems.push(format!("it failed: {reason}"));
    }
    problems
}

impl Stage {
    async fn set(fault: &'static Fault, request: Request, code: &Code) -> Result<Self, SetupError> {
        let folder = TempDir::with_prefix("cargo-rehearse-fault-")
            .map_err(|source| SetupError::loopback("a temporary folder", source))?;
        let mark = folder.path().join("fault");
        let world = World::start_with(options(fault, request, &mark)).await?;
        let artifact = match in_function(fault) {
            Some(_) => &code.faulty,
            None => &code.shipped,
        };
        world.publish_artifact(artifact).await?;
        world.sandbox.insert_stranger("Somebody else's");
        Ok(Self {
            fault,
            request,
            world,
            template: Template::read()?.hurried(FUNCTION_TIMEOUT, SERVICE_TIMEOUT),
            mark,
            _folder: folder,
        })
    }

    /// The whole story: what is needed before, the request with the fault, what
    /// is left to be taken down.
    async fn play(&self, witnessed: &mut Witnessed) -> Result<(), StackError> {
        if self.request != Request::Create || self.is_second() {
            let spec = self.spec(Phase::Before).await;
            let created = self.world.account.create_stack(&spec).await?;
            witnessed.follow(created, |_| ()).await?;
        }
        witnessed.forget_the_beginning(&self.world);
        self.arm().await;
        witnessed.know_the_strangers_of_the_fault(&self.world);
        let operation = self.begin().await?;
        let beside = async { tokio::join!(biased; self.meddle(), self.heal()) };
        let status = tokio::select! {
            biased;
            status = witnessed.follow(operation, |event| self.heal_after(event)) => status?,
            _ = beside => unreachable!("what has to be healed is waited for to the end"),
        };
        witnessed.end_with(status, &self.world);
        self.meddle_afterwards().await;
        witnessed.take_records(&self.world);
        self.disarm();
        self.take_down(witnessed).await
    }

    /// Ends the fault when it has made the request fail, before CloudFormation
    /// learns of it: what is rolled back then must be possible again. A Delete
    /// that failed has nothing behind it but the admin.
    async fn heal(&self) {
        if self.request == Request::Delete {
            return std::future::pending().await;
        }
        let mut failures = self.world.bucket.hold_failures();
        if let Some(failure) = failures.recv().await {
            self.disarm();
            self.restore().await;
            drop(failure);
        }
        // What fails once more goes on at once.
        drop(failures);
        std::future::pending().await
    }

    /// The same for a function that never answered.
    fn heal_after(&self, event: &StackEvent) {
        let failed = event.logical_id == RESOURCE && event.status.ends_with("_FAILED");
        if failed && self.request != Request::Delete {
            self.disarm();
        }
    }

    async fn begin(&self) -> Result<StackOperation, StackError> {
        let account = &self.world.account;
        let spec = self.spec(Phase::With).await;
        match self.request {
            Request::Create => account.create_stack(&spec).await,
            Request::Update => account.update_stack(&spec).await,
            Request::Delete => account.delete_stack(STACK).await,
        }
    }

    /// Deletes what is left, as the admin would.
    async fn take_down(&self, witnessed: &mut Witnessed) -> Result<(), StackError> {
        let stacks: &[&str] = match (self.is_second(), &*witnessed.status) {
            (true, _) => &[SECOND_STACK, STACK],
            (false, "DELETE_COMPLETE") => &[],
            (false, _) => &[STACK],
        };
        for stack in stacks {
            let account = &self.world.account;
            let deletion = match &*witnessed.status {
                // The function is gone already, so the resource can only be
                // left out, as the reason says.
                "DELETE_FAILED" => account.delete_stack_without(stack, &[RESOURCE]).await?,
                _ => account.delete_stack(stack).await?,
            };
            witnessed.last_status = witnessed.follow(deletion, |_| ()).await?;
        }
        witnessed.take_records(&self.world);
        Ok(())
    }

    fn is_second(&self) -> bool {
        matches!(self.fault.means, Means::SecondStack)
    }

    async fn spec(&self, phase: Phase) -> StackSpec {
        let mut parameters = vec![
            ("ExternalID", self.world.external_id().to_owned()),
            ("AuthomizeApiToken", self.world.token().to_owned()),
        ];
        let mut name = STACK;
        let mut template = self.template.clone();
        if phase == Phase::With {
            match (&self.fault.means, self.request) {
                (Means::SecondStack, _) => {
                    name = SECOND_STACK;
                    parameters.push(("TrustRoleName", SECOND_STACK.to_owned()));
                }
                (Means::RoleChanged, _) => parameters.push(("Refresh", "1".to_owned())),
                (_, Request::Update) => parameters.push(("IntegrationName", RENAMED.to_owned())),
                _ => {}
            }
            if matches!(self.fault.means, Means::LaterSiblingFails) {
                template = with_a_failing_sibling(&template);
            }
            if self.request == Request::Create {
                let different = self.different_parameters().await;
                parameters.retain(|(known, _)| !different.iter().any(|(name, _)| name == known));
                parameters.extend(different);
            }
        }
        StackSpec {
            name: name.to_owned(),
            template,
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            disable_rollback: false,
        }
    }

    pub(super) fn mark(&self) -> io::Result<()> {
        std::fs::write(&self.mark, "")
    }

    pub(super) fn unmark(&self) {
        // The function takes a mark that counts once away by itself.
        std::fs::remove_file(&self.mark).ok();
    }
}

/// What happens inside the function, if the fault is one of those.
pub(super) fn in_function(fault: &Fault) -> Option<InFunction> {
    match fault.means {
        Means::Function(within) => Some(within),
        Means::OwnConflict => Some(InFunction {
            deed: "die-after",
            at_the_answer: false,
            once: true,
        }),
        _ => None,
    }
}

fn options(fault: &Fault, request: Request, mark: &Path) -> WorldOptions {
    let mut environment = Vec::new();
    if let Some(within) = in_function(fault) {
        let place = if within.at_the_answer {
            "ANSWER"
        } else {
            request.method()
        };
        environment.push(("FAULT", format!("{} {place}", within.deed)));
        environment.push(("FAULT_WHILE", mark.to_string_lossy().into_owned()));
        if within.once {
            environment.push(("FAULT_ONCE", "yes".to_owned()));
        }
    }
    WorldOptions {
        contract: match fault.means {
            Means::PublishedOnly => ContractLevel::PublishedOnly,
            _ => ContractLevel::Full,
        },
        knows_keys: !matches!(fault.means, Means::OwnConflict),
        function_environment: environment
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..WorldOptions::default()
    }
    .traced()
}

/// The template with one more resource behind ours, which fails.
fn with_a_failing_sibling(template: &str) -> String {
    let sibling = "
  LaterSibling:
    Type: Custom::LaterSibling
    DependsOn: AuthomizeIntegration
    Properties:
      ServiceToken: !Sub arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:nobody

Outputs:";
    template.replacen("\nOutputs:", sibling, 1)
}
