//! One hub and the stacks of its members, each in an account of its own.

use std::collections::BTreeSet;

use rehearsal::engine::{Account, StackOutcome, StackSpec};
use rehearsal::rehearse::world::{STACK, World};
use rehearsal::sandbox::App;

use crate::stage::{
    LOG_GROUP, Watched, assert_created, create, create_in, delete, physical_id, read, spec, world,
};

pub(crate) const ORGANIZATION: &str = "o-a1b2c3d4e5";

/// As many accounts as one hub serves at once here.
const MEMBERS: usize = 50;

/// A member's stack, with these parameters beside the hub's function.
pub(crate) fn member(world: &World, hub: &str, parameters: &[(&str, &str)]) -> StackSpec {
    let of_a_member = [("AuthomizeApiToken", ""), ("RegistrarFunctionArn", hub)];
    spec(
        world,
        read("template.yaml"),
        &[&of_a_member, parameters].concat(),
    )
}

/// A world with a hub in its account, some accounts of its organization, and the ARN
/// that the hub gives out.
pub(crate) async fn hub(members: usize) -> (Watched, Vec<Account>, String) {
    let world = world().await;
    let accounts: Vec<Account> = (0..members).map(|_| world.engine.fresh_account()).collect();
    let all = accounts.iter().chain([&world.account]);
    world.engine.organize(ORGANIZATION, all).unwrap();
    let created = create(&world, &[("OrganizationId", ORGANIZATION)]).await;
    assert_created(&created);
    let arn = created.outputs["RegistrarFunctionArn"].clone();
    (world, accounts, arn)
}

pub(crate) async fn update_in(account: &Account, spec: &StackSpec) -> StackOutcome {
    let operation = account.update_stack(spec).await;
    operation.unwrap().finish().await.unwrap()
}

pub(crate) async fn delete_in(account: &Account) -> StackOutcome {
    let operation = account.delete_stack(STACK).await;
    operation.unwrap().finish().await.unwrap()
}

/// Works on all accounts at the same time.
async fn at_once<W>(accounts: &[Account], work: impl Fn(Account) -> W) -> Vec<StackOutcome>
where
    W: Future<Output = StackOutcome> + Send + 'static,
{
    let begun: Vec<_> = accounts
        .iter()
        .map(|account| tokio::spawn(work(account.clone())))
        .collect();
    let mut outcomes = Vec::new();
    for work in begun {
        outcomes.push(work.await.unwrap());
    }
    outcomes
}

/// Waits until the hub's function has ended as often as it was invoked: a member's
/// record goes after its stack was told that all is done.
async fn settled(world: &World, invocations: usize) {
    let log = world.account.log_lines_of(LOG_GROUP, invocations).await;
    let ended = log.unwrap().into_iter();
    let ended = ended.filter(|line| line.starts_with("REPORT RequestId"));
    assert_eq!(ended.count(), invocations);
}

fn names(apps: &[App]) -> BTreeSet<String> {
    apps.iter()
        .map(|app| app.integration_name.clone())
        .collect()
}

/// Created at once, updated, deleted: each account is registered once, and no stack of
/// a member has more than the role and the registration.
#[tokio::test]
async fn registers_every_account_once() {
    let (world, accounts, arn) = hub(MEMBERS).await;
    let spec = member(&world, &arn, &[]);
    let created = at_once(&accounts, |account| {
        let spec = spec.clone();
        async move { create_in(&account, &spec).await }
    })
    .await;
    created.iter().for_each(assert_created);
    let expected: BTreeSet<String> = accounts
        .iter()
        .chain([&world.account])
        .map(|account| format!("AWS {}", account.id()))
        .collect();
    let registered = world.sandbox.apps();
    assert_eq!(registered.len(), MEMBERS + 1);
    assert_eq!(names(&registered), expected);
    for account in &accounts {
        let left = account.left_resources(STACK).await.unwrap();
        let resources: BTreeSet<&str> = left.iter().map(|left| left.logical_id.as_str()).collect();
        assert_eq!(
            resources,
            BTreeSet::from(["AuthomizeIntegrationAtHub", "TrustRole"])
        );
    }
    let again = member(&world, &arn, &[("Refresh", "1")]);
    let updated = at_once(&accounts, |account| {
        let spec = again.clone();
        async move { update_in(&account, &spec).await }
    })
    .await;
    for outcome in &updated {
        assert_eq!(
            outcome.status,
            "UPDATE_COMPLETE",
            "{:?}",
            outcome.first_failure()
        );
    }
    assert_eq!(world.sandbox.apps().len(), MEMBERS + 1);
    let worked = [created, updated].concat();
    holds_no_token(&world, &accounts, &worked).await;
    let deleted = at_once(
        &accounts,
        |account| async move { delete_in(&account).await },
    )
    .await;
    for outcome in &deleted {
        assert_eq!(
            outcome.status,
            "DELETE_COMPLETE",
            "{:?}",
            outcome.first_failure()
        );
    }
    settled(&world, 1 + 3 * MEMBERS).await;
    let left = world.sandbox.apps();
    assert_eq!(
        names(&left),
        BTreeSet::from([format!("AWS {}", world.account.id())])
    );
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert!(world.sandbox.apps().is_empty());
}

