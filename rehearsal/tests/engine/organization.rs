//! A function that serves stacks of other accounts, as far as its policy lets them in.

use rehearsal::engine::{Account, StackOutcome, StackSpec};
use serde_json::{Value, json};

use crate::stage::{STACK, Stage};

const ORGANIZATION: &str = "o-a1b2c3d4e5";

async fn create(account: &Account, template: &Value) -> StackOutcome {
    let spec = StackSpec {
        name: STACK.to_owned(),
        template: template.to_string(),
        ..StackSpec::default()
    };
    let created = account.create_stack(&spec).await.unwrap();
    created.finish().await.unwrap()
}

/// Lambda lets in whom the condition of the permission names, by the organization that
/// the account is in at that moment, and denies all others in its own words.
#[tokio::test]
async fn lets_its_accounts_use_a_function_of_another_one() {
    let stage = Stage::set().await;
    let spec = stage.spec(&json!({"Id": "own"}));
    let mut template: Value = serde_json::from_str(&spec.template).unwrap();
    let mut of_a_member = template.clone();
    template["Resources"]["Permission"] = json!({
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "PrincipalOrgID": ORGANIZATION,
        },
    });
    let hub = create(&stage.account, &template).await;
    assert_eq!(hub.status, "CREATE_COMPLETE", "{:?}", hub.first_failure());
    let resources = of_a_member["Resources"].as_object_mut().unwrap();
    resources.retain(|name, _| name == "Thing");
    resources["Thing"]["Properties"]["Id"] = json!("member's");
    let owner = stage.account.id();
    let arn = format!("arn:aws:lambda:us-east-1:{owner}:function:stage-function");
    resources["Thing"]["Properties"]["ServiceToken"] = json!(arn);

    let account = stage.engine.fresh_account();
    let denied = create(&account, &of_a_member).await;
    assert_eq!(denied.status, "ROLLBACK_COMPLETE");
    let reason = &denied.first_failure().unwrap().reason;
    let why = "no resource-based policy allows the lambda:InvokeFunction action";
    assert!(reason.contains(why), "{reason}");
    assert_eq!(stage.answered(), [("Create".into(), "own".into())]);

    let member = stage.engine.fresh_account();
    stage.engine.organize(ORGANIZATION, [&member]).unwrap();
    let created = create(&member, &of_a_member).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
    assert_eq!(
        stage.answered()[1..],
        [("Create".into(), "member's".into())]
    );
    let request = stage.engine.requests().pop().unwrap();
    assert_eq!(request["StackId"], created.stack_id);
    // Its log is in the account that owns it.
    let lines = stage.account.log_lines_of("/stage", 2).await.unwrap();
    assert!(
        lines.iter().any(|line| line.contains(&created.stack_id)),
        "{lines:#?}"
    );

    let another = stage.engine.fresh_account();
    stage.engine.organize("o-f6e5d4c3b2", [&another]).unwrap();
    let denied = create(&another, &of_a_member).await;
    assert_eq!(denied.status, "ROLLBACK_COMPLETE");
    assert_eq!(stage.answered().len(), 2);
}
