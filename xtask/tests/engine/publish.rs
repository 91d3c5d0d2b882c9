//! A release goes everywhere, once, or it is told why not.

use aws_credential_types::Credentials;
use serde_json::json;
use xtask::release::publish::Objects;

use crate::middleman::{Harm, Middleman};
use crate::stage::{REGIONS, Stage, bucket, counts, everything, failures, s3, without_template};

async fn no_region_has_the_template(stage: &Stage, objects: &Objects) {
    for region in REGIONS {
        let stored = stage.stored(region).await;
        assert!(!stored.contains_key(objects.last.key.as_str()));
    }
}

#[tokio::test]
async fn reaches_three_regions_and_a_second_time_writes_nothing() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    let placed = stage.publish(&objects).await.unwrap();
    assert_eq!(counts(&placed), (12, 0));
    for region in REGIONS {
        assert_eq!(stage.stored(region).await, everything(&objects));
    }
    let key = objects.first[0].key.as_str();
    let hash = objects.first[0].asset.sha256;
    assert_eq!(key, format!("product/1.2.3/{hash}/x86_64.zip"));
    // The template is nowhere before everything else is everywhere.
    let is_template = |one: &xtask::release::publish::Placed| one.place.key == objects.last.key;
    assert!(placed[9..].iter().all(is_template), "{placed:?}");

    let again = stage.publish(&objects).await.unwrap();
    assert_eq!(counts(&again), (0, 12));
}

#[tokio::test]
async fn tells_customers_what_an_object_is_and_that_it_never_changes() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    stage.publish(&objects).await.unwrap();
    let account = stage.in_region(&stage.publisher, "eu-west-1");
    let head = s3(&account).head_object().bucket(bucket("eu-west-1"));
    let head = head.key(objects.last.key.as_str()).send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/yaml"));
    assert_eq!(
        head.cache_control(),
        Some("public, max-age=31536000, immutable")
    );
}

#[tokio::test]
async fn a_region_that_fails_keeps_the_template_back_until_it_is_mended() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    stage.take_down("eu-west-1", true);
    let failed = failures(stage.publish(&objects).await);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["eu-west-1"]);
    let told = &failed["eu-west-1"];
    assert!(
        told.starts_with("S3 could not be asked about s3://release-eu-west-1/product/1.2.3/"),
        "{told}"
    );
    for region in ["ap-southeast-2", "us-east-1"] {
        assert_eq!(stage.stored(region).await, without_template(&objects));
    }

    stage.take_down("eu-west-1", false);
    let placed = stage.publish(&objects).await.unwrap();
    // Two regions had three objects each.
    assert_eq!(counts(&placed), (6, 6));
    for region in REGIONS {
        assert_eq!(stage.stored(region).await, everything(&objects));
    }
}

