//! The life of a stack on a real CloudFormation engine: the real template, the
//! real binary in AWS mode, IAM enforced, a fresh engine and account per test.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use rehearsal::engine::{StackOutcome, StackSpec};
use rehearsal::rehearse::world::{STACK, World};
use rehearsal::rehearse::{Options, Screen, run};

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bootstrap"))
}

fn template() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// A world with the function's code where the template looks for it.
async fn world() -> World {
    let world = World::start().await.unwrap();
    world.publish(&binary()).await.unwrap();
    world
}

/// The stack with its default parameters, but for these.
fn spec(world: &World, parameters: &[(&str, &str)]) -> StackSpec {
    let mut all = vec![
        ("ExternalID", world.external_id()),
        ("AuthomizeApiToken", world.token()),
    ];
    for (name, value) in parameters {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    StackSpec {
        name: STACK.to_owned(),
        template: template(),
        parameters: all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        disable_rollback: false,
    }
}

async fn create(world: &World, parameters: &[(&str, &str)]) -> StackOutcome {
    let operation = world.account.create_stack(&spec(world, parameters)).await;
    operation.unwrap().finish().await.unwrap()
}

async fn update(world: &World, parameters: &[(&str, &str)]) -> StackOutcome {
    let operation = world.account.update_stack(&spec(world, parameters)).await;
    operation.unwrap().finish().await.unwrap()
}

async fn delete(world: &World) -> StackOutcome {
    let operation = world.account.delete_stack(STACK).await;
    operation.unwrap().finish().await.unwrap()
}

/// Why the custom resource failed, as the admin reads it in the console.
fn reason(outcome: &StackOutcome) -> &str {
    let failed = outcome.events.iter().find(|event| {
        event.logical_id == "AuthomizeIntegration" && event.status.ends_with("_FAILED")
    });
    failed.map_or("", |event| &event.reason)
}

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    let options = Options {
        binary: Some(binary()),
    };
    let report = run(&options, &Screen::silent()).await.unwrap();
    let broken: Vec<_> = report.checks.iter().filter(|check| !check.held).collect();
    assert!(report.held, "{broken:#?}");
}

/// A mistyped token: one clear reason, and a clean rollback that asks the vendor
/// for nothing.
#[tokio::test]
async fn rolls_back_cleanly_from_a_mistyped_token() {
    let world = world().await;
    let outcome = create(&world, &[("AuthomizeApiToken", "mistyped")]).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    assert!(
        reason(&outcome).contains("does not accept the API token"),
        "{}",
        reason(&outcome)
    );
    let calls: Vec<String> = world
        .sandbox
        .requests()
        .into_iter()
        .map(|call| call.method)
        .collect();
    assert_eq!(calls, ["POST"]);
    assert!(world.sandbox.apps().is_empty());
    assert!(
        world
            .account
            .left_resources(STACK)
            .await
            .unwrap()
            .is_empty()
    );
}

/// What failed in a peer's product: a conflict, and then a rollback that deletes
/// somebody else's record.
#[tokio::test]
async fn leaves_a_strangers_record_alone_when_it_rolls_back() {
    let world = world().await;
    let stranger = world.sandbox.insert_stranger("Production");
    let outcome = create(&world, &[("IntegrationName", "Production")]).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    assert!(reason(&outcome).contains(&stranger), "{}", reason(&outcome));
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].id, stranger);
}

/// A failed update is rolled back to the same record under the same id.
#[tokio::test]
async fn rolls_a_failed_update_back() {
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_eq!(created.status, "CREATE_COMPLETE", "{}", reason(&created));
    let before = world.sandbox.apps();
    world.sandbox.insert_stranger("Taken");
    let outcome = update(
        &world,
        &[
            ("IntegrationName", "Taken"),
            ("OwnerEmail", "o@example.com"),
        ],
    )
    .await;
    assert_eq!(outcome.status, "UPDATE_ROLLBACK_COMPLETE");
    let after = world.sandbox.apps();
    assert_eq!(after.len(), 2);
    assert_eq!(after[0].id, before[0].id);
    assert_eq!(after[0].integration_name, before[0].integration_name);
    assert_eq!(after[0].config, before[0].config);
    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_COMPLETE", "{}", reason(&deleted));
    assert_eq!(world.sandbox.apps().len(), 1);
}

/// `OnDelete=Keep` lets the record go, and the next stack of the account takes
/// the same one over.
#[tokio::test]
async fn hands_its_record_to_the_next_stack() {
    let world = world().await;
    let keep = [("OnDelete", "Keep")];
    let first = create(&world, &keep).await;
    assert_eq!(first.status, "CREATE_COMPLETE", "{}", reason(&first));
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert_eq!(world.sandbox.apps().len(), 1);
    let second = create(&world, &keep).await;
    assert_eq!(second.status, "CREATE_COMPLETE", "{}", reason(&second));
    assert_eq!(
        first.outputs["IntegrationId"],
        second.outputs["IntegrationId"]
    );
    assert_eq!(world.sandbox.apps().len(), 1);
}