/// No token reaches a member: none is in what CloudFormation sends for it, nor in its
/// stack's parameters, events, resources, template and outputs; and it has no secret and no
/// log that one could be in.
async fn holds_no_token(world: &World, accounts: &[Account], worked: &[StackOutcome]) {
    let requests = world.engine.requests();
    let of_members: Vec<String> = requests
        .iter()
        .filter(|request| request["LogicalResourceId"] == "AuthomizeIntegrationAtHub")
        .map(ToString::to_string)
        .collect();
    assert_eq!(of_members.len(), 2 * MEMBERS);
    assert_eq!(world.tokens_in("a request", &of_members), NOTHING);
    let outcomes: Vec<String> = worked
        .iter()
        .map(|outcome| format!("{outcome:?}"))
        .collect();
    assert_eq!(world.tokens_in("an outcome", &outcomes), NOTHING);
    for account in accounts {
        let told = account.all_that_is_told_of(STACK).await;
        assert_eq!(told.len(), 4, "stack, events, resources and template");
        assert!(told.iter().any(|text| text.contains("ExternalID")));
        assert_eq!(world.tokens_in("a member", &told), NOTHING);
        assert_eq!(account.secrets_and_logs().await.unwrap(), NOTHING);
    }
    // What is looked for would be found: the hub's own account has it.
    let sent = [format!("token {}", world.token())];
    assert_eq!(world.tokens_in("here", &sent).len(), 1);
    assert_ne!(world.account.secrets_and_logs().await.unwrap(), NOTHING);
}

const NOTHING: [&str; 0] = [];

/// An account that is in no organization, or in another one, is denied by Lambda: the
/// function never runs, and the stack rolls back.
#[tokio::test]
async fn denies_an_account_of_a_foreign_organization() {
    let (world, accounts, arn) = hub(1).await;
    let before = world.sandbox.apps();
    let foreign = world.engine.fresh_account();
    let outcome = create_in(&foreign, &member(&world, &arn, &[])).await;
    let why = ["is not authorized to perform: lambda:InvokeFunction"];
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let first = outcome.first_failure().unwrap();
    assert_eq!(first.logical_id, "AuthomizeIntegrationAtHub");
    assert!(first.reason.contains(why[0]), "{first:?}");
    let left = foreign.left_resources(&outcome.stack_id).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(world.sandbox.apps(), before);
    settled(&world, 1).await;
    // Moved into the organization it is served, and moved out it is not.
    let all = accounts.iter().chain([&world.account, &foreign]);
    world.engine.organize(ORGANIZATION, all).unwrap();
    assert_created(&create_in(&accounts[0], &member(&world, &arn, &[])).await);
    world.engine.organize("o-f6e5d4c3b2", &accounts).unwrap();
    let update = member(&world, &arn, &[("Refresh", "1")]);
    let outcome = update_in(&accounts[0], &update).await;
    assert!(outcome.status.contains("ROLLBACK"), "{}", outcome.status);
    assert_eq!(world.sandbox.apps().len(), 2);
}

/// A member that says something else than the hub is told so in its stack's events.
#[tokio::test]
async fn rolls_a_member_back_that_differs_from_its_hub() {
    let (world, accounts, arn) = hub(1).await;
    let before = world.sandbox.apps();
    let differing = member(&world, &arn, &[("OwnerEmail", "me@example.com")]);
    let outcome = create_in(&accounts[0], &differing).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let first = outcome.first_failure().unwrap();
    let why = "OwnerEmail is not what the hub says";
    assert!(first.reason.contains(why), "{first:?}");
    let left = accounts[0].left_resources(&outcome.stack_id).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(world.sandbox.apps(), before);
}

