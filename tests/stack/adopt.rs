//! Customers who did it by hand: the role of an older stack, and the integration that a
//! person made, come over to this one.

use std::time::Duration;

use rehearsal::engine::{StackOutcome, StackSpec};
use rehearsal::rehearse::world::{STACK, World};
use rehearsal::sandbox::{App, Waver};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::stage::{
    assert_created, assert_rolled_back, create, create_from, create_in, delete, hasty_template,
    read, reason, spec, update, world,
};

/// The role's name in the template, and in the older one, too.
const ROLE: &str = "AuthomizeCrossAccountTrustRole";

const OLDER_STACK: &str = "Authomize";

const BY_HAND: &str = "Production";

/// The stack that the vendor's button made before: the trust role alone.
fn older(world: &World, kept: bool) -> StackSpec {
    let mut role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": ROLE,
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"],
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::291883359082:user/AuthomizeGlobalUser"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"sts:ExternalId": world.external_id()}},
                }],
            },
        },
    });
    if kept {
        role["DeletionPolicy"] = json!("Retain");
    }
    StackSpec {
        name: OLDER_STACK.to_owned(),
        template: json!({"Resources": {"AuthomizeRole": role}}).to_string(),
        parameters: Vec::new(),
        disable_rollback: false,
    }
}

fn role_arn(world: &World) -> String {
    format!("arn:aws:iam::{}:role/{ROLE}", world.account.id())
}

/// What a person typed into the dialog then.
fn config(world: &World) -> Value {
    json!({
        "accountIds": [world.account.id().as_str()],
        "regions": [],
        "roleArn": role_arn(world),
        "externalId": world.external_id(),
        "includeIdentityCenter": false,
    })
}

/// An account as an older stack and a person left it: the record.
async fn done_by_hand(world: &World, kept: bool) -> App {
    assert_created(&create_in(&world.account, &older(world, kept)).await);
    world.sandbox.insert_by_hand(BY_HAND, config(world));
    world.sandbox.apps().remove(0)
}

async fn delete_the_older(world: &World) -> StackOutcome {
    let operation = world.account.delete_stack(OLDER_STACK).await;
    operation.unwrap().finish().await.unwrap()
}

/// Does something while the vendor reads the account, again and again, with the role that
/// it has been told of.
async fn read_all_the_while(
    world: &World,
    change: impl Future<Output = StackOutcome>,
) -> StackOutcome {
    let mut poll = interval(Duration::from_millis(20));
    let reading = async {
        loop {
            poll.tick().await;
            let config = world.sandbox.apps().remove(0).config.unwrap();
            let role = config["roleArn"].as_str().unwrap();
            let external_id = config["externalId"].as_str();
            world.vendor.assume(role, external_id).await.unwrap();
        }
    };
    tokio::select! {
        biased;
        outcome = change => outcome,
        () = reading => unreachable!("it reads for ever"),
    }
}

/// The whole way: the role is kept by its ARN, the integration is taken over by its id;
/// later a role of the new stack's own takes the old one's place, and the older stack goes.
/// There is no moment in which Authomize cannot read the account.
#[tokio::test]
async fn comes_over_without_a_moment_in_which_authomize_cannot_read_the_account() {
    let world = world().await;
    let before = done_by_hand(&world, false).await;
    let (arn, id) = (role_arn(&world), before.id.as_str());
    let parameters = [
        ("ExistingRoleArn", arn.as_str()),
        ("AdoptIntegrationId", id),
    ];
    let created = read_all_the_while(&world, create(&world, &parameters)).await;
    assert_created(&created);
    assert_eq!(created.outputs["IntegrationId"], id);
    assert_eq!(created.outputs["TrustRoleArn"], arn);
    let resources = world.account.left_resources(STACK).await.unwrap();
    assert!(!resources.iter().any(|left| left.logical_id == "TrustRole"));

    let parameters = [("TrustRoleName", "Trust"), ("AdoptIntegrationId", id)];
    let updated = read_all_the_while(&world, update(&world, &parameters)).await;
    assert_eq!(updated.status, "UPDATE_COMPLETE", "{}", reason(&updated));
    assert_eq!(updated.outputs["IntegrationId"], id);
    let gone = read_all_the_while(&world, delete_the_older(&world)).await;
    assert_eq!(gone.status, "DELETE_COMPLETE");
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    let new_role = arn.replace(ROLE, "Trust");
    assert_eq!(apps[0].config.as_ref().unwrap()["roleArn"], new_role);

    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_COMPLETE", "{}", reason(&deleted));
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].id, before.id);
    assert_eq!(apps[0].integration_name, BY_HAND);
    assert_eq!(apps[0].source().unwrap()["released"], true);
}

