//! What a company's own rules demand, each by a parameter.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rehearsal::engine::{Account, Artifact};
use rehearsal::rehearse::world::World;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::document::template;
use crate::stage::{
    assert_created, binary, create, delete, physical_id, read, reason, spec, update, world,
};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d";

/// With a function that looks after what is registered.
const ADMIN: (&str, &str) = ("AdminMode", "Daily");

/// Has that function look whether all is well.
async fn check(world: &World) {
    let event = json!({"action": "check"});
    let answer = world
        .engine
        .ask(&world.account, "Authomize-Trust-Role-admin", &event);
    let answer = answer.await.unwrap();
    assert_eq!(answer["ok"], true, "{answer}");
}

/// A proxy of the company's own, which hands every connection on to another one.
struct Proxy {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    async fn before(next: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut next = TcpStream::connect(next).await.unwrap();
                    // A side that breaks off ends the connection.
                    copy_bidirectional(&mut client, &mut next).await.ok();
                });
            }
        });
        Self {
            address,
            connections,
        }
    }
}

#[tokio::test]
async fn reaches_everything_through_the_proxy() {
    let world = world().await;
    let proxy = Proxy::before(world.internet.address()).await;
    let parameter = format!("http://{}", proxy.address);
    let created = create(&world, &[("HttpsProxy", &parameter), ADMIN]).await;
    assert_created(&created);
    check(&world).await;
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    let passed = world.internet.passed();
    assert!(passed.len() >= 4, "{passed:?}");
    assert_eq!(proxy.connections.load(Ordering::SeqCst), passed.len());
}

#[tokio::test]
async fn keeps_secret_and_log_under_the_key() {
    let world = world().await;
    let account = &world.account;
    assert_created(&create(&world, &[("KmsKeyArn", KEY)]).await);
    assert_eq!(
        keys(account).await,
        [Some(KEY.to_owned()), Some(KEY.to_owned())]
    );
    // The key is taken off again in place: the secret keeps its name and its value.
    let secret = physical_id(account, "ApiTokenSecret").await;
    let updated = update(&world, &[]).await;
    assert_eq!(updated.status, "UPDATE_COMPLETE", "{}", reason(&updated));
    assert_eq!(physical_id(account, "ApiTokenSecret").await, secret);
    assert_eq!(keys(account).await, [None, None]);
}

/// The keys of the secret and of the log group.
async fn keys(account: &Account) -> [Option<String>; 2] {
    let secret = physical_id(account, "ApiTokenSecret").await;
    let described = account.secretsmanager().describe_secret().secret_id(secret);
    let secret = described.send().await.unwrap().kms_key_id;
    let group = physical_id(account, "RegistrarLogGroup").await;
    let groups = account.logs().groups(&group).await.unwrap();
    [secret, groups[0].kms_key_id.clone()].map(|key| key.filter(|key| !key.is_empty()))
}

/// The group was there before the stack and is there after it, with its retention.
#[tokio::test]
async fn writes_into_a_log_group_that_outlives_the_stack() {
    const GROUP: &str = "/company/authomize";
    let world = world().await;
    let logs = world.account.logs();
    let group = json!({"logGroupName": GROUP});
    logs.ask("CreateLogGroup", &group).await.unwrap();
    let kept = json!({"logGroupName": GROUP, "retentionInDays": 365});
    logs.ask("PutRetentionPolicy", &kept).await.unwrap();

    let created = create(&world, &[("LogGroupName", GROUP), ADMIN]).await;
    assert_created(&created);
    check(&world).await;
    let lines = world.account.log_lines_of(GROUP, 2).await.unwrap();
    let ends = lines
        .iter()
        .filter(|line| line.starts_with("REPORT RequestId"));
    assert_eq!(ends.count(), 2, "of both functions: {lines:#?}");
    let groups = world.account.secrets_and_logs().await.unwrap();
    assert!(
        !groups.iter().any(|name| name.starts_with("/aws/lambda/")),
        "{groups:?}"
    );

    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    let groups = logs.groups(GROUP).await.unwrap();
    assert_eq!(groups[0].retention_days, Some(365));
    let after = world.account.log_lines(GROUP).await.unwrap();
    assert!(lines.iter().all(|line| after.contains(line)), "{after:#?}");
}

/// The key stays, the bucket is the company's.
#[tokio::test]
async fn takes_the_code_from_a_mirror() {
    let world = World::start().await.unwrap();
    let mirror = [("ArtifactBucket", "company-artifacts")];
    let key = &template()["Mappings"]["Release"]["X8664"]["Key"];
    let code = Artifact::from_binary(&binary()).unwrap();
    let put = code.put(&world.account, "company-artifacts", key.as_str().unwrap());
    put.await.unwrap();
    let outside = create(&world, &[]).await;
    assert_eq!(outside.status, "ROLLBACK_COMPLETE", "nothing is published");
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
    assert_created(&create(&world, &mirror).await);
}

#[tokio::test]
async fn passes_the_stacks_tags_on() {
    let world = world().await;
    let account = &world.account;
    let tags = [("cost-center", "4711"), ("owner", "security")];
    let spec = spec(&world, read("template.yaml"), &[]);
    let created = account.create_tagged_stack(&spec, &tags).await.unwrap();
    assert_created(&created.finish().await.unwrap());

    for role in ["TrustRole", "RegistrarRole"] {
        let name = physical_id(account, role).await;
        let of_role = [("RoleName", name.as_str())];
        let listed = account.iam().ask("ListRoleTags", &of_role);
        let listed = listed.await.unwrap();
        let found = listed.texts("Key").zip(listed.texts("Value"));
        assert_has(&tags, &found.collect::<Vec<_>>(), role);
    }
    let secret = physical_id(account, "ApiTokenSecret").await;
    let described = account.secretsmanager().describe_secret().secret_id(secret);
    let described = described.send().await.unwrap();
    let found = described.tags().iter();
    let found = found.filter_map(|tag| Some((tag.key()?, tag.value()?)));
    assert_has(&tags, &found.collect::<Vec<_>>(), "ApiTokenSecret");
}

fn assert_has(tags: &[(&str, &str)], found: &[(&str, &str)], of: &str) {
    for tag in tags {
        assert!(found.contains(tag), "{of}: {found:?}");
    }
}

/// The engine asks the rules as CloudFormation does: nothing is made, and the sentence
/// says what to do.
#[tokio::test]
async fn refuses_what_clashes_before_anything_is_made() {
    let world = world().await;
    for (parameters, sentence) in [
        (
            &[("VpcSubnetIds", "subnet-0a1b2c3d")][..],
            "Give VpcSubnetIds and VpcSecurityGroupIds, or neither",
        ),
        (
            &[("NoProxy", "amazonaws.com")],
            "NoProxy says what goes around HttpsProxy",
        ),
        (
            &[
                ("LogGroupName", "/company/authomize"),
                ("LogRetentionDays", "90"),
            ],
            "Leave LogRetentionDays at 30",
        ),
        (
            &[(
                "CodeSigningConfigArn",
                "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0a1b2c3d4e5f6a7b8",
            )],
            "CodeSigningConfigArn needs ArtifactBucket",
        ),
    ] {
        let spec = spec(&world, read("template.yaml"), parameters);
        let refused = world.account.create_stack(&spec).await.unwrap_err();
        assert!(refused.to_string().contains(sentence), "{refused}");
    }
}
