//! What changes while a stack lives, and what is changed behind its back: the record stays
//! the same one. So does that of a stack that was left behind.

use rehearsal::engine::StackOutcome;
use rehearsal::internet::HostPattern;
use rehearsal::rehearse::world::{STACK, World};
use serde_json::json;

use crate::stage::{
    assert_created, create, create_from, delete, hasty_template, physical_id, reason, spec, update,
    world,
};

const NEW_TOKEN: &str = "rehearsal/the-next-token";

/// Asserts that the update succeeded, and that record and id are what they were.
async fn assert_kept(world: &World, created: &StackOutcome, id: &str, updated: &StackOutcome) {
    assert_eq!(updated.status, "UPDATE_COMPLETE", "{}", reason(updated));
    let record = &created.outputs["IntegrationId"];
    assert_eq!(&updated.outputs["IntegrationId"], record);
    assert_eq!(updated.outputs["IntegrationStatus"], "enabled");
    assert_eq!(integration(world).await, id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(&apps[0].id, record);
}

fn assert_rolled_back(outcome: &StackOutcome, why: &str) {
    assert_eq!(
        outcome.status,
        "UPDATE_ROLLBACK_COMPLETE",
        "{}",
        reason(outcome)
    );
    assert!(reason(outcome).contains(why), "{}", reason(outcome));
}

/// Asserts that the stack goes, and its record with it.
async fn assert_goes(world: &World) {
    assert_eq!(delete(world).await.status, "DELETE_COMPLETE");
    assert!(world.sandbox.apps().is_empty());
}

async fn integration(world: &World) -> String {
    physical_id(&world.account, "AuthomizeIntegration").await
}

/// The token alone changes the secret and sends no Update, so nobody would know whether it
/// works: `Refresh` beside it has it tried at once.
#[tokio::test]
async fn a_token_by_parameter_takes_a_refresh() {
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    world.sandbox.set_token(NEW_TOKEN);
    world.sandbox.clear_requests();
    let token = ("AuthomizeApiToken", NEW_TOKEN);
    let alone = update(&world, &[token]).await;
    assert_kept(&world, &created, &id, &alone).await;
    assert!(world.sandbox.requests().is_empty());

    let refreshed = update(&world, &[token, ("Refresh", "1")]).await;
    assert_kept(&world, &created, &id, &refreshed).await;
    assert_eq!(world.sandbox.requests()[0].path, "/me");
    let requests = world.sandbox.requests();
    assert!(requests.iter().all(|request| request.status == Some(200)));
}

/// The old one is revoked already, and the first new one is wrong: the update fails, says
/// so, and is rolled back to the old one, which does not work either. Then the right one.
#[tokio::test]
async fn a_wrong_token_first_leaves_no_stack_stuck() {
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    world.sandbox.set_token(NEW_TOKEN);
    let wrong = [("AuthomizeApiToken", "mistyped"), ("Refresh", "1")];
    let failed = update(&world, &wrong).await;
    assert_rolled_back(&failed, "does not accept the API token");
    let right = [("AuthomizeApiToken", NEW_TOKEN), ("Refresh", "2")];
    let updated = update(&world, &right).await;
    assert_kept(&world, &created, &id, &updated).await;
}

/// The same in a secret of the company's own.
#[tokio::test]
async fn a_new_value_in_an_existing_secret_takes_a_refresh() {
    let world = world().await;
    let secrets = world.account.secretsmanager();
    let made = secrets.create_secret().name("authomize");
    let made = made.secret_string(world.token()).send().await.unwrap();
    let arn = made.arn.unwrap();
    let given = |refresh| {
        [
            ("AuthomizeApiToken", ""),
            ("AuthomizeApiTokenSecretArn", arn.as_str()),
            ("Refresh", refresh),
        ]
    };
    let put = async |token: &str| {
        let put = secrets.put_secret_value().secret_id(&arn);
        put.secret_string(token).send().await.unwrap();
    };
    let created = create(&world, &given("")).await;
    assert_created(&created);
    let id = integration(&world).await;
    world.sandbox.set_token(NEW_TOKEN);

    put("mistyped").await;
    let failed = update(&world, &given("1")).await;
    assert_rolled_back(&failed, "does not accept the API token");

    put(NEW_TOKEN).await;
    let updated = update(&world, &given("1")).await;
    assert_kept(&world, &created, &id, &updated).await;
}

/// The vendor issues another external id: role and record change together.
#[tokio::test]
async fn an_external_id_is_changed_in_role_and_record() {
    const NEXT: &str = "issued-anew-by-authomize";
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    let updated = update(&world, &[("ExternalID", NEXT)]).await;
    assert_kept(&world, &created, &id, &updated).await;
    let role = &updated.outputs["TrustRoleArn"];
    world.vendor.assume(role, Some(NEXT)).await.unwrap();
    let old = world.vendor.assume(role, Some(world.external_id())).await;
    assert!(old.is_err(), "the old one opens nothing");
}

/// The API has another address: what is there under its id is kept.
#[tokio::test]
async fn a_new_address_of_the_api_keeps_the_record() {
    const HOST: &str = "api.eu.authomize.com";
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    let host = HostPattern::Exact(HOST.to_owned());
    world.internet.lead(host, world.sandbox.address());
    let address = format!("https://{HOST}");
    let moved = update(&world, &[("AuthomizeApiUrl", &address)]).await;
    assert_kept(&world, &created, &id, &moved).await;
    assert_goes(&world).await;
}

/// `Refresh` mends what was changed at the vendor.
#[tokio::test]
async fn a_refresh_mends_what_was_changed_at_the_vendor() {
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    let before = world.sandbox.apps();
    world.sandbox.rename_all("Renamed by hand");
    world.sandbox.disable_all();
    let mended = update(&world, &[("Refresh", "1")]).await;
    assert_kept(&world, &created, &id, &mended).await;
    let after = world.sandbox.apps();
    assert_eq!(after[0].integration_name, before[0].integration_name);

    world.sandbox.remove_all();
    let anew = update(&world, &[("Refresh", "2")]).await;
    assert_eq!(anew.status, "UPDATE_COMPLETE", "{}", reason(&anew));
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].id, anew.outputs["IntegrationId"]);
    assert_goes(&world).await;
}

