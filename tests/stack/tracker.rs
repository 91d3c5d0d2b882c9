//! What users of other products reported, and what happens here.

use std::time::Duration;

use rehearsal::engine::{Account, Artifact};
use rehearsal::rehearse::world::{STACK, World};
use tokio::time::interval;

use crate::document::template;
use crate::stage::{
    Watched, assert_created, binary, create, create_in, delete, physical_id, read, reason, spec,
    world,
};

const ANOTHER_REGION: &str = "eu-west-1";

/// Puts the function's code where the template looks for it there.
async fn publish_in_another_region(account: &Account) {
    let template = template();
    let bucket = &template["Mappings"]["Artifacts"][ANOTHER_REGION]["Bucket"];
    let key = &template["Mappings"]["Release"]["X8664"]["Key"];
    let code = Artifact::from_binary(&binary()).unwrap();
    let (bucket, key) = (bucket.as_str().unwrap(), key.as_str().unwrap());
    let put = code.put(account, bucket, key).await;
    put.unwrap();
}

/// Names of IAM are global: a second region fails with IAM's own words, before
/// its function could do anything.
#[tokio::test]
async fn a_second_region_of_the_account_fails_and_leaves_the_first_alone() {
    let world = world().await;
    let first = create(&world, &[]).await;
    assert_created(&first);
    let before = world.sandbox.apps();
    world.sandbox.clear_requests();

    let id = world.account.id().clone();
    let there = world.engine.account_in(id, ANOTHER_REGION);
    publish_in_another_region(&there).await;
    let spec = spec(&world, read("template.yaml"), &[]);
    let second = create_in(&there, &spec).await;
    assert_eq!(second.status, "ROLLBACK_COMPLETE");
    let failure = second.first_failure().unwrap();
    assert_eq!(failure.logical_id, "TrustRole");
    let words = "Role with name AuthomizeCrossAccountTrustRole already exists";
    assert!(failure.reason.contains(words), "{failure:?}");
    assert!(there.left_resources(STACK).await.unwrap().is_empty());
    assert_eq!(there.logs().groups("").await.unwrap(), []);
    let secrets = there.secretsmanager().list_secrets().send().await.unwrap();
    assert_eq!(secrets.secret_list(), []);

    assert!(world.sandbox.requests().is_empty());
    let after = world.sandbox.apps();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id);
    assert_eq!(after[0].config, before[0].config);
    let role = &first.outputs["TrustRoleArn"];
    let external_id = Some(world.external_id());
    world.vendor.assume(role, external_id).await.unwrap();
    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_COMPLETE", "{}", reason(&deleted));
    assert!(world.sandbox.apps().is_empty());
}

/// Waits until the vendor has refused a name as taken.
async fn the_name_was_refused(world: &World) {
    let mut poll = interval(Duration::from_millis(50));
    let refused = || {
        let requests = world.sandbox.requests();
        requests.iter().any(|request| request.status == Some(409))
    };
    while !refused() {
        poll.tick().await;
    }
}

/// The vendor deletes in the background, and the old record holds the name.
#[tokio::test]
async fn a_stack_made_anew_at_once_waits_for_the_name() {
    let world = world().await;
    let first = create(&world, &[]).await;
    assert_created(&first);
    world.sandbox.set_finish_deletes(false);
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    let (second, ()) = tokio::join!(create(&world, &[]), async {
        the_name_was_refused(&world).await;
        world.sandbox.set_finish_deletes(true);
    });
    assert_created(&second);
    assert_ne!(
        first.outputs["IntegrationId"],
        second.outputs["IntegrationId"]
    );
    assert_eq!(world.sandbox.apps().len(), 1);
    assert_eq!(
        world.sandbox.apps()[0].id,
        second.outputs["IntegrationId"].as_str()
    );
}

/// A stack whose token was revoked meanwhile.
async fn with_a_revoked_token(on_failure: &str) -> Watched {
    let world = world().await;
    let parameters = [("OnDeregistrationFailure", on_failure)];
    assert_created(&create(&world, &parameters).await);
    let secret = physical_id(&world.account, "ApiTokenSecret").await;
    let put = world.account.secretsmanager().put_secret_value();
    let put = put.secret_id(secret).secret_string("revoked").send().await;
    put.unwrap();
    world
}

#[tokio::test]
async fn a_token_revoked_before_the_deletion_fails_it_and_names_the_record() {
    let world = with_a_revoked_token("Fail").await;
    let record = world.sandbox.apps()[0].id.clone();
    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_FAILED");
    let told = reason(&deleted);
    for words in [
        record.as_str(),
        "does not accept the API token",
        "Remove it at Authomize by hand",
        "OnDeregistrationFailure=Ignore, set before a deletion",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(world.sandbox.apps().len(), 1);
}

#[tokio::test]
async fn a_revoked_token_is_ignored_at_the_admins_wish() {
    let world = with_a_revoked_token("Ignore").await;
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert_eq!(world.sandbox.apps().len(), 1);
}

/// The function reads a secret where its ARN says it is.
#[tokio::test]
async fn the_secret_may_be_in_another_region() {
    let world = world().await;
    let id = world.account.id().clone();
    let there = world.engine.account_in(id, ANOTHER_REGION);
    let made = there.secretsmanager().create_secret().name("authomize");
    let made = made.secret_string(world.token()).send().await.unwrap();
    let arn = made.arn.unwrap();
    assert!(arn.contains(ANOTHER_REGION), "{arn}");
    let parameters = [
        ("AuthomizeApiToken", ""),
        ("AuthomizeApiTokenSecretArn", arn.as_str()),
    ];
    assert_created(&create(&world, &parameters).await);
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert!(world.sandbox.apps().is_empty());
}
