//! The admin function: it looks, compares, and removes what an admin names and it has
//! looked at again.

use std::sync::Arc;

use rehearsal::aws_desk::{Secret, StackInstance, StackSet};
use rehearsal::function::{Function, Invoked};
use rehearsal::registrar::{MANAGEMENT_ACCOUNT, STACK_SET, admin_environment, member_stack};
use rehearsal::sandbox::{ContractLevel, Fault, Waver, Wavering};
use serde_json::{Value, json};

use crate::organization::{ACCOUNT, ANOTHER, event, event_of, hub, join};
use crate::world::{REGION, Setting, TIMEOUT, World, properties, with};

/// An account that left without a word.
const LEFT: &str = "333333333333";

/// The admin function of the world's hub, beside the hub itself.
async fn admin(world: &World) -> Function {
    let registrar = [
        "MEMBER_API_URL",
        "MEMBER_EXTERNAL_ID",
        "MEMBER_TRUST_ROLE",
        "MEMBER_REGIONS",
        "MEMBER_OWNER_EMAIL",
    ];
    let without = registrar.map(|name| (name, String::new()));
    world
        .beside(&[&without[..], &admin_environment()].concat())
        .await
}

async fn invoke(function: &Function, action: Value) -> Invoked {
    function.invoke(action.to_string(), TIMEOUT).await
}

/// What an action returned.
async fn answer(function: &Function, action: Value) -> Value {
    match invoke(function, action).await {
        Invoked::Returned(answer) => answer,
        other => panic!("the action fails: {other:?}"),
    }
}

/// Why an action failed.
async fn refusal(function: &Function, action: Value) -> String {
    match invoke(function, action).await {
        Invoked::Failed(error) => error["errorMessage"].as_str().unwrap().to_owned(),
        other => panic!("the action does not fail: {other:?}"),
    }
}

fn instance(account: &str) -> StackInstance {
    StackInstance::current(account, REGION, member_stack(account))
}

/// A hub with two members, an account that left, and the management account; its admin
/// function, and the record of the account that left.
async fn organization() -> (World, Function, String) {
    let world = hub(Setting::default()).await;
    for account in [ACCOUNT, ANOTHER, MANAGEMENT_ACCOUNT] {
        join(&world, account).await;
    }
    let left = join(&world, LEFT).await;
    let record = left.split('/').nth(1).unwrap().to_owned();
    let instances = [ACCOUNT, ANOTHER].map(instance);
    world.desk.stack_sets([StackSet::Of(instances.into())]);
    world.sandbox.clear_requests();
    let admin = admin(&world).await;
    (world, admin, record)
}

/// Ends a world with the admin function in it; returns that one's log, in which no secret
/// is.
async fn end(world: World, admin: Function) -> Vec<String> {
    let log = admin.into_log().await;
    for secret in rehearsal::registrar::secrets() {
        let found = secret.found_in("log line", log.iter().map(String::as_str));
        assert_eq!(found, Vec::<String>::new());
    }
    world.end().await;
    log
}

#[tokio::test]
async fn reports_the_record_of_an_account_that_left() {
    let (world, admin, record) = organization().await;
    let before = world.sandbox.apps();
    let report = answer(&admin, json!({"action": "reconcile"})).await;
    assert_eq!(report["ok"], false);
    assert_eq!(report["registered"], 3);
    assert_eq!(report["nextPage"], Value::Null);
    assert_eq!(
        report["findings"],
        json!([{
            "kind": "recordWithoutAccount",
            "account": LEFT,
            "record": record,
            "detail": "the account has no instance of the StackSet",
        }])
    );
    let table = report["table"].as_str().unwrap();
    assert!(table.contains(&format!("record without account  {LEFT}  {record}")));
    assert!(table.ends_with("3 registered, 1 record without account\n"));
    assert_eq!(world.sandbox.apps(), before, "it removes nothing");
    assert_eq!(world.vendor_calls(), ["GET /v2/apps"]);
    let asked = world.desk.stack_set_requests();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains(&format!("StackSetName={STACK_SET}")));
    assert!(asked[0].contains("CallAs=DELEGATED_ADMIN"));
    let log = end(world, admin).await;
    assert!(log.iter().any(|line| line.contains(&record)), "{log:#?}");
    let metrics: Vec<Value> = log
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line.get("_aws").is_some())
        .collect();
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0]["RecordsWithoutAccount"], 1);
    assert_eq!(metrics[0]["RegisteredAccounts"], 3);
}