/// `Refresh` finds a trust policy that was changed by hand, and says where to look; put
/// back, all is well again.
#[tokio::test]
async fn a_refresh_finds_a_trust_policy_that_was_changed_by_hand() {
    let world = world().await;
    let hasty = hasty_template();
    let created = create_from(&world, &hasty, &[]).await;
    assert_created(&created);
    let id = integration(&world).await;
    let role = physical_id(&world.account, "TrustRole").await;
    let policy = |external_id: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::291883359082:user/AuthomizeGlobalUser"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }],
        })
        .to_string()
    };
    let write = async |external_id: &str| {
        let policy = policy(external_id);
        let change = [("RoleName", role.as_str()), ("PolicyDocument", &policy)];
        let write = world.account.iam().ask("UpdateAssumeRolePolicy", &change);
        write.await.unwrap();
    };
    let refresh = async |value: &str| {
        let spec = spec(&world, hasty.to_string(), &[("Refresh", value)]);
        let operation = world.account.update_stack(&spec).await;
        operation.unwrap().finish().await.unwrap()
    };
    write("changed-by-hand").await;
    let failed = refresh("1").await;
    assert_rolled_back(&failed, "could not validate the role");
    for words in ["trust policy", "drift"] {
        assert!(reason(&failed).contains(words), "{}", reason(&failed));
    }
    write(world.external_id()).await;
    let mended = refresh("2").await;
    assert_kept(&world, &created, &id, &mended).await;
}

/// With `DeletionPolicy: Retain` the record stays when the stack goes, and a stack of the
/// same name goes on with it. It is that one's own by then, and goes with it.
#[tokio::test]
async fn a_stack_of_the_same_name_goes_on_with_what_was_retained() {
    let world = world().await;
    let mut retaining = crate::document::template();
    retaining["Resources"]["AuthomizeIntegration"]["DeletionPolicy"] = json!("Retain");
    let first = create_from(&world, &retaining, &[]).await;
    assert_created(&first);
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert_eq!(world.sandbox.apps().len(), 1);

    let second = create(&world, &[]).await;
    assert_created(&second);
    let record = &first.outputs["IntegrationId"];
    assert_eq!(&second.outputs["IntegrationId"], record);
    assert_eq!(world.sandbox.apps().len(), 1);
    assert_goes(&world).await;
}

/// The same after a deletion that failed, and went on without the resource.
#[tokio::test]
async fn a_stack_of_the_same_name_goes_on_after_a_deletion_that_failed() {
    let world = world().await;
    let first = create(&world, &[]).await;
    assert_created(&first);
    world.sandbox.set_token(NEW_TOKEN);
    assert_eq!(delete(&world).await.status, "DELETE_FAILED");
    let without = ["AuthomizeIntegration"];
    let operation = world.account.delete_stack_without(STACK, &without).await;
    let gone = operation.unwrap().finish().await.unwrap();
    assert_eq!(gone.status, "DELETE_COMPLETE");
    assert_eq!(world.sandbox.apps().len(), 1);

    let second = create(&world, &[("AuthomizeApiToken", NEW_TOKEN)]).await;
    assert_created(&second);
    let record = &first.outputs["IntegrationId"];
    assert_eq!(&second.outputs["IntegrationId"], record);
    assert_eq!(world.sandbox.apps().len(), 1);
    assert_goes(&world).await;
}
