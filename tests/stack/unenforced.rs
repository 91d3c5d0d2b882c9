//! What the engine does not ask for when it runs the function: it writes the log
//! by itself, and its Secrets Manager decrypts nothing.
//!
//! The roles are deployed all the same, and the engine's IAM is asked what they
//! may do, as an admin asks the policy simulator.

use rehearsal::engine::Account;
use rehearsal::rehearse::world::World;
use serde_json::Value;

use crate::permission::{without, without_also};
use crate::stage::{assert_created, create_in, hasty_template, physical_id, spec, world};

/// The permissions that only this module takes away.
pub(crate) const UNENFORCED: [(&str, &str); 10] = [
    ("RegistrarRole.WriteLog", "logs:CreateLogStream"),
    ("RegistrarRole.WriteLog", "logs:PutLogEvents"),
    ("RegistrarRole.DecryptToken", "kms:Decrypt"),
    (
        "RegistrarRole.DecryptToken",
        "kms:EncryptionContext:SecretARN",
    ),
    ("RegistrarRole.KeepUnfinished", "sqs:SendMessage"),
    ("AdminRole.WriteLog", "logs:CreateLogStream"),
    ("AdminRole.WriteLog", "logs:PutLogEvents"),
    ("AdminRole.DecryptToken", "kms:Decrypt"),
    ("AdminRole.DecryptToken", "kms:EncryptionContext:SecretARN"),
    (
        "AdminRole.BeDelegatedAdmin",
        "organizations:ListDelegatedAdministrators",
    ),
];

/// Whether the registrar's role of a stack of this account may do that.
async fn may(account: &Account, action: &str, resource: &str) -> bool {
    may_as(account, "RegistrarRole", action, resource).await
}

/// Whether one of the stack's roles may do that.
async fn may_as(account: &Account, role: &str, action: &str, resource: &str) -> bool {
    let role = physical_id(account, role).await;
    let arn = format!("arn:aws:iam::{}:role/{role}", account.id());
    let asked = account.iam().simulate_principal_policy();
    let asked = asked.policy_source_arn(arn).action_names(action);
    let answer = asked.resource_arns(resource).send().await.unwrap();
    answer.evaluation_results()[0].eval_decision.as_str() == "allowed"
}

/// An account with a stack of this template.
async fn deployed(world: &World, template: &Value, parameters: &[(&str, &str)]) -> Account {
    let account = world.engine.fresh_account();
    let spec = spec(world, template.to_string(), parameters);
    assert_created(&create_in(&account, &spec).await);
    account
}

fn stream(account: &Account, group: &str) -> String {
    let (region, id) = (account.region(), account.id());
    format!("arn:aws:logs:{region}:{id}:log-group:{group}:log-stream:2026/11/25/a")
}

#[tokio::test]
async fn the_log_may_be_written_and_no_other_and_no_group_made() {
    let world = world().await;
    let account = deployed(&world, &hasty_template(), &[]).await;
    let own = stream(&account, &physical_id(&account, "RegistrarLogGroup").await);
    let other = stream(&account, "/aws/lambda/another");
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        assert!(may(&account, action, &own).await, "{action}");
        assert!(!may(&account, action, &other).await, "{action}");
    }
    assert!(!may(&account, "logs:CreateLogGroup", &own).await);
}

#[tokio::test]
async fn the_log_cannot_be_written_without_either_permission() {
    let world = world().await;
    for name in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let template = without("RegistrarRole.WriteLog", name);
        let account = deployed(&world, &template, &[]).await;
        let own = stream(&account, &physical_id(&account, "RegistrarLogGroup").await);
        assert!(!may(&account, name, &own).await, "{name}");
    }
}

/// The simulator is told of no encryption context, as with any other use of the
/// key than to decrypt this secret.
#[tokio::test]
async fn the_key_decrypts_the_secret_and_nothing_else() {
    let place = "RegistrarRole.DecryptToken";
    let unbound = without(place, "kms:EncryptionContext:SecretARN");
    let without_any = without_also(unbound.clone(), place, "kms:Decrypt");
    assert_key_is_bound("RegistrarRole", &unbound, &without_any).await;
}