#[tokio::test]
async fn reports_accounts_that_are_not_registered_and_outdated_instances() {
    let (world, admin, _) = organization().await;
    let failed = StackInstance {
        status: "OUTDATED",
        detail: "FAILED",
        reason: "Authomize asks for fewer requests (429)",
        ..instance("444444444440")
    };
    let outdated = StackInstance {
        status: "OUTDATED",
        detail: "PENDING",
        ..instance(ACCOUNT)
    };
    // Two pages.
    let instances = vec![outdated, instance(ANOTHER), instance(LEFT), failed];
    world.desk.stack_sets([StackSet::Of(instances)]);
    let report = answer(&admin, json!({"action": "reconcile"})).await;
    let findings = report["findings"].as_array().unwrap();
    let kinds: Vec<(&str, &str)> = findings
        .iter()
        .map(|f| (f["kind"].as_str().unwrap(), f["account"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("accountWithoutRecord", "444444444440"),
            ("outdatedInstance", ACCOUNT),
        ]
    );
    let detail = findings[0]["detail"].as_str().unwrap();
    assert!(detail.contains("asks for fewer requests (429)"), "{detail}");
    assert_eq!(world.desk.stack_set_requests().len(), 2);
    end(world, admin).await;
}

#[tokio::test]
async fn reports_what_the_vendor_calls_failed() {
    let role = Arc::new(Wavering::default());
    let world = hub(Setting {
        validator: role.clone(),
        ..Setting::default()
    })
    .await;
    let id = join(&world, ACCOUNT).await;
    role.set(Waver::FailAlways);
    let mut update = event_of(&world, "Update", "update-1", ACCOUNT, &id);
    update["ResourceProperties"]["Refresh"] = json!("1");
    assert_eq!(world.send(&update).await.status(), "FAILED");
    world.sandbox.insert_stranger("somebody else's");
    let admin = admin(&world).await;
    world
        .desk
        .stack_sets([StackSet::Of(vec![instance(ACCOUNT)])]);
    let report = answer(&admin, json!({"action": "reconcile"})).await;
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report}");
    assert_eq!(findings[0]["kind"], "recordNotEnabled");
    let detail = findings[0]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("failure: the role cannot be"),
        "{detail}"
    );
    end(world, admin).await;
}

/// A tenant that is too large for one run is read on where the last answer says.
#[tokio::test]
async fn goes_on_with_the_next_page() {
    let world = hub(Setting {
        page_limit: 2,
        ..Setting::default()
    })
    .await;
    for account in [ACCOUNT, ANOTHER, LEFT] {
        join(&world, account).await;
    }
    let instances = [ACCOUNT, ANOTHER].map(instance);
    world.desk.stack_sets([StackSet::Of(instances.into())]);
    let admin = admin(&world).await;
    let first = answer(&admin, json!({"action": "reconcile", "pages": 1})).await;
    assert_eq!(
        (&first["ok"], &first["findings"]),
        (&json!(false), &json!([]))
    );
    let next = &first["nextPage"];
    assert_eq!(next, &json!(format!("2.{ACCOUNT}{ANOTHER}")));
    let second = answer(&admin, json!({"action": "reconcile", "page": next})).await;
    assert_eq!(second["nextPage"], Value::Null);
    assert_eq!(second["registered"], 2);
    assert_eq!(second["findings"].as_array().unwrap().len(), 1);
    let whole = answer(&admin, json!({"action": "reconcile"})).await;
    assert_eq!(whole["findings"], second["findings"]);
    let log = end(world, admin).await;
    let unfinished = log
        .iter()
        .filter(|line| line.contains("\"ReconciliationsUnfinished\":1"));
    assert_eq!(unfinished.count(), 1);
}

