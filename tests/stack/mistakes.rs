//! What is done wrong with a hub and its members: each is told, nothing is lost, and the
//! way out is the one that the documentation gives.

use rehearsal::engine::{Account, LeftResource, StackSpec};
use rehearsal::rehearse::world::{STACK, World};

use crate::organization::{ORGANIZATION, delete_in, hub, member, update_in};
use crate::stage::{assert_created, create_in};

/// The hub's own region is another one.
const ANOTHER_REGION: &str = "eu-west-1";

/// Creates a member that must be rolled back, and tells the first reason.
async fn refused(world: &World, account: &Account, spec: &StackSpec) -> String {
    let before = world.sandbox.apps();
    let outcome = create_in(account, spec).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let left = account.left_resources(&outcome.stack_id).await.unwrap();
    assert_eq!(left, Vec::<LeftResource>::new());
    assert_eq!(world.sandbox.apps(), before);
    let first = outcome.first_failure().unwrap();
    format!("{}: {}", first.logical_id, first.reason)
}

/// Names of IAM are global: the member of a second region fails with IAM's own words, and
/// with another name for the role it is the region of the hub that it lacks.
#[tokio::test]
async fn a_second_region_fails_and_leaves_the_first_alone() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    assert_created(&create_in(account, &member(&world, &arn, &[])).await);
    world.sandbox.clear_requests();
    let there = world
        .engine
        .account_in(account.id().clone(), ANOTHER_REGION);
    let said = refused(&world, &there, &member(&world, &arn, &[])).await;
    let words = "TrustRole: Role with name AuthomizeCrossAccountTrustRole already exists";
    assert!(said.starts_with(words), "{said}");
    let another_name = [("TrustRoleName", "Another")];
    let said = refused(&world, &there, &member(&world, &arn, &another_name)).await;
    assert!(said.contains("must be in the stack region"), "{said}");
    assert!(world.sandbox.requests().is_empty());
    assert_eq!(delete_in(account).await.status, "DELETE_COMPLETE");
}

/// A hub that is not there, of another region or partition, or no function that a hub
/// gives out: each is told before anything is registered.
#[tokio::test]
async fn a_wrong_hub_is_refused() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let denied = "is not authorized to perform: lambda:InvokeFunction";
    for (wrong, says) in [
        (
            arn.replace("us-east-1", ANOTHER_REGION),
            "must be in the stack region",
        ),
        (
            arn.replace("arn:aws:", "arn:aws-us-gov:")
                .replace("us-east-1", "us-gov-west-1"),
            "must be in the stack region",
        ),
        (arn.replace("-registrar", "-registrars"), denied),
        (arn.replace("-registrar", "-admin"), denied),
    ] {
        let said = refused(&world, account, &member(&world, &wrong, &[])).await;
        let place = "AuthomizeIntegrationAtHub: ";
        assert!(
            said.starts_with(place) && said.contains(says),
            "{wrong}: {said}"
        );
    }
    assert_created(&create_in(account, &member(&world, &arn, &[])).await);
}

/// The stacks of a `StackSet` have a name of their own. When it is made anew under another
/// name, its member finds the role taken as long as the old one stands; kept and deleted,
/// that one's record is taken over under the same id.
#[tokio::test]
async fn a_stack_set_made_anew_takes_its_members_over() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let created = create_in(account, &member(&world, &arn, &[])).await;
    assert_created(&created);
    let anew = StackSpec {
        name: "StackSet-Authomize-2".to_owned(),
        ..member(&world, &arn, &[])
    };
    let said = refused(&world, account, &anew).await;
    assert!(said.contains("already exists"), "{said}");
    let keep = member(&world, &arn, &[("OnDelete", "Keep")]);
    assert_eq!(update_in(account, &keep).await.status, "UPDATE_COMPLETE");
    assert_eq!(delete_in(account).await.status, "DELETE_COMPLETE");
    world
        .account
        .log_lines_of(crate::stage::LOG_GROUP, 4)
        .await
        .unwrap();
    let joined = create_in(account, &anew).await;
    assert_created(&joined);
    let id = &created.outputs["IntegrationId"];
    assert_eq!(&joined.outputs["IntegrationId"], id);
    assert_eq!(world.sandbox.apps().len(), 2);
}

/// Out of the organization an account can neither update nor delete its member, and keeps
/// its record; back in it, it can do both again, and the record is the same.
#[tokio::test]
async fn an_account_that_left_and_came_back_is_served_again() {
    let (world, accounts, arn) = hub(1).await;
    let account = &accounts[0];
    let created = create_in(account, &member(&world, &arn, &[])).await;
    assert_created(&created);
    let before = world.sandbox.apps();
    world
        .engine
        .organize(ORGANIZATION, [&world.account])
        .unwrap();
    let again = member(&world, &arn, &[("Refresh", "1")]);
    let update = update_in(account, &again).await;
    assert!(update.status.contains("ROLLBACK"), "{}", update.status);
    let deletion = delete_in(account).await;
    assert_eq!(deletion.status, "DELETE_FAILED");
    let first = deletion.first_failure().unwrap();
    let denied = "is not authorized to perform: lambda:InvokeFunction";
    assert!(first.reason.contains(denied), "{first:?}");
    assert_eq!(world.sandbox.apps(), before);
    let all = accounts.iter().chain([&world.account]);
    world.engine.organize(ORGANIZATION, all).unwrap();
    let deletion = delete_in(account).await;
    assert_eq!(
        deletion.status,
        "DELETE_COMPLETE",
        "{:?}",
        deletion.first_failure()
    );
    let left = account.left_resources(STACK).await.unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}
