//! The template as it is published: the stack comes up with the code of the release, and
//! with no other.

use rehearsal::engine::{Artifact, StackOutcome, StackSpec};
use semver::Version;
use xtask::release::asset::Asset;
use xtask::release::publish::{Object, Objects};
use xtask::release::template::{Code, Literals, write};

use crate::stage::Stage;

const SOURCE: &str = include_str!("../../../template.yaml");
pub(crate) const FUNCTION: &[u8] = include_bytes!("function.py");
const STACK: &str = "Authomize-Trust-Role";

/// A release of a version: its objects and the template's text.
pub(crate) fn release(stage: &Stage, version: &Version, function: &[u8]) -> (Objects, String) {
    let zip = Artifact::from_bytes(function).unwrap().zip().to_vec();
    let zip = Asset::new("x86_64.zip", "application/zip", zip);
    let prefix = &stage.configuration.prefix;
    let code = Object {
        key: zip.key(prefix, version),
        asset: zip,
    };
    let literals = Literals {
        version,
        configuration: &stage.configuration,
        x86_64: Code {
            key: code.key.clone(),
            sha256: code.asset.sha256,
        },
        arm64: None,
    };
    let text = write(SOURCE, &literals).unwrap();
    let template = Asset::template(text.clone());
    let objects = Objects {
        first: vec![code],
        last: Object {
            key: template.key(prefix, version),
            asset: template,
        },
    };
    (objects, text)
}

fn spec(stage: &Stage, template: &str) -> StackSpec {
    let parameters = [
        ("ExternalID", stage.world.external_id()),
        ("AuthomizeApiToken", stage.world.token()),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    StackSpec {
        name: STACK.to_owned(),
        template: template.to_owned(),
        parameters: parameters.map(owned).to_vec(),
        disable_rollback: false,
    }
}

async fn create(stage: &Stage, template: &str) -> StackOutcome {
    create_with(stage, template, &[]).await
}

/// The same with more parameters.
pub(crate) async fn create_with(
    stage: &Stage,
    template: &str,
    parameters: &[(&str, &str)],
) -> StackOutcome {
    let mut spec = spec(stage, template);
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    spec.parameters.extend(parameters.iter().map(owned));
    let created = stage.world.account.create_stack(&spec).await;
    created.unwrap().finish().await.unwrap()
}

async fn update(stage: &Stage, template: &str) -> StackOutcome {
    let updated = stage
        .world
        .account
        .update_stack(&spec(stage, template))
        .await;
    updated.unwrap().finish().await.unwrap()
}

/// The logical ids of the stack's versions of the function.
async fn versions(stage: &Stage) -> Vec<String> {
    let left = stage.world.account.left_resources(STACK).await.unwrap();
    left.into_iter()
        .filter(|one| one.resource_type == "AWS::Lambda::Version")
        .map(|one| one.logical_id)
        .collect()
}

#[tokio::test]
async fn comes_up_and_is_upgraded_with_another_version_of_the_function() {
    let stage = Stage::set().await;
    let (objects, template) = release(&stage, &Version::new(1, 0, 0), FUNCTION);
    stage.publish(&objects).await.unwrap();
    let created = create(&stage, &template).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
    assert_eq!(created.outputs["TemplateVersion"], "1.0.0");
    let before = versions(&stage).await;

    let later = [FUNCTION, b"# later\n"].concat();
    let (objects, template) = release(&stage, &Version::new(1, 1, 0), &later);
    stage.publish(&objects).await.unwrap();
    let updated = update(&stage, &template).await;
    assert_eq!(
        updated.status,
        "UPDATE_COMPLETE",
        "{:?}",
        updated.first_failure()
    );
    let after = versions(&stage).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
}

/// The bucket is in other hands: the key is right, the code is not.
#[tokio::test]
async fn asks_no_code_that_is_not_the_releases() {
    let stage = Stage::set().await;
    let (objects, template) = release(&stage, &Version::new(1, 0, 0), FUNCTION);
    let key = objects.first[0].key.as_str();
    let theirs = Artifact::from_bytes(b"#!/bin/sh\nexit 1\n").unwrap();
    let bucket = "release-us-east-1";
    theirs.put(&stage.publisher, bucket, key).await.unwrap();
    let created = create(&stage, &template).await;
    assert_eq!(created.status, "ROLLBACK_COMPLETE");
    let failure = created.first_failure().unwrap();
    assert!(
        failure.logical_id.starts_with("RegistrarVersion"),
        "{failure:?}"
    );
    assert!(
        failure
            .reason
            .contains("is different from current CodeSHA256"),
        "{failure:?}"
    );
    let asked = |event: &&rehearsal::engine::StackEvent| event.logical_id == "AuthomizeIntegration";
    assert_eq!(created.events.iter().find(asked), None);
}

/// An upgrade with foreign code goes back, and what was registered stays.
#[tokio::test]
async fn an_upgrade_with_other_code_is_rolled_back() {
    let stage = Stage::set().await;
    let (objects, template) = release(&stage, &Version::new(1, 0, 0), FUNCTION);
    stage.publish(&objects).await.unwrap();
    create(&stage, &template).await;
    let before = versions(&stage).await;

    let (objects, template) = release(&stage, &Version::new(1, 1, 0), b"#!/bin/sh\n");
    let key = objects.first[0].key.as_str();
    let theirs = Artifact::from_bytes(b"#!/bin/sh\nexit 1\n").unwrap();
    theirs
        .put(&stage.publisher, "release-us-east-1", key)
        .await
        .unwrap();
    let updated = update(&stage, &template).await;
    assert_eq!(updated.status, "UPDATE_ROLLBACK_COMPLETE");
    let failure = updated.first_failure().unwrap();
    assert!(
        failure.logical_id.starts_with("RegistrarVersion"),
        "{failure:?}"
    );
    assert_eq!(versions(&stage).await, before);
}
