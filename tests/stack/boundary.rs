//! Both roles under a permissions boundary of the account: the one that the
//! documentation gives, and ones that forbid too much.

use rehearsal::engine::Account;
use serde_json::{Value, json};

use crate::document::template;
use crate::page::boundary;
use crate::permission::permissions;
use crate::stage::{
    assert_created, assert_rolled_back, create, create_in, delete, hasty_template, physical_id,
    reason, spec, update, world,
};

/// The parameter that names the boundary.
const BOUNDED: (&str, &str) = ("PermissionsBoundaryName", "boundaries/vendors");

/// Makes the boundary in an account, and returns its ARN.
async fn make(account: &Account, document: &Value) -> String {
    let document = document.to_string();
    let policy = [
        ("Path", "/boundaries/"),
        ("PolicyName", "vendors"),
        ("PolicyDocument", &document),
    ];
    let made = account.iam().ask("CreatePolicy", &policy).await.unwrap();
    made.text("Arn").unwrap().to_owned()
}

/// The boundary of one of the stack's roles.
async fn boundary_of(account: &Account, role: &str) -> Option<String> {
    let name = physical_id(account, role).await;
    let got = account.iam().ask("GetRole", &[("RoleName", &name)]).await;
    let boundary = got.unwrap();
    boundary.text("PermissionsBoundaryArn").map(str::to_owned)
}

#[tokio::test]
async fn lets_the_stack_be_created_updated_and_deleted() {
    let world = world().await;
    let arn = make(&world.account, &boundary()).await;
    let created = create(&world, &[BOUNDED]).await;
    assert_created(&created);
    for role in ["TrustRole", "RegistrarRole"] {
        let boundary = boundary_of(&world.account, role).await;
        assert_eq!(boundary.as_ref(), Some(&arn), "{role}");
    }
    let updated = update(&world, &[BOUNDED, ("OwnerEmail", "o@example.com")]).await;
    assert_eq!(updated.status, "UPDATE_COMPLETE", "{}", reason(&updated));
    assert_eq!(
        created.outputs["IntegrationId"],
        updated.outputs["IntegrationId"]
    );
    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_COMPLETE", "{}", reason(&deleted));
    assert!(world.sandbox.apps().is_empty());
}

/// A boundary can come and go later.
#[tokio::test]
async fn is_put_on_and_taken_off_by_an_update() {
    let world = world().await;
    let arn = make(&world.account, &boundary()).await;
    assert_created(&create(&world, &[]).await);
    let bounded = update(&world, &[BOUNDED]).await;
    assert_eq!(bounded.status, "UPDATE_COMPLETE", "{}", reason(&bounded));
    let boundary = boundary_of(&world.account, "RegistrarRole").await;
    assert_eq!(boundary, Some(arn));
    let unbounded = update(&world, &[]).await;
    assert_eq!(
        unbounded.status,
        "UPDATE_COMPLETE",
        "{}",
        reason(&unbounded)
    );
    assert_eq!(boundary_of(&world.account, "RegistrarRole").await, None);
}

#[tokio::test]
async fn names_what_it_forbids_too_much() {
    let world = world().await;
    let fails = async |document: Value, why: &[&str]| {
        let account = world.engine.fresh_account();
        make(&account, &document).await;
        let spec = spec(&world, hasty_template().to_string(), &[BOUNDED]);
        let outcome = create_in(&account, &spec).await;
        assert_rolled_back(&account, &outcome, why).await;
    };
    let mut unread = boundary();
    let actions = unread["Statement"][0]["Action"].as_array_mut().unwrap();
    actions.retain(|action| action != "secretsmanager:GetSecretValue");
    let mut blind = boundary();
    blind["Statement"].as_array_mut().unwrap().truncate(1);
    tokio::join!(
        fails(
            unread,
            &[
                "cannot be read: access is denied",
                "secretsmanager:GetSecretValue",
                "permissions boundary",
            ],
        ),
        fails(
            blind,
            &[
                "Authomize could not validate the role",
                "cannot read its own policies",
            ],
        ),
    );
    assert!(world.sandbox.apps().is_empty());
}

#[tokio::test]
async fn has_to_be_a_policy_of_the_account() {
    let world = world().await;
    let outcome = create(&world, &[BOUNDED]).await;
    assert_rolled_back(&world.account, &outcome, &[]).await;
    let first = outcome.first_failure().unwrap();
    assert!(first.reason.contains("does not exist"), "{first:?}");
    assert!(world.sandbox.requests().is_empty());
}

/// The boundary of the documentation lets the functions do what their roles allow,
/// and the trust role, by its default name, what its policies allow.
#[test]
fn allows_the_functions_what_their_roles_do_and_no_more() {
    let boundary = boundary();
    let mut needed: Vec<String> = permissions()
        .into_iter()
        .filter(|permission| !permission.place.starts_with("TrustRole."))
        .filter(|permission| !permission.place.ends_with(".Trust"))
        .filter(|permission| !permission.place.ends_with(".LeaveVpcToLambda"))
        .map(|permission| permission.name)
        .filter(|name| !name.starts_with("kms:EncryptionContext:"))
        .collect();
    needed.sort_unstable();
    needed.dedup();
    let mut allowed: Vec<String> =
        serde_json::from_value(boundary["Statement"][0]["Action"].clone()).unwrap();
    allowed.sort_unstable();
    assert_eq!(allowed, needed);
    assert_eq!(boundary["Statement"].as_array().unwrap().len(), 2);
    let name = &template()["Parameters"]["TrustRoleName"]["Default"];
    let name = name.as_str().unwrap();
    assert_eq!(
        boundary["Statement"][1]["Condition"],
        json!({"ArnLike": {"aws:PrincipalArn": format!("arn:*:iam::*:role/{name}")}})
    );
}
