//! `cargo rehearse org`: a hub, and members in accounts of their own, all at once.

mod board;
mod chart;
mod checks;
mod fault;
mod memory;
mod page;
mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::board::Board;
pub(super) use self::fault::OrganizationFault;
use self::memory::Watcher;
use self::report::{Contents, Operation, OrganizationReport};
use super::build::{self, Product};
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use super::world::{STACK, World, WorldOptions};
use crate::engine::{Account, StackError, StackInstance, StackOperation, StackOutcome, StackSpec};
use crate::installation::{Installation, Tools, rehearsal_dir};
use crate::sandbox::{App, RecordedRequest};

/// How many steps there are.
const STEPS: usize = 7;

/// The organization's id.
const ORGANIZATION: &str = "o-rehearsal00";

/// The `StackSet`'s name, and as whom the hub lists it.
const STACK_SET: &str = "Authomize";
const CALL_AS: &str = "DELEGATED_ADMIN";

/// As many records the admin function removes at a time.
const MOST_TO_REMOVE: usize = 100;

/// How long the vendor is down, with that fault.
const OUTAGE: Duration = Duration::from_secs(10);

/// How long an operation on one stack may take when it is alone, and how much longer for
/// each other one.
const LIMIT: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(3)];

/// How often the bar says where the accounts are.
const REFRESH: Duration = Duration::from_millis(250);

/// What is rehearsed.
#[derive(Debug)]
pub(super) struct OrganizationOptions {
    /// Members.
    pub(super) accounts: usize,
    /// Requests that the vendor accepts in a second.
    pub(super) rate: u32,
    /// Members that leave without a word.
    pub(super) close: usize,
    /// What goes wrong.
    pub(super) fault: Option<OrganizationFault>,
    /// The function's binary; without one it is built.
    pub(super) binary: Option<PathBuf>,
    /// Where the page goes; under the target directory if that is not said.
    pub(super) page: Option<PathBuf>,
}

/// Rehearses an organization, and takes everything down again.
///
/// # Errors
/// There is nothing to rehearse with, or the page cannot be written.
pub(super) async fn rehearse(
    options: &OrganizationOptions,
    screen: &Screen,
) -> Result<OrganizationReport, SetupError> {
    let mut rollout = Rollout::set_up(options, screen).await?;
    if rollout.create_the_hub().await {
        rollout.create().await;
        rollout.update().await;
        rollout.close().await;
        rollout.delete().await;
    }
    let report = rollout.conclude();
    let place = match &options.page {
        Some(place) => place.clone(),
        None => rehearsal_dir()?.join("organization.html"),
    };
    std::fs::write(&place, page::render(&report)).map_err(|source| SetupError::Page {
        path: place.clone(),
        source,
    })?;
    sum_up(&report, screen);
    screen.line(&format!("the report is {}", place.display()));
    Ok(report)
}

/// The members and all that they are in.
struct Rollout<'a> {
    options: &'a OrganizationOptions,
    screen: &'a Screen,
    template: Template,
    world: World,
    watcher: Watcher,
    hub: String,
    members: Vec<Account>,
    board: Arc<Board>,
    report: OrganizationReport,
}

/// What is done with every stack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Work {
    Create,
    Update,
    Delete,
}

impl Work {
    fn status(self) -> &'static str {
        match self {
            Self::Create => "CREATE_COMPLETE",
            Self::Update => "UPDATE_COMPLETE",
            Self::Delete => "DELETE_COMPLETE",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
        }
    }
}

