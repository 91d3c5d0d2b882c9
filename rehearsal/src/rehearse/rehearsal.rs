//! The rehearsal itself: its six steps in order.

use std::path::Path;
use std::time::Instant;

use crate::engine::{StackError, StackOperation};
use crate::installation::{Installation, Tools};

use super::Options;
use super::build::{self, Product};
use super::checks::record::Expected;
use super::checks::{answers, record, remains, secrets, surroundings, trust};
use super::lifecycle::{Seen, follow};
use super::parameters::Choice;
use super::report::{Report, StepReport};
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use super::world::{STACK, World};

/// How many steps there are.
const STEPS: usize = 6;

/// The steps whose checks have its name in front of theirs.
const STEPS_WITH_CHECKS: [&str; 4] = ["create", "update", "Identity Center", "delete"];

/// The trust role's name in the template.
const TRUST_ROLE: &str = "TrustRole";

/// A rehearsal under way. Dropping it takes everything down at once.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    screen: &'a Screen,
    template: Template,
    world: World,
    report: Report,
    seen: Vec<Seen>,
    role_arn: String,
}

/// What a step does with the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Update,
}

/// One step that makes or amends the stack.
struct Step {
    name: &'static str,
    title: &'static str,
    expect: &'static str,
    operation: Operation,
    choice: Choice,
}

impl<'a> Rehearsal<'a> {
    /// Starts the cloud and builds the function: steps 1 and 2.
    ///
    /// # Errors
    /// When there is nothing to rehearse with.
    pub async fn set_up(options: &Options, screen: &'a Screen) -> Result<Self, SetupError> {
        Self::set_up_as_part_of(STEPS, options, screen).await
    }

    /// The same two steps where there are `steps` in all.
    ///
    /// # Errors
    /// When there is nothing to rehearse with.
    pub(super) async fn set_up_as_part_of(
        steps: usize,
        options: &Options,
        screen: &'a Screen,
    ) -> Result<Self, SetupError> {
        if let Some(binary) = &options.binary
            && !binary.is_file()
        {
            return Err(SetupError::NoBinary(binary.clone()));
        }
        let template = Template::read()?;
        screen.line("Everything happens on this machine; no AWS account can be reached.");
        screen.detail(&format!(
            "template.yaml, unchanged, sha256 {}\n",
            template.sha256
        ));
        let mut report = Report {
            template: template.report(),
            ..Report::default()
        };

        let expect = if Installation::is_present(Tools::Engine) {
            "about 5 seconds"
        } else {
            "about 1 minute the first time, when it is fetched"
        };
        let began = Instant::now();
        screen.step_begins(1, steps, "starting the cloud", expect);
        let world = World::start().await?;
        report.cloud = world.report();
        report.injected = world.internet.environment().into_iter().collect();
        let cloud = &report.cloud;
        screen.detail(&format!("    MiniStack on {}", cloud.engine));
        screen.detail(&format!("    Authomize's sandbox on {}", cloud.sandbox));
        screen.detail(&format!(
            "    account {}, region {}",
            cloud.account, cloud.region
        ));
        screen.detail("    what the launcher changes, so that the engine is like AWS:");
        for gap in &cloud.closed_gaps {
            screen.detail(&format!("      {gap}"));
        }
        screen.detail("    what the function finds in its environment and would not in AWS:");
        for (name, value) in &report.injected {
            screen.detail(&format!("      {name}={value}"));
        }
        let summary = format!(
            "MiniStack on {}, Authomize's sandbox on {}",
            cloud.engine, cloud.sandbox
        );
        report
            .steps
            .push(end_of(screen, 1, "starting the cloud", began, &summary));

        let began = Instant::now();
        let title = "building the function";
        screen.step_begins(
            2,
            steps,
            title,
            "minutes the first time, and at once after it",
        );
        let binary = match &options.binary {
            Some(binary) => binary.clone(),
            None => build::release(template.root(), Product::Function).await?,
        };
        let published = world.publish(&binary).await?;
        let megabytes = bytes_in_mb(published.bytes);
        screen.detail(&format!(
            "    {megabytes:.1} MB zipped, as {}",
            published.url
        ));
        let summary = format!("{megabytes:.1} MB zipped, put where template.yaml names it");
        report.steps.push(end_of(screen, 2, title, began, &summary));

        Ok(Self {
            screen,
            template,
            world,
            report,
            seen: Vec::new(),
            role_arn: String::new(),
        })
    }

