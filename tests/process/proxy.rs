//! Behind a company's proxy: everything goes through it, and nothing that is not meant to.

use std::collections::BTreeSet;
use std::time::Duration;

use rehearsal::aws_desk::Secret;
use serde_json::json;

use crate::world::{REGION, Setting, TOKEN, World, properties};

/// No time is lost on a host that cannot be reached.
const SHORT: Duration = Duration::from_secs(6);

/// The hosts to which connections were made through the proxy.
fn through_the_proxy(world: &World) -> BTreeSet<String> {
    world.internet.passed().into_iter().collect()
}

/// AWS's clients and ours alike: `docs/review.md` lists the same hosts.
#[tokio::test]
async fn every_connection_goes_through_it() {
    let world = World::new().await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let hosts = [
        "api.authomize.com",
        &world.bucket.host(),
        &format!("cloudformation.{REGION}.amazonaws.com"),
        &format!("secretsmanager.{REGION}.amazonaws.com"),
    ];
    let expected = hosts.map(|host| format!("{host}:443"));
    assert_eq!(through_the_proxy(&world), BTreeSet::from(expected));
    world.end().await;
}

/// A host of `NO_PROXY` is connected to by itself. Here nobody listens there, and the
/// reason tells that, not the proxy's refusal.
#[tokio::test]
async fn what_is_exempt_goes_around_it() {
    for (no_proxy, exempt) in [("", false), ("example.com,127.0.0.1", true)] {
        let secret = json!({"token": TOKEN, "url": "https://127.0.0.1"});
        let world = World::with(Setting {
            secret: Secret::Text(secret.to_string()),
            environment: vec![("NO_PROXY", no_proxy.to_owned())],
            ..Setting::default()
        })
        .await;
        let event = world.create_event(properties());
        let outcome = world.send_within(&event, SHORT).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(
            outcome.reason().contains("127.0.0.1"),
            "{}",
            outcome.reason()
        );
        let asked = world.internet.refused();
        assert_eq!(asked.is_empty(), exempt, "{asked:?}");
        let aws = format!("secretsmanager.{REGION}.amazonaws.com:443");
        assert!(through_the_proxy(&world).contains(&aws));
    }
}

/// The template declares both variables, empty where there is no proxy.
#[tokio::test]
async fn an_empty_exemption_exempts_nothing() {
    let world = World::with(Setting {
        environment: vec![("NO_PROXY", String::new())],
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(through_the_proxy(&world).len(), 4);
    world.end().await;
}