/// The record of the account that left goes, and nothing that is named beside it.
#[tokio::test]
async fn removes_what_is_left_over_and_nothing_else() {
    let (world, admin, record) = organization().await;
    world.created(with("IntegrationName", "The hub")).await;
    let stranger = world.sandbox.insert_stranger("somebody else's");
    let id_of = |name: &str| {
        let apps = world.sandbox.apps().into_iter();
        let mut apps = apps.filter(|app| app.integration_name == name);
        apps.next().unwrap().id
    };
    let (member, own) = (id_of(&format!("AWS {ACCOUNT}")), id_of("The hub"));
    let management = id_of(&format!("AWS {MANAGEMENT_ACCOUNT}"));
    let ids = json!([record, member, own, management, stranger, "app_none"]);
    let report = answer(&admin, json!({"action": "remove", "ids": ids})).await;
    let outcomes: Vec<(&str, &str)> = report["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                r["outcome"].as_str().unwrap(),
                r["detail"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("removed", ""),
            (
                "leftAlone",
                "its account still has an instance in us-east-1 (CURRENT, SUCCEEDED)"
            ),
            ("leftAlone", "this hub did not register it"),
            (
                "leftAlone",
                "it is the management account's, which is in no StackSet"
            ),
            ("leftAlone", "no stack made it"),
            ("gone", ""),
        ]
    );
    assert_eq!(report["ok"], false);
    let names: Vec<String> = world
        .sandbox
        .apps()
        .into_iter()
        .map(|app| app.integration_name)
        .collect();
    assert_eq!(names.len(), 5);
    assert!(!names.contains(&format!("AWS {LEFT}")));
    let again = answer(&admin, json!({"action": "remove", "ids": [record]})).await;
    assert_eq!(
        (&again["ok"], &again["summary"]),
        (
            &json!(true),
            &json!("0 removed, 1 gone already, 0 left alone, 0 not removed"),
        )
    );
    end(world, admin).await;
}

/// Without a list of instances nobody can tell who has left.
#[tokio::test]
async fn removes_nothing_where_the_stack_set_cannot_be_seen() {
    let (world, admin, record) = organization().await;
    let before = world.sandbox.apps();
    for stack_set in [StackSet::Missing, StackSet::Denied] {
        world.desk.stack_sets([stack_set]);
        let report = answer(&admin, json!({"action": "remove", "ids": [record]})).await;
        assert_eq!(report["records"][0]["outcome"], "failed", "{report}");
        let why = refusal(&admin, json!({"action": "reconcile"})).await;
        assert!(why.contains("asked for as DELEGATED_ADMIN"), "{why}");
        assert!(why.contains("set StackSetCallAs"), "{why}");
    }
    assert_eq!(world.sandbox.apps(), before);
    end(world, admin).await;
}

/// StackSets answers few requests a second.
#[tokio::test]
async fn asks_again_where_it_is_throttled() {
    let (world, admin, _) = organization().await;
    let instances = StackSet::Of([ACCOUNT, ANOTHER].map(instance).into());
    world.desk.stack_sets([StackSet::Throttled, instances]);
    world
        .sandbox
        .script(Fault::status(429).header("retry-after", "1"));
    let report = answer(&admin, json!({"action": "reconcile"})).await;
    assert_eq!(report["registered"], 3);
    end(world, admin).await;
}

#[tokio::test]
async fn finds_all_well_before_a_rollout() {
    let world = hub(Setting {
        rate: Some(10),
        ..Setting::default()
    })
    .await;
    world.desk.stack_sets([StackSet::Of(vec![])]);
    let admin = admin(&world).await;
    let report = answer(&admin, json!({"action": "check"})).await;
    assert_eq!(report["ok"], true, "{report}");
    let subjects: Vec<&str> = report["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        subjects,
        ["secret", "token", "rate", "organization", "stack set"]
    );
    let rate = report["requestsPerSecond"].as_f64().unwrap();
    assert!((5.0..=10.0).contains(&rate), "{rate}");
    let concurrency = report["maxConcurrentCount"].as_u64().unwrap();
    assert!((100..=200).contains(&concurrency), "{concurrency}");
    assert!(
        report["table"]
            .as_str()
            .unwrap()
            .ends_with("0 errors, 0 warnings\n")
    );
    end(world, admin).await;
}

/// Each thing that stands in the way of a rollout is an error with what to do.
#[tokio::test]
async fn finds_what_stands_in_the_way_of_a_rollout() {
    let world = hub(Setting::default()).await;
    let admin = admin(&world).await;
    let found = async |told: &str| {
        let report = answer(&admin, json!({"action": "check"})).await;
        assert_eq!(report["ok"], false, "{report}");
        let table = report["table"].as_str().unwrap();
        let errors: Vec<&str> = table.lines().filter(|l| l.starts_with("error")).collect();
        assert_eq!(errors.len(), 1, "{table}");
        assert!(errors[0].contains(told), "{table}");
    };
    world.desk.stack_sets([StackSet::Missing]);
    found("set StackSetCallAs to DELEGATED_ADMIN").await;
    let elsewhere = StackInstance {
        region: "eu-west-1",
        ..instance(ACCOUNT)
    };
    world.desk.stack_sets([StackSet::Of(vec![elsewhere])]);
    found("a StackSet goes to one region, the hub's").await;
    world.desk.stack_sets([StackSet::Of(vec![])]);
    world.desk.secrets([Secret::Denied]);
    found("Allow this function's role secretsmanager:GetSecretValue").await;
    world
        .desk
        .secrets([Secret::Text("another-token".to_owned())]);
    found("Authomize does not accept the API token (401)").await;
    end(world, admin).await;
}

