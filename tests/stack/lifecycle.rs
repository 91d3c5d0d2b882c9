//! The life of a stack, and what becomes of it when something fails.

use rehearsal::rehearse::world::STACK;
use rehearsal::rehearse::{Options, Screen, run};

use crate::stage::{binary, create, delete, reason, update, world};

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
    // A twin of the creation may have registered, which a token that works would show.
    assert_eq!(calls, ["POST", "GET"]);
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