/// Or the older stack lets its role stay, and goes.
#[tokio::test]
async fn keeps_the_role_of_a_stack_that_retains_it() {
    let world = world().await;
    let before = done_by_hand(&world, true).await;
    let (arn, id) = (role_arn(&world), before.id.as_str());
    let parameters = [
        ("ExistingRoleArn", arn.as_str()),
        ("AdoptIntegrationId", id),
    ];
    let created = read_all_the_while(&world, create(&world, &parameters)).await;
    assert_created(&created);
    let gone = read_all_the_while(&world, delete_the_older(&world)).await;
    assert_eq!(gone.status, "DELETE_COMPLETE");
    let refreshed = [&parameters[..], &[("Refresh", "1")]].concat();
    let updated = read_all_the_while(&world, update(&world, &refreshed)).await;
    assert_eq!(updated.status, "UPDATE_COMPLETE", "{}", reason(&updated));
    assert_eq!(updated.outputs["IntegrationStatus"], "enabled");
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    let role = [("RoleName", ROLE)];
    let role = world.account.iam().ask("GetRole", &role).await;
    assert!(role.is_ok(), "no stack made it, so no stack removes it");
}

/// What is done wrong at first: without the parameter IAM refuses the name, and all is as
/// it was.
#[tokio::test]
async fn leaves_everything_as_it_was_where_the_role_is_forgotten() {
    let world = world().await;
    let before = done_by_hand(&world, false).await;
    let id = [("AdoptIntegrationId", before.id.as_str())];
    let refused = read_all_the_while(&world, create(&world, &id)).await;
    assert_eq!(refused.status, "ROLLBACK_COMPLETE");
    let first = refused.first_failure().unwrap();
    assert!(first.reason.contains("already exists"), "{first:?}");
    assert_eq!(world.sandbox.apps(), [before]);
}

/// A creation that fails after the integration was taken over gives it back as it was.
#[tokio::test]
async fn is_rolled_back_to_what_was_there() {
    let world = world().await;
    let before = done_by_hand(&world, false).await;
    world.validations.set(Waver::FailAlways);
    let parameters = [
        ("TrustRoleName", "Trust"),
        ("AdoptIntegrationId", before.id.as_str()),
    ];
    let failed = create_from(&world, &hasty_template(), &parameters).await;
    let why = ["could not validate the role"];
    assert_rolled_back(&world.account, &failed, &why).await;
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].integration_name, before.integration_name);
    assert_eq!(apps[0].config, before.config);
    let arn = role_arn(&world);
    let assumed = world.vendor.assume(&arn, Some(world.external_id()));
    assumed.await.unwrap();
}

#[tokio::test]
async fn refuses_the_integration_of_another_account() {
    let world = world().await;
    let mut other = config(&world);
    other["accountIds"] = json!(["210987654321"]);
    other["roleArn"] = json!("arn:aws:iam::210987654321:role/Trust");
    let id = world.sandbox.insert_by_hand(BY_HAND, other);
    let before = world.sandbox.apps();
    let failed = create(&world, &[("AdoptIntegrationId", &id)]).await;
    let why = [id.as_str(), "it is of account 210987654321"];
    assert_rolled_back(&world.account, &failed, &why).await;
    assert_eq!(world.sandbox.apps(), before);
}

/// A stack that has an integration is not moved to another one: the update rolls back.
#[tokio::test]
async fn is_for_new_stacks_alone() {
    let world = world().await;
    let created = create(&world, &[]).await;
    assert_created(&created);
    let id = world.sandbox.insert_by_hand(BY_HAND, config(&world));
    let before = world.sandbox.apps();
    let refused = update(&world, &[("AdoptIntegrationId", &id)]).await;
    assert_eq!(refused.status, "UPDATE_ROLLBACK_COMPLETE");
    let own = created.outputs["IntegrationId"].as_str();
    for words in [own, &id, "create it anew"] {
        assert!(reason(&refused).contains(words), "{}", reason(&refused));
    }
    assert_eq!(world.sandbox.apps(), before);
}

/// The rules refuse what clashes before anything is made.
#[tokio::test]
async fn refuses_what_clashes() {
    let world = world().await;
    let arn = role_arn(&world);
    for (parameters, sentence) in [
        (
            &[
                ("AdoptIntegrationId", "app_1"),
                ("OrganizationId", "o-a1b2c3d4e5"),
            ],
            "A hub and its members take nothing over",
        ),
        (
            &[
                ("ExistingRoleArn", arn.as_str()),
                ("TrustRoleName", "Trust"),
            ],
            "ExistingRoleArn has its own name",
        ),
    ] {
        let spec = spec(&world, read("template.yaml"), parameters);
        let refused = world.account.create_stack(&spec).await.unwrap_err();
        assert!(refused.to_string().contains(sentence), "{refused}");
    }
}