    /// Everything that it runs in.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The template's file.
    pub(super) fn template(&self) -> &Path {
        &self.template.path
    }

    /// Creates the stack, updates it, and turns Identity Center on: steps 3
    /// to 5. A step that fails ends this; what is there is deleted anyway.
    pub async fn deploy(&mut self) {
        let renamed = Choice {
            name: "Rehearsal",
            owner: "owner@example.com",
            regions: &["eu-west-1", "us-east-1"],
            identity_center: false,
        };
        let with_identity_center = Choice {
            identity_center: true,
            ..renamed.clone()
        };
        let steps = [
            Step {
                name: "create",
                title: "creating the stack",
                expect: "a few seconds",
                operation: Operation::Create,
                choice: Choice::default(),
            },
            Step {
                name: "update",
                title: "changing name, owner and regions",
                expect: "a few seconds",
                operation: Operation::Update,
                choice: renamed,
            },
            Step {
                name: "Identity Center",
                title: "turning Identity Center on",
                expect: "a few seconds",
                operation: Operation::Update,
                choice: with_identity_center,
            },
        ];
        for step in &steps {
            if !self.deploy_step(step).await {
                return;
            }
        }
        let trust = trust::checks(&self.world, &self.role_arn, &self.seen).await;
        self.report.checks.extend(trust);
    }

    /// Prints where everything is, for those who want to look around.
    pub fn show_the_way_around(&self) {
        let cloud = &self.report.cloud;
        for line in [
            "Everything is up. Look around, for example:".to_owned(),
            format!(
                "    AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any AWS_REGION={} \\",
                cloud.account, cloud.region
            ),
            format!(
                "      aws --endpoint-url http://{} cloudformation describe-stacks",
                cloud.engine
            ),
            format!(
                "    curl -H 'Authorization: {}' http://{}/v2/apps",
                self.world.token(),
                cloud.sandbox
            ),
            "Ctrl-C goes on with the deletion.".to_owned(),
        ] {
            // With a token in it, if only one of this run.
            self.screen.show(&line);
        }
    }

    /// Deletes the stack, looks for what is left, and sums up: step 6.
    pub async fn delete_and_conclude(mut self) -> Report {
        let created = self.seen.first();
        let was_registered = created.is_some_and(|seen| seen.status() == "CREATE_COMPLETE");
        let deployed = self.deployed_template().await;

        let (title, began) = ("deleting the stack", Instant::now());
        self.screen.step_begins(6, STEPS, title, "a few seconds");
        if was_registered {
            self.world.read_log_of(self.seen.len()).await;
        }
        let marks = self.marks();
        let started = self.world.account.delete_stack(STACK).await;
        let seen = follow(&mut self.world, self.screen, started, marks).await;
        self.end_stack_step(6, title, began, &seen);

        let checks = &mut self.report.checks;
        checks.push(record::stack_status("delete", "DELETE_COMPLETE", &seen));
        if was_registered {
            checks.push(record::vendor_calls("delete", &["GET", "DELETE"], &seen));
            checks.extend(answers::checks("delete", &seen, None));
        }
        self.seen.push(seen);
        if was_registered {
            checks.push(answers::one_physical_id(&self.seen));
        }
        checks.extend(remains::checks(&self.world, &self.seen).await);
        checks.extend(secrets::checks(&self.world, &self.seen));
        let deployed = deployed.as_deref();
        checks.extend(surroundings::checks(&self.world, &self.template, deployed));

        self.report.held = self.report.checks.iter().all(|check| check.held);
        self.sum_up();
        self.report
    }