impl<'a> Rollout<'a> {
    /// Starts the cloud and builds the function: steps 1 and 2.
    async fn set_up(
        options: &'a OrganizationOptions,
        screen: &'a Screen,
    ) -> Result<Self, SetupError> {
        if let Some(binary) = &options.binary
            && !binary.is_file()
        {
            return Err(SetupError::NoBinary(binary.clone()));
        }
        let template = Template::read()?;
        screen.line("Everything happens on this machine; no AWS account can be reached.\n");
        let expect = if Installation::is_present(Tools::Engine) {
            "about 5 seconds"
        } else {
            "about 1 minute the first time, when it is fetched"
        };
        let began = Instant::now();
        screen.step_begins(1, STEPS, "starting the cloud", expect);
        let world = World::start_with(WorldOptions {
            rate: Some(options.rate),
            ..WorldOptions::default()
        })
        .await?;
        let watcher = Watcher::of(world.engine.process_id());
        screen.note(&format!(
            "Authomize's sandbox accepts {} requests a second",
            options.rate
        ));
        screen.step_ends(began.elapsed().as_secs_f64());

        let began = Instant::now();
        let title = "building the function";
        screen.step_begins(
            2,
            STEPS,
            title,
            "minutes the first time, and at once after it",
        );
        let binary = match &options.binary {
            Some(binary) => binary.clone(),
            None => build::release(template.root(), Product::Function).await?,
        };
        world.publish(&binary).await?;
        screen.step_ends(began.elapsed().as_secs_f64());

        let members: Vec<Account> = (0..options.accounts)
            .map(|_| world.engine.fresh_account())
            .collect();
        let board = Arc::new(Board::of(&members));
        let report = OrganizationReport {
            rate: options.rate,
            fault: options.fault.map(OrganizationFault::name),
            contents: Contents {
                bytes: template.text.len(),
                ..Contents::default()
            },
            ..OrganizationReport::default()
        };
        Ok(Self {
            options,
            screen,
            template,
            world,
            watcher,
            hub: String::new(),
            members,
            board,
            report,
        })
    }

    /// Step 3; whether the hub stands.
    async fn create_the_hub(&mut self) -> bool {
        let began = Instant::now();
        let title = "creating the hub";
        self.screen.step_begins(3, STEPS, title, "a few seconds");
        self.organize(self.belonging());
        let started = self.world.account.create_stack(&self.hub_spec()).await;
        let created = finished(started).await;
        self.screen.step_ends(began.elapsed().as_secs_f64());
        let check = match created {
            Ok(outcome) if outcome.status == "CREATE_COMPLETE" => {
                self.hub = outcome
                    .outputs
                    .get("RegistrarFunctionArn")
                    .cloned()
                    .unwrap_or_default();
                Ok(())
            }
            Ok(outcome) => Err(format!("{}: {:?}", outcome.status, outcome.first_failure())),
            Err(error) => Err(super::cli::with_causes(&error)),
        };
        let log_group = format!("/aws/lambda/{STACK}-registrar");
        self.world.log_to(&log_group);
        self.report.checks.push(checks::hub(&check));
        check.is_ok()
    }

    /// Step 4: all members at once.
    async fn create(&mut self) {
        let since = OffsetDateTime::now_utc();
        let title = format!("creating {} members at once", self.members.len());
        let board = Arc::clone(&self.board);
        let fault = self.options.fault;
        let outage = async {
            if fault == Some(OrganizationFault::VendorDown) {
                self.world
                    .sandbox
                    .wait_for(|request| request.at > since && request.method == "POST")
                    .await;
                self.world.take_the_vendor_down(true);
                tokio::time::sleep(OUTAGE).await;
                self.world.take_the_vendor_down(false);
            }
        };
        let all: Vec<usize> = (0..self.members.len()).collect();
        let (operation, ()) = tokio::join!(self.at_once(4, &title, Work::Create, &all), outage);
        self.report.creation = chart::Creation::of(&self.world.sandbox.requests(), since);
        self.ends(operation);
        for (place, account) in self.members.iter().enumerate() {
            let resources = account.left_resources(STACK).await.unwrap_or_default();
            self.report.checks_of_members(place, &resources, fault);
        }
        self.report.check_contents();
        let apps = self.world.sandbox.apps();
        board.registered(&apps);
        let created = checks::created(&board, &apps, &self.hub, fault);
        self.report.checks.extend(created);
        let trusted = checks::trusted(&self.world, &board, fault);
        self.report.checks.push(trusted);
    }

