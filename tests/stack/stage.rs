//! What every test plays on: a world, and stacks of the template in it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use rehearsal::engine::{Account, StackOutcome, StackSpec};
use rehearsal::rehearse::world::{STACK, World, WorldOptions};
use serde_json::{Value, json};

use crate::document;

/// The function's name, which follows from the stack's.
pub(crate) const FUNCTION: &str = "Authomize-Trust-Role-registrar";

/// The log group of the function.
pub(crate) const LOG_GROUP: &str = "/aws/lambda/Authomize-Trust-Role-registrar";

pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bootstrap"))
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The template, with a function that gives up sooner: all its waits are
/// fractions of its timeout.
pub(crate) fn hasty_template() -> Value {
    let mut template = document::template();
    template["Resources"]["RegistrarFunction"]["Properties"]["Timeout"] = json!(24);
    template
}

/// A world with the function's code where the template looks for it.
pub(crate) async fn world() -> Watched {
    let world = world_without_code().await;
    world.publish(&binary()).await.unwrap();
    world
}

/// A world in which nothing is published.
pub(crate) async fn world_without_code() -> Watched {
    let options = WorldOptions::default().traced();
    Watched(World::start_with(options).await.unwrap())
}

/// A world that is looked through for secrets at its end.
pub(crate) struct Watched(World);

impl Deref for Watched {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A test that failed has something else to tell.
        if !std::thread::panicking() {
            assert_eq!(self.leaks(), Vec::<String>::new());
        }
    }
}

/// A stack with its default parameters, but for these. An empty value leaves
/// the parameter out.
pub(crate) fn spec(world: &World, template: String, parameters: &[(&str, &str)]) -> StackSpec {
    let mut all = vec![
        ("ExternalID", world.external_id()),
        ("AuthomizeApiToken", world.token()),
    ];
    for (name, value) in parameters {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    all.retain(|(_, value)| !value.is_empty());
    StackSpec {
        name: STACK.to_owned(),
        template,
        parameters: all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        disable_rollback: false,
    }
}

fn as_it_is(world: &World, parameters: &[(&str, &str)]) -> StackSpec {
    spec(world, read("template.yaml"), parameters)
}

pub(crate) async fn create(world: &World, parameters: &[(&str, &str)]) -> StackOutcome {
    create_in(&world.account, &as_it_is(world, parameters)).await
}

/// Creates a stack of another template than the one in the repository.
pub(crate) async fn create_from(
    world: &World,
    template: &Value,
    parameters: &[(&str, &str)],
) -> StackOutcome {
    create_in(
        &world.account,
        &spec(world, template.to_string(), parameters),
    )
    .await
}

/// Creates a stack in another account than the world's own.
pub(crate) async fn create_in(account: &Account, spec: &StackSpec) -> StackOutcome {
    let operation = account.create_stack(spec).await;
    operation.unwrap().finish().await.unwrap()
}

pub(crate) async fn update(world: &World, parameters: &[(&str, &str)]) -> StackOutcome {
    let spec = as_it_is(world, parameters);
    let operation = world.account.update_stack(&spec).await;
    operation.unwrap().finish().await.unwrap()
}

pub(crate) async fn delete(world: &World) -> StackOutcome {
    let operation = world.account.delete_stack(STACK).await;
    operation.unwrap().finish().await.unwrap()
}

/// Asserts that a stack was created, or says why it was not.
pub(crate) fn assert_created(outcome: &StackOutcome) {
    assert_eq!(
        outcome.status,
        "CREATE_COMPLETE",
        "{:?}",
        outcome.first_failure()
    );
}

/// Why the custom resource failed, as the admin reads it in the console.
pub(crate) fn reason(outcome: &StackOutcome) -> &str {
    let failed = outcome.events.iter().find(|event| {
        event.logical_id == "AuthomizeIntegration" && event.status.ends_with("_FAILED")
    });
    failed.map_or("", |event| &event.reason)
}

/// Asserts that a stack was rolled back, that the admin is told `why`, and that
/// nothing of it is left in the account.
pub(crate) async fn assert_rolled_back(account: &Account, outcome: &StackOutcome, why: &[&str]) {
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    for words in why {
        assert!(reason(outcome).contains(words), "{}", reason(outcome));
    }
    let left = account.left_resources(&outcome.stack_id).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// The physical id of one of a stack's resources.
pub(crate) async fn physical_id(account: &Account, logical_id: &str) -> String {
    let resources = account.left_resources(STACK).await.unwrap();
    let resource = resources
        .into_iter()
        .find(|resource| resource.logical_id == logical_id);
    resource.unwrap().physical_id
}