#[tokio::test]
async fn the_admin_function_decrypts_the_secret_and_nothing_else() {
    let place = "AdminRole.DecryptToken";
    let unbound = without(place, "kms:EncryptionContext:SecretARN");
    let without_any = without_also(unbound.clone(), place, "kms:Decrypt");
    assert_key_is_bound("AdminRole", &unbound, &without_any).await;
}

async fn assert_key_is_bound(role: &str, unbound: &Value, without_any: &Value) {
    let world = world().await;
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-a1B2c3";
    let key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d";
    for (template, allowed) in [
        (&hasty_template(), false),
        (unbound, true),
        (without_any, false),
    ] {
        let account = world.engine.fresh_account();
        let mut spec = spec(
            &world,
            template.to_string(),
            &[
                ("AuthomizeApiToken", ""),
                ("AuthomizeApiTokenSecretArn", secret),
                ("AuthomizeApiTokenKmsKeyArn", key),
                ("AdminMode", "Daily"),
            ],
        );
        // The secret is nowhere: the role is left to be asked about.
        spec.disable_rollback = true;
        assert_eq!(create_in(&account, &spec).await.status, "CREATE_FAILED");
        assert_eq!(may_as(&account, role, "kms:Decrypt", key).await, allowed);
    }
}

/// Its own log and no other, and no group.
#[tokio::test]
async fn the_admin_functions_log_cannot_be_written_without_either_permission() {
    let world = world().await;
    let place = "AdminRole.WriteLog";
    for name in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let without = without(place, name);
        for (template, allowed) in [(&hasty_template(), true), (&without, false)] {
            let account = deployed(&world, template, &[("AdminMode", "Daily")]).await;
            let own = stream(&account, &physical_id(&account, "AdminLogGroup").await);
            let others = stream(&account, &physical_id(&account, "RegistrarLogGroup").await);
            assert_eq!(may_as(&account, "AdminRole", name, &own).await, allowed);
            assert!(!may_as(&account, "AdminRole", name, &others).await);
        }
    }
}

/// Only where the StackSet is asked about as a delegated administrator's.
#[tokio::test]
async fn the_admin_function_may_be_a_delegated_administrators() {
    let world = world().await;
    let action = "organizations:ListDelegatedAdministrators";
    let hub = [
        ("OrganizationId", "o-a1b2c3d4e5"),
        ("StackSetName", "Authomize"),
    ];
    let delegated = [&hub[..], &[("StackSetCallAs", "DELEGATED_ADMIN")]].concat();
    let without = without("AdminRole.BeDelegatedAdmin", action);
    for (template, parameters, allowed) in [
        (&hasty_template(), &delegated[..], true),
        (&hasty_template(), &hub[..], false),
        (&without, &delegated[..], false),
    ] {
        let account = deployed(&world, template, parameters).await;
        assert_eq!(may_as(&account, "AdminRole", action, "*").await, allowed);
    }
}

/// A hub's queue and no other; a single stack has none.
#[tokio::test]
async fn a_hub_may_keep_what_it_could_not_finish() {
    let world = world().await;
    let hub = [("OrganizationId", "o-a1b2c3d4e5")];
    let without = without("RegistrarRole.KeepUnfinished", "sqs:SendMessage");
    for (template, allowed) in [(&hasty_template(), true), (&without, false)] {
        let account = deployed(&world, template, &hub).await;
        let queue = physical_id(&account, "UnfinishedRequests").await;
        let name = queue.rsplit('/').next().unwrap();
        let arn = |name: &str| format!("arn:aws:sqs:{}:{}:{name}", account.region(), account.id());
        assert_eq!(may(&account, "sqs:SendMessage", &arn(name)).await, allowed);
        assert!(!may(&account, "sqs:SendMessage", &arn("another")).await);
    }
}
