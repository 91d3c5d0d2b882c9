//! The files in `events/`, as `sam local invoke` sends them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use rehearsal::function::Invoked;
use serde_json::{Value, json};

use crate::world::{STACK, Setting, World};

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("events")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A function in local mode that serves the stack of the files.
async fn local() -> World {
    let stack = read("create.json")["StackId"].as_str().unwrap().to_owned();
    assert_ne!(stack, STACK);
    World::with(Setting {
        environment: vec![("AWS_SAM_LOCAL", "true".to_owned()), ("STACK_ID", stack)],
        stack: rehearsal::aws_desk::Stack::Missing,
        ..Setting::default()
    })
    .await
}

async fn result(world: &World, event: &Value) -> Value {
    match world.send_raw(event.to_string().into_bytes()).await {
        Invoked::Returned(answer) => answer,
        other => panic!("the function returns its answer: {other:?}"),
    }
}

/// Creates with `create.json` and puts the id of the answer into `name`.
async fn after_create(world: &World, name: &str) -> Value {
    let created = result(world, &read("create.json")).await;
    assert_eq!(created["Status"], "SUCCESS", "{created}");
    world.sandbox.clear_requests();
    let mut event = read(name);
    event["PhysicalResourceId"] = created["PhysicalResourceId"].clone();
    event
}

fn summary(world: &World, answer: &Value) -> Value {
    let id = answer["PhysicalResourceId"].as_str().unwrap();
    let methods: Vec<String> = world
        .vendor_calls()
        .iter()
        .map(|call| call.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    json!({
        "status": answer["Status"],
        "form": id.split('/').next(),
        "reason": answer["Reason"],
        "calls": methods,
    })
}

/// The function's environment names no secret: on a laptop without `--env-vars`.
#[tokio::test]
async fn create_without_a_secret_says_which_variable_is_missing() {
    let world = World::with(Setting {
        environment: vec![
            ("AWS_SAM_LOCAL", "true".to_owned()),
            ("STACK_ID", String::new()),
            ("API_TOKEN_SECRET_ARN", String::new()),
        ],
        ..Setting::default()
    })
    .await;
    let answer = result(&world, &read("create.json")).await;
    assert_eq!(answer["Status"], "FAILED", "{answer}");
    let reason = answer["Reason"].as_str().unwrap();
    let names = "The function's variable API_TOKEN_SECRET_ARN names no secret. ";
    assert!(reason.starts_with(names), "{reason}");
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// Nobody listens where the laptop's sandbox was: told at once, with the address.
#[tokio::test]
async fn create_names_the_address_at_which_nobody_listens() {
    let world = local().await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let mut event = read("create.json");
    event["ResourceProperties"]["ApiUrl"] = json!(address);
    let answer = result(&world, &event).await;
    assert_eq!(answer["Status"], "FAILED", "{answer}");
    let reason = answer["Reason"].as_str().unwrap();
    let names = format!("Authomize cannot be reached at {address}: ");
    assert!(reason.contains(&names), "{reason}");
    world.end().await;
}

#[tokio::test]
async fn create_registers() {
    let world = local().await;
    let answer = result(&world, &read("create.json")).await;
    assert_eq!(
        summary(&world, &answer),
        json!({"status": "SUCCESS", "form": "integration", "reason": null, "calls": ["GET", "POST", "GET"]})
    );
    world.end().await;
}

/// A laptop's CloudFormation does not know the stack, and will not the next second
/// either: it is asked when the run begins, before what may be done already, and when
/// the run ends, and never again for the same.
#[tokio::test]
async fn create_does_not_wait_for_a_cloudformation_that_a_laptop_has_not() {
    let world = local().await;
    let answer = result(&world, &read("create.json")).await;
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    assert_eq!(world.desk.stack_requests(), 3);
    world.end().await;
}

#[tokio::test]
async fn create_identity_center_registers_the_management_account() {
    let world = local().await;
    let answer = result(&world, &read("create-identity-center.json")).await;
    assert_eq!(
        summary(&world, &answer),
        json!({"status": "SUCCESS", "form": "integration", "reason": null, "calls": ["GET", "POST", "GET"]})
    );
    assert_eq!(answer["Data"]["ConnectedApps"], "AWS, AWS SSO");
    world.end().await;
}

#[tokio::test]
async fn update_amends() {
    let world = local().await;
    let event = after_create(&world, "update.json").await;
    let answer = result(&world, &event).await;
    assert_eq!(
        summary(&world, &answer),
        json!({"status": "SUCCESS", "form": "integration", "reason": null, "calls": ["GET", "PATCH", "GET"]})
    );
    world.end().await;
}

#[tokio::test]
async fn update_unchanged_only_reads() {
    let world = local().await;
    let event = after_create(&world, "update-unchanged.json").await;
    let answer = result(&world, &event).await;
    assert_eq!(
        summary(&world, &answer),
        json!({"status": "SUCCESS", "form": "integration", "reason": null, "calls": ["GET"]})
    );
    world.end().await;
}

#[tokio::test]
async fn delete_removes() {
    let world = local().await;
    let event = after_create(&world, "delete.json").await;
    let answer = result(&world, &event).await;
    assert_eq!(
        summary(&world, &answer),
        json!({"status": "SUCCESS", "form": "integration", "reason": null, "calls": ["GET", "DELETE"]})
    );
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

#[tokio::test]
async fn delete_invented_id_finds_nothing_and_succeeds() {
    let world = local().await;
    let event = read("delete-invented-id.json");
    let answer = result(&world, &event).await;
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    assert_eq!(answer["PhysicalResourceId"], event["PhysicalResourceId"]);
    assert_eq!(world.vendor_calls(), ["GET /v2/apps", "GET /v2/apps"]);
    world.end().await;
}
