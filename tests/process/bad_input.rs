//! Bad input: FAILED with a reason that names the parameter and says what is
//! accepted; nothing is registered, and the rollback is clean. The snapshot of
//! all reasons reads like a manual.

use std::fmt::Write as _;

use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::sandbox::Fault;
use serde_json::{Value, json};

use crate::world::{LOGICAL, STACK, Setting, TOKEN, World, properties, with};

/// Where Lambda says that the log is.
const LOG: &str = "2026/11/24/[$LATEST]0 in /aws/lambda/registrar";

/// One wrong value.
struct Case {
    title: &'static str,
    properties: Value,
    secret: Secret,
    fault: Option<Fault>,
}

fn property(title: &'static str, name: &str, value: impl Into<Value>) -> Case {
    Case {
        title,
        properties: with(name, value),
        secret: Secret::Text(TOKEN.to_owned()),
        fault: None,
    }
}

fn secret(title: &'static str, secret: Secret) -> Case {
    Case {
        title,
        properties: properties(),
        secret,
        fault: None,
    }
}

fn vendor(title: &'static str, fault: Fault) -> Case {
    Case {
        title,
        properties: properties(),
        secret: Secret::Text(TOKEN.to_owned()),
        fault: Some(fault),
    }
}

fn text(secret: &str) -> Secret {
    Secret::Text(secret.to_owned())
}

fn cases() -> Vec<Case> {
    vec![
        property("external id empty", "ExternalId", ""),
        property("external id malformed", "ExternalId", "two words"),
        secret("secret that does not exist", Secret::Missing),
        secret("secret that is denied", Secret::Denied),
        secret("secret that is binary", Secret::Binary),
        secret("secret that is empty", text(" ")),
        secret("secret that is JSON without token", text("{\"apiToken\": \"x\"}")),
        secret("secret that looks like JSON", text("{token}")),
        secret("secret of several lines", text("one\ntwo")),
        secret("token refused", text("atmz-mistyped")),
        vendor("token not permitted", Fault::status(403)),
        vendor(
            "refused by Authomize",
            Fault::status(422).body(json!({
                "detail": [{"loc": ["body", "config", "roleArn"], "msg": "unknown account", "type": "value_error"}]
            })),
        ),
        property("API URL with http", "ApiUrl", "http://api.authomize.com"),
        property("API URL with a path", "ApiUrl", "https://api.authomize.com/v2"),
        property("API URL with user info", "ApiUrl", "https://me:secret@api.authomize.com"),
        property("API URL of another host", "ApiUrl", "https://api.example.com"),
        property("account id with 11 digits", "AdditionalAccountIds", json!(["12345678901"])),
        property("account id with letters", "AdditionalAccountIds", json!(["1234567890ab"])),
        property("account ids with spaces for commas", "AdditionalAccountIds", json!(["210987654321 310987654321"])),
        property("account id twice", "AdditionalAccountIds", json!(["210987654321", "210987654321"])),
        property("own account id", "AdditionalAccountIds", json!(["123456789012"])),
        property("region malformed", "Regions", json!(["us-east-1", "nowhere"])),
        property("region of another partition", "Regions", json!(["cn-north-1"])),
        property("e-mail without @", "OwnerEmail", "owner.example.com"),
        property("name of 300 characters", "IntegrationName", "n".repeat(300)),
        property("name with a line break", "IntegrationName", "one\ntwo"),
        property("name with an emoji", "IntegrationName", "cloud ☁️"),
        property("Identity Center yes", "IncludeIdentityCenter", "yes"),
        property("role of another account", "RoleArn", "arn:aws:iam::210987654321:role/r"),
        property("regions of the wrong type", "Regions", json!({"a": "b"})),
        property("owner of the wrong type", "OwnerEmail", json!(["a@example.com"])),
        property("unknown wish for the deletion", "OnDelete", "Burn"),
        Case {
            properties: json!("text"),
            ..secret("properties of the wrong type", text(TOKEN))
        },
    ]
}