    /// Whether the step came to its end, so that the next one can begin.
    async fn deploy_step(&mut self, step: &Step) -> bool {
        let number = self.report.steps.len() + 1;
        let began = Instant::now();
        self.screen
            .step_begins(number, STEPS, step.title, step.expect);
        let marks = self.marks();
        let started = self.start(step).await;
        let seen = follow(&mut self.world, self.screen, started, marks).await;
        self.end_stack_step(number, step.title, began, &seen);

        let (status, methods): (_, &[&str]) = match step.operation {
            Operation::Create => ("CREATE_COMPLETE", &["POST", "GET"]),
            Operation::Update => ("UPDATE_COMPLETE", &["GET", "PATCH", "GET"]),
        };
        if self.role_arn.is_empty() {
            self.role_arn = self.trust_role_arn().await;
        }
        let account = self.world.account.id().as_str();
        let expected = Expected {
            step: step.name,
            status,
            name: step.choice.record_name(account),
            config: step.choice.record_config(account, &self.role_arn),
            connected_apps: step.choice.connected_apps(),
            methods,
        };
        let checks = &mut self.report.checks;
        checks.extend(record::checks(&expected, &seen));
        let completed = seen.status() == status;
        if completed {
            checks.extend(answers::checks(step.name, &seen, seen.apps.first()));
        }
        if let Ok(outcome) = &seen.outcome {
            self.report.outputs.clone_from(&outcome.outputs);
        }
        self.seen.push(seen);
        completed
    }

    async fn start(&self, step: &Step) -> Result<StackOperation, StackError> {
        let stack = step.choice.stack(&self.world, &self.template.text);
        match step.operation {
            Operation::Create => self.world.account.create_stack(&stack).await,
            Operation::Update => self.world.account.update_stack(&stack).await,
        }
    }

    /// How much the vendor and the bucket had seen before a step.
    fn marks(&self) -> (usize, usize) {
        let calls = self.world.sandbox.requests().len();
        (calls, self.world.bucket.answers().len())
    }

    fn end_stack_step(&mut self, number: usize, title: &str, began: Instant, seen: &Seen) {
        let (calls, records) = (seen.calls(), seen.records());
        self.screen.vendor(&calls, &records);
        let step = StepReport {
            events: seen.events.clone(),
            vendor: calls,
            records,
            ..end_of(self.screen, number, title, began, "")
        };
        self.report.steps.push(step);
    }

    /// The trust role's ARN; one that names no role when the stack cannot be
    /// asked, and then the checks that need it do not hold.
    async fn trust_role_arn(&self) -> String {
        let resources = self.world.account.left_resources(STACK).await;
        let resources = resources.unwrap_or_default();
        let role = resources
            .iter()
            .find(|resource| resource.logical_id == TRUST_ROLE);
        let name = role.map_or("", |role| role.physical_id.as_str());
        format!("arn:aws:iam::{}:role/{name}", self.world.account.id())
    }

    async fn deployed_template(&self) -> Option<String> {
        let cloudformation = self.world.account.cloudformation();
        let asked = cloudformation.get_template().stack_name(STACK).send().await;
        asked.ok()?.template_body
    }

    fn sum_up(&self) {
        let Report {
            outputs, checks, ..
        } = &self.report;
        self.screen.detail("Outputs of the stack");
        for (name, value) in outputs {
            self.screen.detail(&format!("    {name} = {value}"));
        }
        let failed = checks.iter().filter(|check| !check.held).count();
        self.screen.checks(checks, &STEPS_WITH_CHECKS);
        let seconds: f64 = self.report.steps.iter().map(|step| step.seconds).sum();
        let total = checks.len();
        let conclusion = if failed == 0 {
            format!("all {total} checks held, in {seconds:.0} s")
        } else {
            format!("{failed} of {total} checks did not hold, in {seconds:.0} s")
        };
        self.screen.detail(&format!("\n{conclusion}"));
        self.screen.brief(&match self.screen.elsewhere() {
            Some(path) => format!(
                "{conclusion}; all that was seen: {}",
                from_here(path).display()
            ),
            None => conclusion,
        });
    }
}

/// A path as somebody would type it here.
fn from_here(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok());
    inside.unwrap_or(path)
}

/// Ends a step on the screen and begins its report.
fn end_of(
    screen: &Screen,
    number: usize,
    title: &str,
    began: Instant,
    summary: &str,
) -> StepReport {
    let seconds = began.elapsed().as_secs_f64();
    screen.step_ends_with(summary, seconds);
    StepReport {
        number,
        title: title.to_owned(),
        seconds,
        ..StepReport::default()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it is rounded to a tenth of a megabyte"
)]
fn bytes_in_mb(bytes: usize) -> f64 {
    bytes as f64 / 1_000_000.0
}
