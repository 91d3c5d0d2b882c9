//! What changes while a stack lives: the token, the external id, the API's host; and what
//! is changed behind its back. The record stays the same one.

use std::time::Duration;

use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::internet::HostPattern;
use rehearsal::sandbox::{Fault, Sandbox, SandboxOptions, Waver};
use serde_json::{Value, json};

use crate::world::{LOGICAL, NAME, Outcome, STACK, TOKEN, World, properties, with};

/// Long enough for a request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(8);

const NEW_TOKEN: &str = "atmz/the-next-one";

const NEW_HOST: &str = "api.eu.authomize.com";

fn refreshed() -> Value {
    with("Refresh", "2026-11-29")
}

/// One update more of a stack's resource, forward or back.
async fn update(world: &World, id: &str, number: u8, to: &Value, from: &Value) -> Outcome {
    let request_id = format!("update-{number}");
    let mut event = world.event("Update", &request_id, to.clone());
    event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, &request_id));
    event["PhysicalResourceId"] = json!(id);
    event["OldResourceProperties"] = from.clone();
    world.send_within(&event, SHORT).await
}

async fn forward(world: &World, id: &str, number: u8, to: &Value, from: &Value) -> Outcome {
    world.desk.stacks([Stack::updating(id)]);
    update(world, id, number, to, from).await
}

async fn back(world: &World, id: &str, number: u8, to: &Value, from: &Value) -> Outcome {
    let rolling_back = "UPDATE_ROLLBACK_IN_PROGRESS";
    world
        .desk
        .stacks([Stack::is(rolling_back, "UPDATE_IN_PROGRESS", id)]);
    update(world, id, number, to, from).await
}

/// Asserts that it went well, with the record and the id that there were.
fn assert_kept(world: &World, id: &str, outcome: &Outcome) {
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(id.split('/').nth(1), Some(apps[0].id.as_str()));
}

fn text(token: &str) -> Secret {
    Secret::Text(token.to_owned())
}

/// The old token is revoked already: nothing is asked with it.
#[tokio::test]
async fn to_a_new_token_takes_the_secret_and_a_refresh() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.set_token(NEW_TOKEN);
    world.desk.secrets([text(NEW_TOKEN)]);
    let outcome = forward(&world, &id, 1, &refreshed(), &properties()).await;
    assert_kept(&world, &id, &outcome);
    assert_eq!(world.vendor_calls()[0], "GET /me");
    let refused = world.sandbox.requests();
    assert!(refused.iter().all(|request| request.status == Some(200)));
    world.end().await;
}

/// A wrong token first: the update says so. Rolling back cannot ask Authomize either,
/// for the old token is revoked or the secret still has the wrong one; nothing was
/// changed there, so the stack is not left stuck. Then the right one.
#[tokio::test]
async fn to_a_wrong_token_fails_and_can_be_tried_again() {
    for wrong in [text("atmz-mistyped"), text(" "), Secret::Denied] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        world.sandbox.set_token(NEW_TOKEN);
        world.desk.secrets([wrong]);
        let failed = forward(&world, &id, 1, &refreshed(), &properties()).await;
        assert_eq!(failed.status(), "FAILED");
        assert_eq!(failed.id(), id);
        assert!(!failed.reason_without_log().is_empty());

        let rolled_back = back(&world, &id, 2, &properties(), &refreshed()).await;
        assert_kept(&world, &id, &rolled_back);
        let attributes = &rolled_back.answer()["Data"];
        let record = world.sandbox.apps()[0].id.clone();
        assert_eq!(attributes["IntegrationId"], record);
        assert_eq!(attributes["IntegrationName"], NAME);
        assert_eq!(attributes["Status"], "not reported");
        assert_eq!(attributes["ConnectedApps"], "not reported");

        world.desk.secrets([text(NEW_TOKEN)]);
        let again = forward(&world, &id, 3, &refreshed(), &properties()).await;
        assert_kept(&world, &id, &again);
        assert_eq!(again.answer()["Data"]["Status"], "enabled");
        world.end().await;
    }
}

/// Where the update did change something there, a way back that cannot be gone is told.
#[tokio::test]
async fn back_fails_where_something_is_to_be_written_and_cannot() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let renamed = with("IntegrationName", "Renamed");
    let changed = forward(&world, &id, 1, &renamed, &properties()).await;
    assert_kept(&world, &id, &changed);
    world.sandbox.set_token(NEW_TOKEN);
    let failed = back(&world, &id, 2, &properties(), &renamed).await;
    assert_eq!(failed.status(), "FAILED");
    let expected = "does not accept the API token";
    assert!(failed.reason().contains(expected), "{}", failed.reason());
    world.end().await;
}