/// Cases E14 and E20: whatever is wrong, the reason says it and where the log is,
/// and the rollback's Delete has nothing to do.
#[tokio::test]
async fn is_refused_with_a_reason_and_a_clean_rollback() {
    let world = World::new().await;
    let mut manual = String::new();
    for (number, case) in cases().into_iter().enumerate() {
        let request_id = format!("create-{number}");
        world.desk.stacks([Stack::creating()]);
        world.desk.secrets([case.secret]);
        if let Some(fault) = case.fault {
            world.sandbox.script(fault);
        }
        let created = world
            .send(&world.event("Create", &request_id, case.properties.clone()))
            .await;
        assert_eq!(created.status(), "FAILED", "{}", case.title);
        assert!(
            created.id().starts_with("none/"),
            "{}: {}",
            case.title,
            created.id()
        );
        assert!(world.sandbox.apps().is_empty(), "{}", case.title);
        assert!(!created.reason_without_log().is_empty(), "{}", case.title);
        let log = format!(" Log: {LOG}, request {request_id}");
        assert!(created.reason().ends_with(&log), "{}", created.reason());
        writeln!(
            manual,
            "{}\n    {}\n",
            case.title,
            created.reason_without_log()
        )
        .unwrap();

        world.desk.stacks([Stack::deleting(created.id())]);
        let mut rollback = world.event("Delete", &format!("delete-{number}"), case.properties);
        rollback["PhysicalResourceId"] = json!(created.id());
        let deleted = world.send(&rollback).await;
        assert_eq!(
            deleted.status(),
            "SUCCESS",
            "{}: {}",
            case.title,
            deleted.reason()
        );
    }
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("reasons_for_bad_input", manual);
    });
    world.end().await;
}

/// Case E32: what is well formed and new passes with a warning; what is unknown is
/// ignored with one.
#[tokio::test]
async fn that_may_be_of_the_future_passes_with_one_warning() {
    let world = World::new().await;
    let mut wanted = with("Regions", json!(["xx-newland-9"]));
    wanted["FutureProperty"] = json!("x");
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    for (warning, what) in [
        ("a region that this version does not know", "xx-newland-9"),
        ("ignored unknown properties", "\"FutureProperty\""),
    ] {
        let told: Vec<_> = log.iter().filter(|line| line.contains(warning)).collect();
        assert_eq!(told.len(), 1, "{warning}");
        assert!(told[0].contains(what), "{}", told[0]);
    }
}

/// Case E43: an environment that makes no sense keeps the function neither from
/// starting nor from saying so.
#[tokio::test]
async fn of_the_environment_is_answered() {
    let nonsense = [
        "STACK_ID",
        "API_TOKEN_SECRET_ARN",
        "AWS_LAMBDA_LOG_LEVEL",
        "RUST_LOG",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "LOCAL_CA_FILE",
        "AWS_SAM_LOCAL",
        "AWS_ACCESS_KEY_ID",
    ];
    let world = World::with(Setting {
        environment: nonsense.map(|name| (name, "[nonsense".to_owned())).into(),
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// Case E39, and the other ways in which an event is no request.
#[tokio::test]
async fn of_the_envelope_is_answered() {
    let world = World::new().await;
    for (member, value, expected) in [
        ("RequestType", json!("Rename"), "`RequestType` is `Rename`"),
        ("RequestType", Value::Null, "`RequestType`"),
        ("StackId", Value::Null, "StackId"),
        ("StackId", json!("stack"), "StackId"),
        ("LogicalResourceId", Value::Null, "LogicalResourceId"),
    ] {
        let mut event = world.create_event(properties());
        let request_id = format!("create-{expected}-{value}").replace([' ', '`', '"'], "");
        event["RequestId"] = json!(request_id);
        event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, &request_id));
        if value.is_null() {
            event.as_object_mut().unwrap().remove(member);
        } else {
            event[member] = value;
        }
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(outcome.reason().contains(expected), "{}", outcome.reason());
    }
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}
