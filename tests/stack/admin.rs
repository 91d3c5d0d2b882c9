//! The admin function of a hub, by the lines that the documentation gives.

use rehearsal::engine::{Account, InvokeError, StackInstance};
use rehearsal::rehearse::world::World;
use serde_json::{Value, json};

use crate::permission::without;
use crate::stage::{
    self, Watched, assert_created, create_from, create_in, hasty_template, read, spec, world,
};

const ORGANIZATION: &str = "o-a1b2c3d4e5";

const STACK_SET: &str = "Authomize";

const CALL_AS: &str = "DELEGATED_ADMIN";

const FUNCTION: &str = "Authomize-Trust-Role-admin";

/// The log group of the admin function.
const LOG_GROUP: &str = "/aws/lambda/Authomize-Trust-Role-admin";

const HUB: [(&str, &str); 3] = [
    ("OrganizationId", ORGANIZATION),
    ("StackSetName", STACK_SET),
    ("StackSetCallAs", CALL_AS),
];

/// A world with a hub of this template that knows its StackSet, so many accounts of its
/// organization, and the ARN that it gives out.
async fn hub_of(template: &Value, members: usize) -> (Watched, Vec<Account>, String) {
    let world = world().await;
    let accounts: Vec<Account> = (0..members).map(|_| world.engine.fresh_account()).collect();
    let all = accounts.iter().chain([&world.account]);
    world.engine.organize(ORGANIZATION, all).unwrap();
    let created = create_from(&world, template, &HUB).await;
    assert_created(&created);
    assert_eq!(created.outputs["AdminFunctionName"], FUNCTION);
    let arn = created.outputs["RegistrarFunctionArn"].clone();
    list(&world, &[]);
    (world, accounts, arn)
}

/// From now on these are the instances of the StackSet.
fn list(world: &World, instances: &[StackInstance]) {
    let engine = &world.engine;
    let listed = engine.list_as_stack_set(STACK_SET, &world.account, CALL_AS, instances);
    listed.unwrap();
}

/// Deploys a member into each of these accounts, as the StackSet does, and lists them.
async fn deploy(world: &World, hub: &str, accounts: &[Account]) -> Vec<StackInstance> {
    let of_a_member = [("AuthomizeApiToken", ""), ("RegistrarFunctionArn", hub)];
    let member = spec(world, read("template.yaml"), &of_a_member);
    let mut instances = Vec::new();
    for account in accounts {
        let created = create_in(account, &member).await;
        assert_created(&created);
        instances.push(StackInstance::current(account, &created.stack_id));
    }
    list(world, &instances);
    instances
}

async fn act(world: &World, action: Value) -> Value {
    let answer = world.engine.ask(&world.account, FUNCTION, &action).await;
    answer.unwrap()
}

/// The payloads of `aws lambda invoke` in the documentation, as they stand there.
fn documented() -> Vec<Value> {
    let page = read("docs/organization.md");
    let payloads = page.split("--payload '").skip(1);
    payloads
        .map(|rest| serde_json::from_str(rest.split('\'').next().unwrap()).unwrap())
        .collect()
}

/// Before a rollout, after it, when an account is gone without a word, and when what it
/// left is removed.
#[tokio::test]
async fn finds_an_account_that_left_and_removes_its_record() {
    let (world, accounts, hub) = hub_of(&hasty_template(), 3).await;
    let documented = documented();
    assert_eq!(documented.len(), 2, "{documented:?}");
    let checked = act(&world, documented[0].clone()).await;
    assert_eq!(checked["ok"], true, "{}", checked["table"]);
    assert!(checked["maxConcurrentCount"].as_u64().unwrap() > 0);
    let instances = deploy(&world, &hub, &accounts).await;
    let reconcile = json!({"action": "reconcile"});
    let fine = act(&world, reconcile.clone()).await;
    assert_eq!(fine["ok"], true, "{}", fine["table"]);
    assert_eq!(fine["registered"], 3);
    list(&world, &instances[1..]);
    let found = act(&world, reconcile.clone()).await;
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{}", found["table"]);
    assert_eq!(findings[0]["kind"], "recordWithoutAccount");
    assert_eq!(findings[0]["account"], accounts[0].id().as_str());
    assert_eq!(world.sandbox.apps().len(), 4, "it removes nothing");
    let mut remove = documented[1].clone();
    remove["ids"] = json!([findings[0]["record"]]);
    let removed = act(&world, remove).await;
    assert_eq!(removed["ok"], true, "{}", removed["table"]);
    assert_eq!(world.sandbox.apps().len(), 3);
    let after = act(&world, reconcile).await;
    assert_eq!(after["ok"], true, "{}", after["table"]);
    assert_eq!(after["registered"], 2);
    let log = world.account.log_lines_of(LOG_GROUP, 5).await.unwrap();
    let metrics = log
        .iter()
        .filter(|line| line.starts_with("{\"") && line.contains("_aws"));
    assert_eq!(metrics.count(), 5, "{log:#?}");
}

/// A record that is named while its account is in the StackSet stays.
#[tokio::test]
async fn leaves_the_record_of_a_member_alone() {
    let (world, accounts, hub) = hub_of(&hasty_template(), 1).await;
    deploy(&world, &hub, &accounts).await;
    let ids: Vec<String> = world.sandbox.apps().into_iter().map(|app| app.id).collect();
    let report = act(&world, json!({"action": "remove", "ids": ids})).await;
    let records = report["records"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["outcome"], "leftAlone", "{}", report["table"]);
    }
    assert_eq!(world.sandbox.apps().len(), 2);
}

