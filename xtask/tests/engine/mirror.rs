//! A company's mirror: the code of a release under the same keys in a bucket of its own.

use std::collections::BTreeMap;

use rehearsal::engine::Account;
use semver::Version;
use serde_json::json;
use xtask::mirror::{Mirror, MirrorError, run};
use xtask::release::Publisher;
use xtask::release::configuration::{AccountId, BucketName};
use xtask::release::publish::{Objects, Placed};

use crate::released_template::{FUNCTION, create_with, release};
use crate::stage::{Stage, bucket, counts, everything, s3};

/// A release that everybody may read, and a company.
struct Scene {
    stage: Stage,
    company: Account,
    objects: Objects,
    template: String,
}

const BUCKET: &str = "company-artifacts";

impl Scene {
    async fn set() -> Self {
        let stage = Stage::set().await;
        let (objects, template) = release(&stage, &Version::new(1, 0, 0), FUNCTION);
        stage.publish(&objects).await.unwrap();
        for region in ["eu-west-1", "us-east-1"] {
            open_to_everybody(&stage, region).await;
        }
        let company = stage.world.account.clone();
        let made = s3(&company).create_bucket().bucket(BUCKET);
        made.send().await.unwrap();
        Self {
            stage,
            company,
            objects,
            template,
        }
    }

    fn mirror(&self) -> Mirror {
        let region = "us-east-1".parse().unwrap();
        Mirror {
            template: self.template.clone(),
            bucket: BucketName::parse(&region, BUCKET.to_owned()).unwrap(),
            region,
            owner: AccountId::parse(self.company.id().to_string()).unwrap(),
            from: None,
            publisher: Publisher {
                credentials: Stage::root_of(&self.company),
                network: self.stage.network(),
            },
        }
    }

    async fn copied(&self, mirror: &Mirror) -> Result<Vec<Placed>, MirrorError> {
        let mut placed = Vec::new();
        run(mirror, |one| placed.push(one)).await?;
        Ok(placed)
    }

    async fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.stage
            .stored_in(&self.company, "us-east-1", BUCKET)
            .await
    }
}

/// The published bucket lets everybody read, as docs/release.md says.
async fn open_to_everybody(stage: &Stage, region: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/product/*", bucket(region)),
    }]});
    let account = stage.in_region(&stage.publisher, region);
    let opened = s3(&account).delete_public_access_block();
    opened.bucket(bucket(region)).send().await.unwrap();
    let put = s3(&account).put_bucket_policy().bucket(bucket(region));
    put.policy(policy.to_string()).send().await.unwrap();
}

#[tokio::test]
async fn has_the_same_keys_and_a_second_time_nothing_is_written() {
    let scene = Scene::set().await;
    let placed = scene.copied(&scene.mirror()).await.unwrap();
    assert_eq!(counts(&placed), (2, 0));
    assert_eq!(scene.stored().await, everything(&scene.objects));
    let elsewhere = Mirror {
        from: Some("eu-west-1".parse().unwrap()),
        ..scene.mirror()
    };
    let placed = scene.copied(&elsewhere).await.unwrap();
    assert_eq!(counts(&placed), (0, 2));
}

/// With the published bucket out of reach.
#[tokio::test]
async fn is_what_a_stack_takes_its_code_from() {
    let scene = Scene::set().await;
    scene.copied(&scene.mirror()).await.unwrap();
    let key = scene.objects.first[0].key.as_str();
    let published = s3(&scene.stage.publisher).delete_object();
    let deleted = published.bucket(bucket("us-east-1")).key(key);
    deleted.send().await.unwrap();
    let mirrored = [("ArtifactBucket", BUCKET)];
    let created = create_with(&scene.stage, &scene.template, &mirrored).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
}

#[tokio::test]
async fn copies_nothing_that_the_template_does_not_name() {
    let scene = Scene::set().await;
    let key = scene.objects.first[0].key.as_str();
    let publisher = &scene.stage.publisher;
    scene
        .stage
        .write(publisher, "us-east-1", key, "theirs")
        .await;
    let told = scene.copied(&scene.mirror()).await.unwrap_err().to_string();
    assert!(told.contains("has the SHA-256"), "{told}");
    assert!(told.contains("Nothing was copied"), "{told}");
    assert!(scene.stored().await.is_empty());
}

#[tokio::test]
async fn is_in_no_strangers_bucket() {
    let scene = Scene::set().await;
    let stranger = scene.stage.world.engine.fresh_account();
    let mirror = Mirror {
        owner: AccountId::parse(stranger.id().to_string()).unwrap(),
        ..scene.mirror()
    };
    let told = scene.copied(&mirror).await.unwrap_err().to_string();
    let owner = format!("is not of the expected account {}", stranger.id());
    assert!(told.contains(&owner), "{told}");
    assert!(scene.stored().await.is_empty());
}

#[tokio::test]
async fn names_the_regions_that_it_can_copy_from() {
    let scene = Scene::set().await;
    let mirror = Mirror {
        from: Some("eu-north-1".parse().unwrap()),
        ..scene.mirror()
    };
    let told = scene.copied(&mirror).await.unwrap_err().to_string();
    assert_eq!(
        told,
        "the template lists no bucket for eu-north-1; accepted with --from are ap-southeast-2, eu-west-1, us-east-1"
    );
}
