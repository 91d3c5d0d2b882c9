//! Somebody else at the same tenant, by hand.

use std::time::Duration;

use rehearsal::sandbox::ApiRequest;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::ledger::Owner;
use crate::schedule::Act;
use crate::world::{By, TOKEN, World};

/// Does what the history has in store.
pub async fn act(world: World) {
    let mut acts = world.lock().history.stranger.clone();
    acts.sort_by_key(|act| act.at);
    let mut now = 0;
    for act in acts {
        sleep(Duration::from_secs((act.at - now).into())).await;
        now = act.at;
        let Some((method, path, body)) = request(&world, act.act) else {
            continue;
        };
        let name = format!("{:?}", act.act);
        let name = name.split('(').next().unwrap_or_default().to_owned();
        world.lock().coverage.branch("stranger", name);
        let request = ApiRequest {
            method: method.to_owned(),
            path,
            authorization: Some(TOKEN.to_owned()),
            body,
            ..ApiRequest::default()
        };
        let response = world.ask_the_vendor(By::Stranger, &request);
        if response.status < 300 {
            world.lock().was_meddled_with(act.act, &request.path);
        }
    }
}

type Request = (&'static str, String, Option<Value>);

fn request(world: &World, act: Act) -> Option<Request> {
    let state = world.lock();
    let path = |id: &str| format!("/v2/apps/{id}");
    match act {
        Act::Makes(name) => {
            let body = json!({"integrationName": name});
            Some(("POST", "/v2/apps".to_owned(), Some(body)))
        }
        Act::Renames(name) => {
            let id = state.ledger.strangers().last()?.0.clone();
            Some(("PATCH", path(&id), Some(json!({"name": name}))))
        }
        Act::Deletes => {
            let id = state.ledger.strangers().next()?.0.clone();
            Some(("DELETE", path(&id), None))
        }
        Act::DeletesOurs(stack) => {
            let id = state.ledger.of(stack).next()?.0.clone();
            // See docs/reliability.md: without markers a record that was registered
            // again cannot be told from the one that it replaced.
            if state.history.vendor.published_only {
                return None;
            }
            Some(("DELETE", path(&id), None))
        }
        Act::TakesOurs(stack) => {
            let id = state.ledger.of(stack).next()?.0.clone();
            if state.history.vendor.published_only {
                return None;
            }
            let app = state.apps().into_iter().find(|app| app.id == id)?;
            let mut config = app.config?;
            config["source"]["stackId"] =
                json!("arn:aws:cloudformation:us-east-1:123456789012:stack/other/61af3dc0-da77");
            Some(("PATCH", path(&id), Some(json!({"config": config}))))
        }
    }
}

impl crate::world::State {
    /// A stranger laid hands on a stack's record, if that was his act.
    fn was_meddled_with(&mut self, act: Act, path: &str) {
        let (Act::DeletesOurs(stack) | Act::TakesOurs(stack)) = act else {
            return;
        };
        let now = self.now();
        self.stacks[stack].meddled_at = Some(now);
        self.stacks[stack].was_meddled = true;
        let id = path.rsplit('/').next().unwrap_or_default();
        if let (Act::TakesOurs(_), Some(entry)) = (act, self.ledger.get_mut(id)) {
            entry.taken_at = Some(now);
            entry.owner = Owner::Stranger;
            entry.meddled = true;
        }
    }
}