    /// Step 5: those that stand.
    async fn update(&mut self) {
        let before = ids(&self.world.sandbox.apps());
        let standing = self.board.with_status(Work::Create.status());
        let title = "changing Refresh of all of them";
        let operation = self.at_once(5, title, Work::Update, &standing).await;
        self.ends(operation);
        let after = ids(&self.world.sandbox.apps());
        self.report.checks.extend(checks::updated(
            &self.board,
            standing.len(),
            &before,
            &after,
        ));
        let found = self.tokens_in_members().await;
        self.report
            .checks
            .push(checks::no_token(&found, self.members.len()));
    }

    /// Step 6: some accounts leave without a word. The hub's admin function finds their
    /// records, and removes what it is told to.
    async fn close(&mut self) {
        let began = Instant::now();
        let closing = self.options.close;
        let title = match closing {
            0 => "closing no account, for that is what --close is for".to_owned(),
            _ => format!("closing {closing} accounts, which say nothing"),
        };
        self.screen.step_begins(6, STEPS, &title, "a few seconds");
        let standing = self.board.with_status(Work::Update.status());
        let closed = standing
            .get(..closing.min(standing.len()))
            .unwrap_or_default();
        for place in closed {
            self.board.closes(*place);
        }
        let belonging = self
            .belonging()
            .into_iter()
            .filter(|place| !closed.contains(place));
        self.organize(belonging.collect());
        self.list_instances();
        let found = self.administer(json!({"action": "reconcile"})).await;
        let reconciled = checks::reconciled(&self.board, &found);
        self.report.checks.extend(reconciled);
        let alone = checks::records_without_account(&found);
        for record in &alone {
            self.screen
                .note(&format!("record without account: {record}"));
        }
        self.report.without_account = alone;
        for ids in checks::ids_without_account(&found).chunks(MOST_TO_REMOVE) {
            let removed = self
                .administer(json!({"action": "remove", "ids": ids}))
                .await;
            self.report.checks.push(checks::removed(&removed));
        }
        self.screen.step_ends(began.elapsed().as_secs_f64());
    }

    /// Has the `StackSet` list the members that are left, as CloudFormation does.
    fn list_instances(&self) {
        let accounts = self.members.iter().zip(self.board.accounts());
        let instances: Vec<StackInstance> = accounts
            .filter(|(_, report)| report.status != "closed" && !report.stack.is_empty())
            .map(|(account, report)| {
                let current = StackInstance::current(account, &report.stack);
                if report.status == Work::Update.status() {
                    return current;
                }
                StackInstance {
                    status: "OUTDATED".to_owned(),
                    detail: "FAILED".to_owned(),
                    reason: report.reason,
                    ..current
                }
            })
            .collect();
        let engine = &self.world.engine;
        let listed = engine.list_as_stack_set(STACK_SET, &self.world.account, CALL_AS, &instances);
        if let Err(error) = listed {
            self.screen
                .bad(&format!("the StackSet could not be written: {error}"));
        }
    }

    /// Asks the hub's admin function, as `aws lambda invoke` does.
    async fn administer(&self, action: Value) -> Value {
        let function = format!("{STACK}-admin");
        let engine = &self.world.engine;
        let answer = engine.ask(&self.world.account, &function, &action).await;
        let answer =
            answer.unwrap_or_else(|error| json!({"errorMessage": super::cli::with_causes(&error)}));
        for said in checks::said(&answer) {
            self.screen
                .note(&format!("the admin function says: {said}"));
        }
        answer
    }