/// A single stack that becomes a member in place is refused, and loses nothing; the way
/// is to keep the record, and the member takes the same one over.
#[tokio::test]
async fn shows_a_single_stack_the_way_to_become_a_member() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let single = |parameters: &[(&str, &str)]| spec(&world, read("template.yaml"), parameters);
    let created = create_in(account, &single(&[])).await;
    assert_created(&created);
    let id = &created.outputs["IntegrationId"];
    let before = world.sandbox.apps();
    let refused = update_in(account, &member(&world, &arn, &[])).await;
    assert_refused(&refused, "AuthomizeIntegrationAtHub");
    assert_eq!(world.sandbox.apps(), before);
    let kept = update_in(account, &single(&[("OnDelete", "Keep")])).await;
    assert_eq!(kept.status, "UPDATE_COMPLETE", "{:?}", kept.first_failure());
    assert_eq!(delete_in(account).await.status, "DELETE_COMPLETE");
    let joined = create_in(account, &member(&world, &arn, &[])).await;
    assert_created(&joined);
    assert_eq!(&joined.outputs["IntegrationId"], id);
    assert_eq!(world.sandbox.apps().len(), before.len());
}

/// And so is a member that becomes a single stack.
#[tokio::test]
async fn shows_a_member_the_way_to_become_a_single_stack() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let single = spec(&world, read("template.yaml"), &[]);
    let created = create_in(account, &member(&world, &arn, &[])).await;
    assert_created(&created);
    let id = &created.outputs["IntegrationId"];
    let before = world.sandbox.apps();
    let refused = update_in(account, &single).await;
    assert_refused(&refused, "AuthomizeIntegration");
    assert_eq!(world.sandbox.apps(), before);
    let keep = member(&world, &arn, &[("OnDelete", "Keep")]);
    let kept = update_in(account, &keep).await;
    assert_eq!(kept.status, "UPDATE_COMPLETE", "{:?}", kept.first_failure());
    assert_eq!(delete_in(account).await.status, "DELETE_COMPLETE");
    settled(&world, 4).await;
    let created = create_in(account, &single).await;
    assert_created(&created);
    assert_eq!(&created.outputs["IntegrationId"], id);
    assert_eq!(world.sandbox.apps().len(), before.len());
}

fn assert_refused(outcome: &StackOutcome, logical_id: &str) {
    assert_eq!(outcome.status, "UPDATE_ROLLBACK_COMPLETE");
    let first = outcome.first_failure().unwrap();
    assert_eq!(first.logical_id, logical_id);
    let why = "Set OnDelete to Keep, delete the stack, then create it anew";
    assert!(first.reason.contains(why), "{first:?}");
}

/// A hub made anew under its name has the same function's ARN, and with it the marks on
/// its members' records. Without a hub a member's deletion fails, and can be repeated.
#[tokio::test]
async fn serves_the_same_members_when_it_is_made_anew() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    assert_created(&create_in(account, &member(&world, &arn, &[])).await);
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert_eq!(delete_in(account).await.status, "DELETE_FAILED");
    assert_eq!(world.sandbox.apps().len(), 1);
    let anew = create(&world, &[("OrganizationId", ORGANIZATION)]).await;
    assert_created(&anew);
    assert_eq!(anew.outputs["RegistrarFunctionArn"], arn);
    let deleted = delete_in(account).await;
    assert_eq!(
        deleted.status,
        "DELETE_COMPLETE",
        "{:?}",
        deleted.first_failure()
    );
    settled(&world, 2).await;
    let own = format!("AWS {}", world.account.id());
    assert_eq!(names(&world.sandbox.apps()), BTreeSet::from([own]));
}

/// A member's deletion that three runs could not finish is in the hub's queue; its stack
/// was told long before.
#[tokio::test]
async fn keeps_what_it_could_not_finish() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let created = create_in(account, &member(&world, &arn, &[])).await;
    assert_created(&created);
    let secret = physical_id(&world.account, "ApiTokenSecret").await;
    let secrets = world.account.secretsmanager();
    let gone = secrets.delete_secret().secret_id(secret);
    gone.force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    assert_eq!(delete_in(account).await.status, "DELETE_COMPLETE");
    settled(&world, 5).await;
    let message = message(
        &world,
        &physical_id(&world.account, "UnfinishedRequests").await,
    )
    .await;
    for part in [&*created.stack_id, "RetriesExhausted"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(world.sandbox.apps().len(), 2);
}

/// A message of a queue of the world's account, as soon as there is one.
async fn message(world: &World, queue: &str) -> String {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let scope = format!("{}/20260101/us-east-1/sqs/aws4_request", world.account.id());
    let received = client
        .post(format!("http://{}/", world.engine.address()))
        .header(
            "Authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Target", "AmazonSQS.ReceiveMessage")
        .body(serde_json::json!({"QueueUrl": queue, "WaitTimeSeconds": 20}).to_string());
    received.send().await.unwrap().text().await.unwrap()
}
