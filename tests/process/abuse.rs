//! More than anybody sends: what the function reads stays small, and whoever
//! can be answered is answered.

use rehearsal::function::Invoked;
use serde_json::Value;

use crate::world::{World, properties};

/// A Create whose properties are this text.
fn event_with(world: &World, properties_text: &str) -> Vec<u8> {
    let event = world.create_event(Value::from("HERE")).to_string();
    event.replace("\"HERE\"", properties_text).into_bytes()
}

/// Case E1: an event as long or as deep as can be sent is answered, nothing is
/// done for it, and the next one is served.
#[tokio::test]
async fn by_long_and_deep_events_is_answered() {
    let long = format!("[{}0]", "0,".repeat(3_000_000));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, why) in [(long, "longer than"), (deep, "recursion limit")] {
        let world = World::new().await;
        let invoked = world.send_raw(event_with(&world, &text)).await;
        assert_eq!(invoked, Invoked::Returned(Value::Null));
        let answer = world.accepted("create-1").unwrap();
        assert_eq!(answer["Status"], "FAILED");
        assert!(answer["Reason"].as_str().unwrap().contains(why), "{answer}");
        assert!(world.vendor_calls().is_empty());
        let next = world.event("Create", "create-2", properties());
        assert_eq!(world.send(&next).await.status(), "SUCCESS");
        world.end().await;
    }
}