    /// Step 7: the others, and the hub.
    async fn delete(&mut self) {
        let mut standing = self.board.with_status(Work::Update.status());
        standing.extend(self.board.with_status("UPDATE_ROLLBACK_COMPLETE"));
        let title = format!(
            "deleting {} members at once, and then the hub",
            standing.len()
        );
        let operation = self.at_once(7, &title, Work::Delete, &standing).await;
        // A member's record goes after its stack was told that all is done; the hub's own
        // is left.
        let left = 1;
        let patience = LIMIT[0] + LIMIT[1] * u32::try_from(standing.len()).unwrap_or(u32::MAX);
        let mut looks = interval(REFRESH);
        let gone = async {
            while self.world.sandbox.apps().len() > left {
                looks.tick().await;
            }
        };
        let removed = timeout(patience, gone).await.is_ok();
        self.ends(operation);
        self.world.read_log().await;
        let hub = finished(self.world.account.delete_stack(STACK).await).await;
        let apps = self.world.sandbox.apps();
        self.report
            .checks
            .extend(checks::deleted(&self.board, standing.len(), removed, &apps));
        let hub = hub.map_or_else(
            |error| super::cli::with_causes(&error),
            |ended| ended.status,
        );
        self.report.checks.push(checks::hub_is_gone(&hub));
    }

    /// Works on some members at the same time, with a bar that shows how far it is.
    async fn at_once(&self, step: usize, title: &str, work: Work, places: &[usize]) -> Operation {
        let began = Instant::now();
        let before = self.world.sandbox.requests().len();
        self.screen
            .step_begins(step, STEPS, title, "less than a minute as a rule");
        self.screen.counts_to(places.len());
        let spec = self.member_spec(work);
        let limit = LIMIT[0] + LIMIT[1] * u32::try_from(places.len()).unwrap_or(u32::MAX);
        let mut running = JoinSet::new();
        for &place in places {
            let board = Arc::clone(&self.board);
            let account = self.members[place].clone();
            let spec = match self.options.fault {
                Some(OrganizationFault::DifferingMember) if place == 0 => {
                    with(spec.clone(), "OwnerEmail", "somebody@example.com")
                }
                _ => spec.clone(),
            };
            board.begins(place);
            running.spawn(async move {
                let started = match work {
                    Work::Create => account.create_stack(&spec).await,
                    Work::Update => account.update_stack(&spec).await,
                    Work::Delete => account.delete_stack(STACK).await,
                };
                board.follows(place, started, limit).await;
            });
        }
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut done = 0;
        while done < places.len() {
            tokio::select! {
                ended = running.join_next() => match ended {
                    Some(_) => done += 1,
                    None => break,
                },
                _ = refresh.tick() => {}
            }
            self.screen.counted(done, &self.board.states(places));
        }
        let seconds = began.elapsed().as_secs_f64();
        let succeeded = self.board.with_status(work.status()).len();
        self.screen.clear();
        self.screen.note(&self.board.states(places));
        for (place, account) in self.board.accounts().iter().enumerate() {
            if places.contains(&place) && !account.reason.is_empty() {
                self.screen
                    .note(&format!("{}: {}", account.account, account.reason));
            }
        }
        self.screen.note(&format!(
            "{succeeded} of {} {} in {seconds:.1} s, {:.1} a second",
            places.len(),
            work.word(),
            rate(succeeded, seconds),
        ));
        Operation {
            title: title.to_owned(),
            accounts: places.len(),
            succeeded,
            seconds,
            first_request: before,
            ..Operation::default()
        }
    }

    /// Ends a step, once the vendor was asked all that belongs to it.
    fn ends(&mut self, mut operation: Operation) {
        let requests = self.world.sandbox.requests();
        let requests = requests.get(operation.first_request..).unwrap_or_default();
        let is_turned_away = |asked: &&RecordedRequest| asked.status == Some(429);
        operation.turned_away = requests.iter().filter(is_turned_away).count();
        operation.requests = requests.len() - operation.turned_away;
        self.screen.note(&format!(
            "Authomize accepted {} requests, and {} times it asked for fewer",
            operation.requests, operation.turned_away
        ));
        self.screen.step_ends(operation.seconds);
        self.report.operations.push(operation);
    }

    /// The places of the members that belong to the organization at first.
    fn belonging(&self) -> Vec<usize> {
        let foreign = self.options.fault == Some(OrganizationFault::ForeignAccount);
        (usize::from(foreign)..self.members.len()).collect()
    }

    fn organize(&self, places: Vec<usize>) {
        let members = places.into_iter().map(|place| &self.members[place]);
        let all = members.chain([&self.world.account]);
        let organized = self.world.engine.organize(ORGANIZATION, all);
        if let Err(error) = organized {
            self.screen
                .bad(&format!("the organization could not be written: {error}"));
        }
    }