#[tokio::test]
async fn refuses_a_strangers_bucket_that_takes_everything() {
    let stage = Stage::without_buckets().await;
    let stranger = stage.world.engine.fresh_account();
    for region in REGIONS {
        let owner = if region == "us-east-1" {
            &stranger
        } else {
            &stage.publisher
        };
        stage.make_bucket(owner, region).await;
    }
    let trap = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::release-us-east-1", "arn:aws:s3:::release-us-east-1/*"],
    }]});
    let opened = s3(&stranger).delete_public_access_block();
    opened.bucket(bucket("us-east-1")).send().await.unwrap();
    let policy = s3(&stranger)
        .put_bucket_policy()
        .bucket(bucket("us-east-1"));
    policy.policy(trap.to_string()).send().await.unwrap();
    stage
        .write(&stage.publisher, "us-east-1", "bait", "taken")
        .await;

    let objects = stage.objects("one");
    let failed = failures(stage.publish(&objects).await);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["us-east-1"]);
    let told = &failed["us-east-1"];
    let owner = format!("is not of the expected account {}", stage.publisher.id());
    assert!(
        told.starts_with("s3:PutObject on s3://release-us-east-1/product/"),
        "{told}"
    );
    assert!(told.contains(&owner), "{told}");
    let stored = stage.stored_of(&stranger, "us-east-1").await;
    assert_eq!(stored.keys().collect::<Vec<_>>(), ["bait"]);
    assert_eq!(stage.stored("eu-west-1").await, without_template(&objects));
}

#[tokio::test]
async fn leaves_a_key_alone_that_has_other_bytes() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    let key = objects.first[1].key.as_str();
    stage
        .write(&stage.publisher, "ap-southeast-2", key, "somebody's")
        .await;
    let failed = failures(stage.publish(&objects).await);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["ap-southeast-2"]);
    let told = &failed["ap-southeast-2"];
    assert!(
        told.starts_with(&format!(
            "s3://release-ap-southeast-2/{key} is there with other bytes"
        )),
        "{told}"
    );
    assert_eq!(stage.stored("ap-southeast-2").await[key], b"somebody's");
    no_region_has_the_template(&stage, &objects).await;
}

#[tokio::test]
async fn names_the_right_that_is_denied() {
    let stage = Stage::set().await;
    let user = user(
        &stage,
        &json!([
            {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::release-eu-west-1/*"},
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::release-us-east-1/*"},
        ]),
    )
    .await;
    let objects = stage.objects("one");
    let failed = failures(stage.publish_as(&user, &objects).await);
    assert_eq!(
        failed.keys().collect::<Vec<_>>(),
        ["eu-west-1", "us-east-1"]
    );
    assert!(
        failed["eu-west-1"].starts_with("s3:PutObject on s3://release-eu-west-1/"),
        "{failed:?}"
    );
    assert!(
        failed["us-east-1"].starts_with("s3:GetObject on s3://release-us-east-1/"),
        "{failed:?}"
    );
    assert!(
        failed
            .values()
            .all(|told| told.contains("these credentials lack the right"))
    );
    assert!(stage.stored("eu-west-1").await.is_empty());
    assert_eq!(
        stage.stored("ap-southeast-2").await,
        without_template(&objects)
    );
}

/// What the page for publishers says that is needed.
#[tokio::test]
async fn needs_two_rights_and_no_more() {
    let stage = Stage::set().await;
    let page = include_str!("../../../docs/release.md");
    for action in ["s3:GetObject", "s3:PutObject"] {
        assert!(page.contains(&format!("\"{action}\"")), "{action}");
    }
    let user = user(
        &stage,
        &json!([{
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::release-*/product/*",
        }]),
    )
    .await;
    let placed = stage
        .publish_as(&user, &stage.objects("one"))
        .await
        .unwrap();
    assert_eq!(counts(&placed), (12, 0));
    let again = stage
        .publish_as(&user, &stage.objects("one"))
        .await
        .unwrap();
    assert_eq!(counts(&again), (0, 12));
}

/// The write was done, nobody was told, and the publisher is gone.
#[tokio::test]
async fn goes_on_where_it_was_interrupted() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    let engine = stage.world.engine.address();
    let middleman = Middleman::stand_before(engine, Harm::HoldsBackWrite(2)).await;
    stage.lead("us-east-1", middleman.address());
    tokio::select! {
        published = stage.publish(&objects) => panic!("{published:?}"),
        () = middleman.has_held_back() => {}
    }
    let stored = stage.stored("us-east-1").await;
    assert_eq!(stored.len(), 2);
    assert!(!stored.contains_key(objects.last.key.as_str()));

    stage.take_down("us-east-1", false);
    let placed = stage.publish(&objects).await.unwrap();
    let there = placed
        .iter()
        .filter(|one| one.region.as_str() == "us-east-1");
    assert_eq!(counts(&there.cloned().collect::<Vec<_>>()), (2, 2));
    for region in REGIONS {
        assert_eq!(stage.stored(region).await, everything(&objects));
    }
}

#[tokio::test]
async fn believes_no_object_that_is_read_back_changed() {
    let stage = Stage::set().await;
    let objects = stage.objects("one");
    let engine = stage.world.engine.address();
    let middleman = Middleman::stand_before(engine, Harm::ChangesReads).await;
    stage.lead("eu-west-1", middleman.address());
    let failed = failures(stage.publish(&objects).await);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["eu-west-1"]);
    let told = &failed["eu-west-1"];
    assert!(
        told.contains("was written, and what was read back has the SHA-256"),
        "{told}"
    );
    no_region_has_the_template(&stage, &objects).await;
}

#[tokio::test]
async fn names_a_bucket_that_is_not_there() {
    let stage = Stage::without_buckets().await;
    stage.make_bucket(&stage.publisher, "us-east-1").await;
    stage.make_bucket(&stage.publisher, "eu-west-1").await;
    let failed = failures(stage.publish(&stage.objects("one")).await);
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["ap-southeast-2"]);
    let told = &failed["ap-southeast-2"];
    assert!(
        told.starts_with("there is no bucket `release-ap-southeast-2`"),
        "{told}"
    );
}

/// A user of the publisher's account with these rights.
async fn user(stage: &Stage, statements: &serde_json::Value) -> Credentials {
    let iam = stage.publisher.iam();
    let user = ("UserName", "publisher");
    iam.ask("CreateUser", &[user]).await.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let policy = [user, ("PolicyName", "publish"), ("PolicyDocument", &policy)];
    iam.ask("PutUserPolicy", &policy).await.unwrap();
    let key = iam.ask("CreateAccessKey", &[user]).await.unwrap();
    let text = |name| key.text(name).unwrap();
    let (id, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
    Credentials::new(id, secret, None, None, "test")
}
