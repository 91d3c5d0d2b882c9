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
pub(crate) const UNENFORCED: [(&str, &str); 26] = [
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
    ("RegistrarRole.JoinVpc", "ec2:CreateNetworkInterface"),
    ("RegistrarRole.JoinVpc", "ec2:DescribeNetworkInterfaces"),
    ("RegistrarRole.JoinVpc", "ec2:DescribeSubnets"),
    ("RegistrarRole.JoinVpc", "ec2:DeleteNetworkInterface"),
    ("RegistrarRole.JoinVpc", "ec2:AssignPrivateIpAddresses"),
    ("RegistrarRole.JoinVpc", "ec2:UnassignPrivateIpAddresses"),
    ("RegistrarRole.LeaveVpcToLambda", "ec2:*"),
    ("RegistrarRole.LeaveVpcToLambda", "lambda:SourceFunctionArn"),
    ("AdminRole.JoinVpc", "ec2:CreateNetworkInterface"),
    ("AdminRole.JoinVpc", "ec2:DescribeNetworkInterfaces"),
    ("AdminRole.JoinVpc", "ec2:DescribeSubnets"),
    ("AdminRole.JoinVpc", "ec2:DeleteNetworkInterface"),
    ("AdminRole.JoinVpc", "ec2:AssignPrivateIpAddresses"),
    ("AdminRole.JoinVpc", "ec2:UnassignPrivateIpAddresses"),
    ("AdminRole.LeaveVpcToLambda", "ec2:*"),
    ("AdminRole.LeaveVpcToLambda", "lambda:SourceFunctionArn"),
];

/// What Lambda does with the role of a function in a VPC.
const IN_A_VPC: [&str; 6] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

const VPC: [(&str, &str); 3] = [
    ("VpcSubnetIds", "subnet-0a1b2c3d"),
    ("VpcSecurityGroupIds", "sg-0a1b2c3d"),
    ("AdminMode", "Daily"),
];

/// Whether the registrar's role of a stack of this account may do that.
async fn may(account: &Account, action: &str, resource: &str) -> bool {
    may_as(account, "RegistrarRole", action, resource).await
}

/// Whether one of the stack's roles may do that.
async fn may_as(account: &Account, role: &str, action: &str, resource: &str) -> bool {
    let role = physical_id(account, role).await;
    let arn = format!("arn:aws:iam::{}:role/{role}", account.id());
    let question = [
        ("PolicySourceArn", arn.as_str()),
        ("ActionNames.member.1", action),
        ("ResourceArns.member.1", resource),
    ];
    let answer = account.iam().ask("SimulatePrincipalPolicy", &question);
    answer.await.unwrap().text("EvalDecision").unwrap() == "allowed"
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

/// The simulator is told of no function, as when Lambda itself makes the interfaces.
#[tokio::test]
async fn lambda_may_join_a_vpc_with_all_six_rights() {
    let place = "RegistrarRole.JoinVpc";
    let taken = [
        without(place, "ec2:CreateNetworkInterface"),
        without(place, "ec2:DescribeNetworkInterfaces"),
        without(place, "ec2:DescribeSubnets"),
        without(place, "ec2:DeleteNetworkInterface"),
        without(place, "ec2:AssignPrivateIpAddresses"),
        without(place, "ec2:UnassignPrivateIpAddresses"),
    ];
    assert_joins_with_all_six("RegistrarRole", &taken).await;
}

#[tokio::test]
async fn lambda_may_join_a_vpc_with_the_admin_functions_role() {
    let place = "AdminRole.JoinVpc";
    let taken = [
        without(place, "ec2:CreateNetworkInterface"),
        without(place, "ec2:DescribeNetworkInterfaces"),
        without(place, "ec2:DescribeSubnets"),
        without(place, "ec2:DeleteNetworkInterface"),
        without(place, "ec2:AssignPrivateIpAddresses"),
        without(place, "ec2:UnassignPrivateIpAddresses"),
    ];
    assert_joins_with_all_six("AdminRole", &taken).await;
}

/// Each of these templates lacks the right of the same place in the list.
async fn assert_joins_with_all_six(role: &str, taken: &[Value; 6]) {
    let world = world().await;
    let plain = deployed(&world, &hasty_template(), &VPC[2..]).await;
    let whole = deployed(&world, &hasty_template(), &VPC).await;
    for (action, without_it) in IN_A_VPC.iter().zip(taken) {
        assert!(!may_as(&plain, role, action, "*").await, "{action}");
        assert!(may_as(&whole, role, action, "*").await, "{action}");
        let account = deployed(&world, without_it, &VPC).await;
        assert!(!may_as(&account, role, action, "*").await, "{action}");
    }
}

/// Without the condition the denial is for everybody, Lambda as well.
#[tokio::test]
async fn lambda_alone_may_join_a_vpc() {
    let place = "RegistrarRole.LeaveVpcToLambda";
    let always = without(place, "lambda:SourceFunctionArn");
    let never = without_also(always.clone(), place, "ec2:*");
    assert_denial("RegistrarRole", &always, &never).await;
}

#[tokio::test]
async fn lambda_alone_may_join_a_vpc_with_the_admin_functions_role() {
    let place = "AdminRole.LeaveVpcToLambda";
    let always = without(place, "lambda:SourceFunctionArn");
    let never = without_also(always.clone(), place, "ec2:*");
    assert_denial("AdminRole", &always, &never).await;
}

async fn assert_denial(role: &str, always: &Value, never: &Value) {
    let world = world().await;
    for (template, allowed) in [(&hasty_template(), true), (always, false), (never, true)] {
        let account = deployed(&world, template, &VPC).await;
        let may = may_as(&account, role, "ec2:CreateNetworkInterface", "*").await;
        assert_eq!(may, allowed);
    }
}