/// A single stack has the one action that is of use there.
#[tokio::test]
async fn checks_the_token_of_a_single_stack() {
    let world = World::new().await;
    let environment = [
        &admin_environment()[..],
        &[
            ("ORGANIZATION_ID", String::new()),
            ("STACK_SET_NAME", String::new()),
        ],
    ]
    .concat();
    let admin = world.beside(&environment).await;
    let report = answer(&admin, json!({"action": "check"})).await;
    assert_eq!(report["ok"], true);
    assert_eq!(report["verdicts"].as_array().unwrap().len(), 2);
    assert_eq!(world.vendor_calls(), ["GET /me", "GET /v2/apps"]);
    let why = refusal(&admin, json!({"action": "reconcile"})).await;
    assert!(why.starts_with("This stack is no hub"), "{why}");
    end(world, admin).await;
}

/// Whatever CloudFormation sends, or somebody in its place: the admin function does
/// nothing for it.
#[tokio::test]
async fn refuses_every_request_to_a_custom_resource() {
    let (world, admin, _) = organization().await;
    let before = world.sandbox.apps();
    let answers = world.bucket.answers().len();
    let mut dressed_up = event(&world, "Delete", "delete-1", ACCOUNT);
    dressed_up["action"] = json!("check");
    for request in [
        event(&world, "Create", "create-1", ACCOUNT),
        event(&world, "Delete", "delete-1", ACCOUNT),
        world.create_event(properties()),
        dressed_up,
    ] {
        let why = refusal(&admin, request).await;
        assert!(
            why.starts_with("This is a request to a custom resource"),
            "{why}"
        );
    }
    for (noise, told) in [
        (json!([]), "The event cannot be read"),
        (json!({"action": "reap"}), "accepted are `check`"),
        (json!({"action": "remove"}), "`ids` is missing"),
    ] {
        let why = refusal(&admin, noise).await;
        assert!(why.contains(told), "{why}");
    }
    assert_eq!(world.sandbox.apps(), before);
    assert!(world.vendor_calls().is_empty());
    assert_eq!(world.bucket.answers().len(), answers);
    end(world, admin).await;
}

/// And the registrar of the same hub does nothing for an admin's action.
#[tokio::test]
async fn is_another_function_than_the_one_that_members_invoke() {
    let (world, admin, record) = organization().await;
    let before = world.sandbox.apps();
    for action in [
        json!({"action": "remove", "ids": [record]}),
        json!({"action": "reconcile"}),
        json!({"action": "check"}),
    ] {
        let returned = world.send_raw(action.to_string().into_bytes()).await;
        assert_eq!(returned, Invoked::Returned(Value::Null));
    }
    assert_eq!(world.sandbox.apps(), before);
    assert!(world.vendor_calls().is_empty());
    admin.into_log().await;
    let log = world.end().await;
    let told = "the event cannot be answered, and nothing was done";
    assert_eq!(log.iter().filter(|line| line.contains(told)).count(), 3);
}

/// A server without marks cannot say whose a record is.
#[tokio::test]
async fn compares_nothing_where_the_vendor_keeps_no_marks() {
    let world = hub(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    join(&world, ACCOUNT).await;
    world.desk.stack_sets([StackSet::Of(vec![])]);
    let admin = admin(&world).await;
    let why = refusal(&admin, json!({"action": "reconcile"})).await;
    assert!(why.contains("keeps no mark of who made a record"), "{why}");
    let id = world.sandbox.apps().remove(0).id;
    let report = answer(&admin, json!({"action": "remove", "ids": [id]})).await;
    assert_eq!(report["records"][0]["outcome"], "leftAlone");
    assert_eq!(world.sandbox.apps().len(), 1);
    end(world, admin).await;
}