    fn hub_spec(&self) -> StackSpec {
        let token = ("AuthomizeApiToken", self.world.token());
        self.spec(&[
            token,
            ("OrganizationId", ORGANIZATION),
            ("StackSetName", STACK_SET),
            ("StackSetCallAs", CALL_AS),
        ])
    }

    fn member_spec(&self, work: Work) -> StackSpec {
        let refresh = if work == Work::Update { "1" } else { "" };
        self.spec(&[("RegistrarFunctionArn", &self.hub), ("Refresh", refresh)])
    }

    fn spec(&self, parameters: &[(&str, &str)]) -> StackSpec {
        let external_id = [("ExternalID", self.world.external_id())];
        StackSpec {
            name: STACK.to_owned(),
            template: self.template.text.clone(),
            parameters: external_id
                .iter()
                .chain(parameters)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            disable_rollback: false,
        }
    }

    /// Where the token is in a member's account: in its stack, its parameters, outputs,
    /// events and template, in what CloudFormation sent for it, and in its secrets and
    /// logs, of which there are none.
    async fn tokens_in_members(&self) -> Vec<String> {
        let sent = self.world.engine.requests();
        let mut found = Vec::new();
        for (place, account) in self.members.iter().enumerate() {
            let mut texts = account.all_that_is_told_of(STACK).await;
            texts.extend(self.board.events_of(place));
            let own = sent.iter().filter(|event| {
                let stack = event["StackId"].as_str().unwrap_or_default();
                stack.contains(account.id().as_str())
            });
            texts.extend(own.map(ToString::to_string));
            found.extend(
                self.world
                    .tokens_in(&format!("account {}", account.id()), &texts),
            );
            let extra = account.secrets_and_logs().await;
            let extra = extra.unwrap_or_else(|unclear| vec![unclear]);
            found.extend(
                extra
                    .iter()
                    .map(|extra| format!("account {} has {extra}", account.id())),
            );
        }
        found
    }

    fn conclude(self) -> OrganizationReport {
        let mut report = self.report;
        report.accounts = self.board.accounts();
        report.checks.extend(checks::surroundings(&self.world));
        report.memory = self.watcher.peak();
        report.held = report.checks.iter().all(|check| check.held);
        report
    }
}

async fn finished(started: Result<StackOperation, StackError>) -> Result<StackOutcome, StackError> {
    started?.finish().await
}

/// A stack's specification with one parameter otherwise.
fn with(mut spec: StackSpec, name: &str, value: &str) -> StackSpec {
    spec.parameters.push((name.to_owned(), value.to_owned()));
    spec
}

fn ids(apps: &[App]) -> Vec<String> {
    let mut ids: Vec<String> = apps.iter().map(|app| app.id.clone()).collect();
    ids.sort();
    ids
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it is shown with one digit after the point"
)]
fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds.max(0.001)
}

fn sum_up(report: &OrganizationReport, screen: &Screen) {
    screen.line("A member's stack");
    for line in report.contents.lines() {
        screen.note(&line);
    }
    let failed: Vec<_> = report.failed().collect();
    if !failed.is_empty() {
        screen.line("\nAccounts whose stack failed");
        for account in failed {
            screen.note(&format!(
                "{}  {}  {}",
                account.account, account.status, account.reason
            ));
        }
    }
    screen.line("\nChecks");
    for check in &report.checks {
        screen.check(check);
    }
    screen.line("");
    for line in report.memory.lines() {
        screen.line(&line);
    }
    let bad = report.checks.iter().filter(|check| !check.held).count();
    let total = report.checks.len();
    let seconds: f64 = report
        .operations
        .iter()
        .map(|operation| operation.seconds)
        .sum();
    screen.line(&if bad == 0 {
        format!("all {total} checks held; the members took {seconds:.0} s")
    } else {
        format!("{bad} of {total} checks did not hold; the members took {seconds:.0} s")
    });
}