/// A member's stack that names the admin function is denied by Lambda, and so is a member
/// that invokes it by hand; what CloudFormation sent to it all the same it refuses.
#[tokio::test]
async fn serves_no_member() {
    let (world, accounts, arn) = hub_of(&hasty_template(), 1).await;
    let (before, admin) = (world.sandbox.apps(), arn.replace("-registrar", "-admin"));
    let of_a_member = [("AuthomizeApiToken", ""), ("RegistrarFunctionArn", &admin)];
    let member = spec(&world, read("template.yaml"), &of_a_member);
    let outcome = create_in(&accounts[0], &member).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let first = outcome.first_failure().unwrap();
    let why = "is not authorized to perform: lambda:InvokeFunction";
    assert!(first.reason.contains(why), "{first:?}");
    let request = &world.engine.requests()[0];
    for event in [&json!({"action": "check"}), request] {
        let invoked = world.engine.ask(&accounts[0], &admin, event).await;
        assert!(is_denied(&invoked), "{invoked:?}");
    }
    let refused = act(&world, request.clone()).await;
    let why = refused["errorMessage"].as_str().unwrap();
    assert!(why.starts_with("This is a request to a custom resource"));
    assert_eq!(world.sandbox.apps(), before);
}

/// A member may invoke the registrar with anything, and an action is nothing to it.
#[tokio::test]
async fn is_not_behind_the_function_that_members_invoke() {
    let (world, accounts, arn) = hub_of(&hasty_template(), 1).await;
    let before = world.sandbox.apps();
    let ids: Vec<&str> = before.iter().map(|app| app.id.as_str()).collect();
    for action in [
        json!({"action": "remove", "ids": ids}),
        json!({"action": "reconcile"}),
        json!({"action": "check"}),
    ] {
        let invoked = world.engine.ask(&accounts[0], &arn, &action).await;
        assert_eq!(invoked.unwrap(), Value::Null);
        let foreign = world.engine.fresh_account();
        let invoked = world.engine.ask(&foreign, &arn, &action).await;
        assert!(is_denied(&invoked), "{invoked:?}");
    }
    assert_eq!(world.sandbox.apps(), before);
    let log = world.account.log_lines_of(stage::LOG_GROUP, 4).await;
    let told = "the event cannot be answered, and nothing was done";
    let refused = log.unwrap().into_iter().filter(|line| line.contains(told));
    assert_eq!(refused.count(), 3);
}

fn is_denied(invoked: &Result<Value, InvokeError>) -> bool {
    matches!(invoked, Err(InvokeError::Refused(status)) if status.as_u16() == 403)
}

/// Every day it runs by itself, as long as the parameter says so.
#[tokio::test]
async fn runs_every_day_by_parameter() {
    let world = world().await;
    for (mode, rules) in [("HubDaily", 1), ("HubOnDemand", 0)] {
        let account = world.engine.fresh_account();
        let parameters = [&HUB[..], &[("AdminMode", mode)]].concat();
        let hub = spec(&world, read("template.yaml"), &parameters);
        assert_created(&create_in(&account, &hub).await);
        let left = account.left_resources(&hub.name).await.unwrap();
        let schedules = left.iter().filter(|left| left.logical_id == "DailyAdmin");
        assert_eq!(schedules.count(), rules, "{mode}");
    }
}

#[tokio::test]
async fn needs_a_role_that_lambda_can_assume() {
    let world = world().await;
    let template = without("AdminRole.Trust", "sts:AssumeRole");
    let outcome = create_from(&world, &template, &HUB).await;
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let first = outcome.first_failure().unwrap();
    assert_eq!(first.logical_id, "AdminFunction");
    assert!(
        first.reason.contains("cannot be assumed by Lambda"),
        "{first:?}"
    );
}

#[tokio::test]
async fn needs_to_read_the_token() {
    let template = without("AdminRole.ReadToken", "secretsmanager:GetSecretValue");
    let (world, ..) = hub_of(&template, 0).await;
    let checked = act(&world, json!({"action": "check"})).await;
    assert_eq!(checked["ok"], false);
    let table = checked["table"].as_str().unwrap();
    assert!(
        table.contains("cannot be read: access is denied"),
        "{table}"
    );
    let compared = act(&world, json!({"action": "reconcile"})).await;
    let why = compared["errorMessage"].as_str().unwrap();
    assert!(why.contains("access is denied"), "{why}");
}

#[tokio::test]
async fn needs_to_list_the_instances() {
    let template = without(
        "AdminRole.ListInstances",
        "cloudformation:ListStackInstances",
    );
    let (world, ..) = hub_of(&template, 0).await;
    let compared = act(&world, json!({"action": "reconcile"})).await;
    let why = compared["errorMessage"].as_str().unwrap();
    assert!(why.contains("cannot be listed: access is denied"), "{why}");
    let own = world.sandbox.apps().remove(0).id;
    let remove = json!({"action": "remove", "ids": [own]});
    let removed = act(&world, remove).await;
    assert_eq!(removed["records"][0]["outcome"], "leftAlone");
}