/// Nor does a request of old times end well that nobody waits for.
#[tokio::test]
async fn back_is_still_refused_at_a_stack_at_rest() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let at_rest = "UPDATE_ROLLBACK_COMPLETE";
    world.desk.stacks([Stack::is(at_rest, at_rest, &id)]);
    let outcome = update(&world, &id, 1, &properties(), &refreshed()).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

#[tokio::test]
async fn to_another_external_id_amends_the_record() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let changed = with("ExternalId", "external-id-that-the-vendor-issued-anew");
    let outcome = forward(&world, &id, 1, &changed, &properties()).await;
    assert_kept(&world, &id, &outcome);
    let config = world.sandbox.apps()[0].config.clone().unwrap();
    assert_eq!(config["externalId"], changed["ExternalId"]);
    world.end().await;
}

/// The API moved with all that it has: what is found under its id, with this stack's
/// mark, is kept, by the parameter or by the secret.
#[tokio::test]
async fn to_another_host_of_the_api_keeps_what_is_found_there() {
    let address = format!("https://{NEW_HOST}");
    let in_the_secret = json!({"token": TOKEN, "url": address}).to_string();
    for (secret, wanted) in [
        (TOKEN.to_owned(), with("ApiUrl", address)),
        (in_the_secret, refreshed()),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let host = HostPattern::Exact(NEW_HOST.to_owned());
        world.internet.lead(host, world.sandbox.address());
        world.desk.secrets([text(&secret)]);
        let moved = forward(&world, &id, 1, &wanted, &properties()).await;
        assert_kept(&world, &id, &moved);

        world.desk.stacks([Stack::deleting(&id)]);
        let deleted = world.send(&world.delete_event(&id, wanted)).await;
        assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
        assert!(world.sandbox.apps().is_empty());
        world.end().await;
    }
}

/// Another tenant does not have the record. It is not registered there as well, and the
/// way back is open.
#[tokio::test]
async fn to_another_tenant_is_refused() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let options = SandboxOptions {
        token: TOKEN.to_owned(),
        ..SandboxOptions::default()
    };
    let tenant = Sandbox::start(options).await.unwrap();
    let host = HostPattern::Exact(NEW_HOST.to_owned());
    world.internet.lead(host, tenant.address());
    let wanted = with("ApiUrl", format!("https://{NEW_HOST}"));
    let refused = forward(&world, &id, 1, &wanted, &properties()).await;
    assert_eq!(refused.status(), "FAILED");
    for words in [NEW_HOST, "which does not have it"] {
        assert!(refused.reason().contains(words), "{}", refused.reason());
    }
    assert!(tenant.apps().is_empty());
    let rolled_back = back(&world, &id, 2, &properties(), &wanted).await;
    assert_kept(&world, &id, &rolled_back);
    world.end().await;
}

/// `Refresh` mends what somebody changed at the vendor.
#[tokio::test]
async fn back_to_what_it_was_by_a_refresh() {
    type Change = fn(&Sandbox);
    let changes: [Change; 2] = [
        |vendor| vendor.rename_all("Renamed by hand"),
        Sandbox::disable_all,
    ];
    for change in changes {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let before = world.sandbox.apps();
        change(&world.sandbox);
        assert_ne!(world.sandbox.apps(), before);
        let outcome = forward(&world, &id, 1, &refreshed(), &properties()).await;
        assert_kept(&world, &id, &outcome);
        let after = world.sandbox.apps();
        assert_eq!(after[0].integration_name, NAME);
        assert_eq!(after[0].status, "enabled");
        assert_eq!(after[0].config, before[0].config);
        world.end().await;
    }
}

/// What was deleted there is registered again, and the answer has another id, by which
/// CloudFormation knows it for another one.
#[tokio::test]
async fn by_a_refresh_registers_again_what_was_deleted() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    let outcome = forward(&world, &id, 1, &refreshed(), &properties()).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_ne!(outcome.id(), id);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// What was changed at the role a validation finds, and the reason says where to look.
#[tokio::test]
async fn by_a_refresh_finds_a_role_that_was_changed() {
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    role.set(Waver::FailAlways);
    let outcome = forward(&world, &id, 1, &refreshed(), &properties()).await;
    assert_eq!(outcome.status(), "FAILED");
    for words in ["could not validate the role", "trust policy", "drift"] {
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
    }
    world.end().await;
}

/// A vendor that is down while an update that changed nothing is rolled back.
#[tokio::test]
async fn back_needs_no_vendor_where_nothing_was_changed() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.script(Fault::status(503).times(100));
    let outcome = back(&world, &id, 1, &properties(), &refreshed()).await;
    assert_kept(&world, &id, &outcome);
    world.end().await;
}
