//! What is left after the deletion: nothing.

use std::collections::BTreeSet;

use crate::engine::Account;

use super::super::lifecycle::{Made, Seen};
use super::super::report::Check;
use super::super::world::World;

/// The kinds of resource that are looked for one by one, each with the word
/// that a check calls it by.
const KINDS: [(&str, &str); 4] = [
    ("AWS::IAM::Role", "role"),
    ("AWS::Lambda::Function", "function"),
    ("AWS::SecretsManager::Secret", "secret"),
    ("AWS::Logs::LogGroup", "log group"),
];

/// Judges what is left of all that the stack made in `steps`, the last of
/// which is the deletion. Whether a thing is gone is asked of its own service: CloudFormation may
/// have forgotten what is still there.
pub(in super::super) async fn checks(world: &World, steps: &[Seen]) -> Vec<Check> {
    let made: BTreeSet<&Made> = steps.iter().flat_map(|seen| &seen.made).collect();
    let mut checks = vec![Check::equal(
        "the vendor has no record left",
        &world.sandbox.apps().len(),
        &0,
    )];
    for (kind, word) in KINDS {
        let of_kind = made
            .iter()
            .filter(|made| made.resource_type == kind && !made.physical_id.is_empty());
        let (mut count, mut left) = (0, Vec::new());
        for resource in of_kind {
            count += 1;
            if is_there(world, kind, &resource.physical_id).await {
                left.push(resource.physical_id.clone());
            }
        }
        let detail = format!("{count} had been made, left: {}", left.join(", "));
        let held = count > 0 && left.is_empty();
        checks.push(Check::new(format!("no {word} is left"), held, detail));
    }
    checks
}

/// Whether the thing exists; a question that cannot be answered counts as
/// yes, so that a silent service cannot make a check hold.
async fn is_there(world: &World, kind: &str, physical_id: &str) -> bool {
    let account = &world.account;
    match kind {
        "AWS::IAM::Role" => role_is_there(account, physical_id).await,
        "AWS::Lambda::Function" => world.engine.has_function(account, physical_id).await,
        "AWS::SecretsManager::Secret" => secret_is_there(account, physical_id).await,
        _ => log_group_is_there(account, physical_id).await,
    }
}

async fn role_is_there(account: &Account, name: &str) -> bool {
    let asked = account.iam().ask("GetRole", &[("RoleName", name)]).await;
    asked.map_or_else(|error| error.code() != Some("NoSuchEntity"), |_| true)
}

async fn secret_is_there(account: &Account, arn: &str) -> bool {
    use aws_sdk_secretsmanager::Error;
    let asked = account
        .secretsmanager()
        .describe_secret()
        .secret_id(arn)
        .send()
        .await;
    match asked.map_err(Error::from) {
        // Secrets Manager keeps a deleted secret for its recovery window.
        Ok(secret) => secret.deleted_date().is_none(),
        Err(error) => !matches!(error, Error::ResourceNotFoundException(_)),
    }
}

async fn log_group_is_there(account: &Account, name: &str) -> bool {
    let asked = account.logs().groups(name).await;
    asked.map_or(true, |groups| groups.iter().any(|group| group.name == name))
}
