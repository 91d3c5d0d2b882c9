//! Events that no CloudFormation sent, or that mean more than their sender may: a hub
//! believes none of them. Before and after each the vendor has the same.
//!
//! One world serves all cases, each with a process of its own, so that its log can be
//! read; that the world is the same after a case is what each asserts.

use std::sync::Arc;
use std::time::Duration as Time;

use rehearsal::aws_desk::Stack;
use rehearsal::function::Invoked;
use rehearsal::registrar::{
    MANAGEMENT_ACCOUNT, MEMBER_LOGICAL_ID, hub_environment, member_properties, member_stack,
};
use rehearsal::sandbox::{App, Waver, Wavering};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::organization::{ACCOUNT, ANOTHER, event, event_of, hub, join};
use crate::world::{LOGICAL, STACK, Setting, TIMEOUT, World, properties};

/// An account of the organization without a stack.
const STACKLESS: &str = "333333333333";

/// An account whose single stack was deleted with `OnDelete=Keep`.
const RELEASED: &str = "555555555555";

/// An account under whose name somebody else has an integration.
const TAKEN: &str = "666666666666";

/// One forged event, and what is to come of it.
#[derive(Clone)]
struct Case {
    name: String,
    event: Value,
    /// What a line of the log says.
    says: &'static str,
    /// The methods with which the vendor was written to: whatever was done is undone.
    writes: &'static [&'static str],
    /// What the bucket took, if anything: the answer's status.
    taken: Option<&'static str>,
}

/// Everything that a case forges events from.
struct Scene {
    world: World,
    /// The ids of the hub's own resource, and of the members'.
    own: String,
    member: String,
    another: String,
    /// Of a record that no stack made, as an id.
    unmarked: String,
    /// A creation and a deletion that were answered already.
    answered: Vec<Value>,
}

const NOT_BELIEVED: &str = "the answer was refused, so the request is not believed";
const UNANSWERABLE: &str = "the event cannot be answered, and nothing was done";
const NOT_THIS_REQUEST: &str = "`ResponseURL` is not that of this request";

impl Scene {
    async fn set() -> Self {
        let world = hub(Setting::default()).await;
        let own = world.created(properties()).await;
        let member = join(&world, ACCOUNT).await;
        let another = join(&world, ANOTHER).await;
        join(&world, MANAGEMENT_ACCOUNT).await;
        let stranger = world.sandbox.insert_stranger(&format!("AWS {TAKEN}"));
        let unmarked = another.replace(another.split('/').nth(1).unwrap(), &stranger);
        release(&world).await;
        let mut answered = vec![event(&world, "Create", &format!("join-{ACCOUNT}"), ACCOUNT)];
        let leaver = "777777777777";
        let id = join(&world, leaver).await;
        let leaving = event_of(&world, "Delete", "leave", leaver, &id);
        assert_eq!(world.send(&leaving).await.status(), "SUCCESS");
        answered.push(leaving);
        world
            .desk
            .stacks([Stack::is("CREATE_COMPLETE", "CREATE_COMPLETE", &own)]);
        Self {
            world,
            own,
            member,
            another,
            unmarked,
            answered,
        }
    }

    fn event(&self, kind: &str, account: &str) -> Value {
        let id = match account {
            ACCOUNT => &self.member,
            _ => &self.another,
        };
        match kind {
            "Create" => event(&self.world, kind, "forged", account),
            _ => event_of(&self.world, kind, "forged", account, id),
        }
    }

    /// With a response URL that nobody signed.
    fn unsigned(&self, kind: &str, account: &str) -> Value {
        unsigned(self.event(kind, account))
    }

    /// With a response URL for this stack instead of the account's own.
    fn of_stack(&self, kind: &str, stack: &str) -> Value {
        let mut event = self.event(kind, ACCOUNT);
        event["StackId"] = json!(stack);
        event["ResponseURL"] = json!(
            self.world
                .bucket
                .presign(stack, MEMBER_LOGICAL_ID, "forged")
        );
        event
    }

    /// With this response URL.
    fn answered_at(&self, change: impl Fn(&str) -> String) -> Value {
        let mut event = self.event("Delete", ACCOUNT);
        let url = change(event["ResponseURL"].as_str().unwrap());
        event["ResponseURL"] = json!(url);
        event
    }
}

/// Leaves a record of the account [`RELEASED`] as a single stack leaves it.
async fn release(world: &World) {
    let other = hub_environment_of(&member_stack("888888888888"));
    let other_hub = world.beside(&other).await;
    let creation = event(world, "Create", "kept-1", RELEASED);
    other_hub.invoke(creation.to_string(), TIMEOUT).await;
    let id = world.accepted("kept-1").unwrap()["PhysicalResourceId"].clone();
    let mut deletion = event_of(world, "Delete", "kept-2", RELEASED, id.as_str().unwrap());
    deletion["ResourceProperties"]["OnDelete"] = json!("Keep");
    other_hub.invoke(deletion.to_string(), TIMEOUT).await;
    let kept = world.sandbox.apps().pop().unwrap();
    assert_eq!(kept.source().unwrap()["released"], true);
}

fn hub_environment_of(stack: &str) -> Vec<(&'static str, String)> {
    let other = vec![
        ("STACK_ID", stack.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", "other-registrar".to_owned()),
    ];
    [hub_environment(), other].concat()
}

fn unsigned(mut event: Value) -> Value {
    let url = event["ResponseURL"].as_str().unwrap();
    let (signed, _) = url.rsplit_once('=').unwrap();
    event["ResponseURL"] = json!(format!("{signed}={}", "0".repeat(64)));
    event
}

fn with(mut event: Value, member: &str, value: Value) -> Value {
    event[member] = value;
    event
}

fn case(name: &str, event: Value, says: &'static str) -> Case {
    Case {
        name: name.to_owned(),
        event,
        says,
        writes: &[],
        taken: None,
    }
}

impl Case {
    fn writes(self, writes: &'static [&'static str]) -> Self {
        Self { writes, ..self }
    }

    fn fails(self) -> Self {
        Self {
            taken: Some("FAILED"),
            ..self
        }
    }

    fn succeeds(self) -> Self {
        Self {
            taken: Some("SUCCESS"),
            ..self
        }
    }

    /// Plays the event, and asserts that nothing is different afterwards.
    async fn play(self, world: &World) {
        let name = &self.name;
        let before = all(world);
        world.sandbox.clear_requests();
        let answers = world.bucket.answers().len();
        let function = world.twin().await;
        let invoked = function.invoke(self.event.to_string(), TIMEOUT).await;
        let log = function.into_log().await;
        assert!(!matches!(invoked, Invoked::TimedOut), "{name}");
        assert_eq!(all(world), before, "{name}: Authomize has something else");
        let requests = world.sandbox.requests().into_iter();
        let written: Vec<String> = requests
            .map(|request| request.method)
            .filter(|method| method != "GET")
            .collect();
        assert_eq!(written, self.writes, "{name}: {log:#?}");
        let said = log.iter().any(|line| line.contains(self.says));
        assert!(
            said,
            "{name}: the log does not say `{}`: {log:#?}",
            self.says
        );
        let answers = world.bucket.answers().into_iter().skip(answers);
        let taken: Vec<String> = answers
            .filter(|answer| answer.verdict == rehearsal::answer_bucket::Verdict::Accepted)
            .inspect(|answer| {
                let reason = answer.text("Reason");
                assert!(
                    !reason.contains(":stack/StackSet"),
                    "{name}: it names a stack: {reason}"
                );
            })
            .map(|answer| answer.text("Status").to_owned())
            .collect();
        assert_eq!(taken, Vec::from_iter(self.taken), "{name}: {log:#?}");
    }
}

/// All that the vendor has; when it was changed last does not count.
fn all(world: &World) -> Vec<App> {
    let apps = world.sandbox.apps().into_iter();
    apps.map(|app| App {
        modified_at: OffsetDateTime::UNIX_EPOCH,
        ..app
    })
    .collect()
}

/// Who is invented: accounts, stacks, regions.
fn of_stacks(scene: &Scene) -> Vec<Case> {
    let stack = member_stack(ACCOUNT);
    let invented = stack.replace("7c9e6679", "00000000");
    let unanswered = |stack: &str, kind| unsigned(scene.of_stack(kind, stack));
    let mut invented_creation = unanswered(&invented, "Create");
    invented_creation
        .as_object_mut()
        .unwrap()
        .remove("PhysicalResourceId");
    vec![
        case(
            "a creation for an account without a stack",
            scene.unsigned("Create", STACKLESS),
            "took back what the request made",
        )
        .writes(&["POST", "DELETE"]),
        case(
            "a creation by an invented stack of a member",
            invented_creation,
            "exists already at Authomize, and it is not this stack's",
        )
        .writes(&["POST"]),
        case(
            "a creation by the member's very stack",
            scene.unsigned("Create", ACCOUNT),
            NOT_BELIEVED,
        )
        .writes(&["POST"]),
        case(
            "an update by the member's very stack",
            scene.unsigned("Update", ACCOUNT),
            NOT_BELIEVED,
        ),
        case(
            "an update from other values by the member's very stack",
            with(
                scene.unsigned("Update", ACCOUNT),
                "OldResourceProperties",
                json!({}),
            ),
            NOT_BELIEVED,
        )
        .writes(&["PATCH"]),
        case(
            "an update of an invented record by the member's very stack",
            with(
                scene.unsigned("Update", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.member.replace("app_", "app_9")),
            ),
            NOT_BELIEVED,
        )
        .writes(&["POST"]),
        case(
            "a deletion by the member's very stack",
            scene.unsigned("Delete", ACCOUNT),
            NOT_BELIEVED,
        ),
        case(
            "a deletion with a pending id by the member's very stack",
            with(
                scene.unsigned("Delete", ACCOUNT),
                "PhysicalResourceId",
                json!("pending/0123456789abcdef"),
            ),
            NOT_BELIEVED,
        ),
        case(
            "a deletion by an invented stack of a member",
            unanswered(&invented, "Delete"),
            NOT_BELIEVED,
        ),
        case(
            "an update by an invented stack of a member",
            unanswered(&invented, "Update"),
            "belongs to somebody else now",
        ),
        case(
            "a creation that would take a released record over",
            scene.unsigned("Create", RELEASED),
            "took back what the request made",
        )
        .writes(&["POST", "PATCH", "PATCH"]),
        case(
            "a creation under a name that is taken",
            scene.event("Create", TAKEN),
            "exists already at Authomize, and it is not this stack's",
        )
        .writes(&["POST"])
        .fails(),
        case(
            "a creation by a stack of another region",
            scene.of_stack("Create", &stack.replace("us-east-1", "eu-west-1")),
            "this hub serves stacks of its own region and partition only",
        )
        .fails(),
        case(
            "a deletion by a stack of another partition",
            scene.of_stack("Delete", &stack.replace("arn:aws:", "arn:aws-cn:")),
            "a request of another stack: nothing of ours can be meant",
        )
        .succeeds(),
        case(
            "an update by a stack of another partition",
            scene.of_stack("Update", &stack.replace("arn:aws:", "arn:aws-us-gov:")),
            "this hub serves stacks of its own region and partition only",
        )
        .fails(),
        case(
            "an account of 11 digits",
            scene.of_stack("Create", &stack.replace(ACCOUNT, "21098765432")),
            "`StackId` is not a stack's id",
        )
        .fails(),
        case(
            "an account in other digits than ours",
            with(
                scene.of_stack("Create", &stack),
                "StackId",
                json!(stack.replace(ACCOUNT, "٢١٠٩٨٧٦٥٤٣٢١")),
            ),
            NOT_THIS_REQUEST,
        )
        .fails(),
        case(
            "no stack",
            with(scene.event("Delete", ACCOUNT), "StackId", Value::Null),
            "the request cannot be read",
        )
        .fails(),
        case(
            "another stack's record, deleted by a member",
            with(
                scene.event("Delete", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.another),
            ),
            "left another stack's record alone",
        )
        .succeeds(),
        case(
            "another stack's record, updated by a member",
            with(
                scene.event("Update", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.another),
            ),
            "belongs to somebody else now",
        )
        .fails(),
        case(
            "the hub's own record, deleted by a member",
            with(
                scene.event("Delete", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.own),
            ),
            "left another stack's record alone",
        )
        .succeeds(),
        case(
            "a record that no stack made, deleted by a member",
            with(
                scene.event("Delete", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.unmarked),
            ),
            "left a record alone that bears no marker",
        )
        .succeeds(),
        case(
            "a record that no stack made, updated by a member",
            with(
                scene.event("Update", ACCOUNT),
                "PhysicalResourceId",
                json!(scene.unmarked),
            ),
            "belongs to somebody else now",
        )
        .fails(),
    ]
}

/// Events in the hub's own name, while its stack is at rest.
fn of_the_hub(scene: &Scene) -> Vec<Case> {
    let of_the_hub = |kind: &str| {
        let mut event = scene.world.event(kind, "forged", properties());
        event["PhysicalResourceId"] = json!(scene.own);
        event
    };
    let says = "is not waiting for this request, so nothing was changed";
    let mut by_the_members_resource = scene.of_stack("Delete", STACK);
    by_the_members_resource["PhysicalResourceId"] = json!(scene.own);
    vec![
        case("the hub's own creation again", of_the_hub("Create"), says).fails(),
        case("the hub's own deletion", of_the_hub("Delete"), says).fails(),
        case(
            "an update of the hub's own registration",
            with(of_the_hub("Update"), "OldResourceProperties", json!({})),
            says,
        )
        .fails(),
        case(
            "the hub's own deletion, by a resource that it does not have",
            by_the_members_resource,
            says,
        )
        .fails(),
    ]
}

/// Where the answer shall go.
fn of_response_urls(scene: &Scene) -> Vec<Case> {
    const BUCKET: &str = "cloudformation-custom-resource-response-useast1";
    let bucket = &scene.world.bucket;
    let mine = |logical_id: &str, request: &str| {
        bucket.presign(&member_stack(ACCOUNT), logical_id, request)
    };
    let to = |from: &'static str, to: &'static str| {
        scene.answered_at(move |url| url.replacen(from, to, 1))
    };
    let old = |kind: &str, ago| {
        let stack = member_stack(ACCOUNT);
        let url = bucket.presign_before(ago, &stack, MEMBER_LOGICAL_ID, "forged");
        with(scene.event(kind, ACCOUNT), "ResponseURL", json!(url))
    };
    let made_young = |kind: &str| {
        let event = old(kind, Duration::hours(3));
        let url = event["ResponseURL"].as_str().unwrap();
        let (before, after) = url.split_once("X-Amz-Date=").unwrap();
        let now = event_date(&scene.event(kind, ACCOUNT));
        let url = format!("{before}X-Amz-Date={now}{}", &after[16..]);
        with(event, "ResponseURL", json!(url))
    };
    let mut cases = vec![
        case(
            "at another request of the same stack",
            scene.answered_at(|_| mine(MEMBER_LOGICAL_ID, "another")),
            NOT_THIS_REQUEST,
        )
        .fails(),
        case(
            "at another resource of the same stack",
            scene.answered_at(|_| mine(LOGICAL, "forged")),
            NOT_THIS_REQUEST,
        )
        .fails(),
        case(
            "at another stack",
            scene.answered_at(|_| {
                bucket.presign(&member_stack(ANOTHER), MEMBER_LOGICAL_ID, "forged")
            }),
            NOT_THIS_REQUEST,
        )
        .fails(),
        case(
            "with a path that is written in another way",
            to("%3A", ":"),
            NOT_THIS_REQUEST,
        ),
        case(
            "expired, a creation",
            old("Create", Duration::hours(3)),
            NOT_BELIEVED,
        ),
        case(
            "expired, an update",
            old("Update", Duration::hours(3)),
            NOT_BELIEVED,
        ),
        case(
            "expired, a deletion",
            old("Delete", Duration::hours(3)),
            NOT_BELIEVED,
        ),
        case(
            "expired and made young, a creation",
            made_young("Create"),
            NOT_BELIEVED,
        )
        .writes(&["POST"]),
        case(
            "expired and made young, a deletion",
            made_young("Delete"),
            NOT_BELIEVED,
        ),
        case(
            "a creation that is too old, though its URL is good still",
            old("Create", Duration::minutes(21)),
            "this request was sent more than 20 minutes ago",
        )
        .fails(),
        case(
            "with no signature",
            scene.answered_at(|url| url.split('?').next().unwrap().to_owned()),
            NOT_BELIEVED,
        ),
        case(
            "with a longer time to live",
            to("X-Amz-Expires=7200", "X-Amz-Expires=604800"),
            NOT_BELIEVED,
        ),
    ];
    for (name, event) in [
        (
            "at loopback",
            scene.answered_at(|_| "https://127.0.0.1/answer".to_owned()),
        ),
        (
            "at loopback without TLS",
            scene.answered_at(|_| "http://127.0.0.1:9/answer".to_owned()),
        ),
        ("without TLS", to("https://", "http://")),
        (
            "at a bucket of a longer name",
            to(BUCKET, "cloudformation-custom-resource-response-useast1-x"),
        ),
        (
            "at a bucket of another beginning",
            to("https://", "https://x-"),
        ),
        ("at the bucket of another region", to("useast1", "euwest1")),
        (
            "at a host below another domain",
            to(".amazonaws.com/", ".amazonaws.com.example.com/"),
        ),
        ("with user info", to("https://", "https://me@")),
        ("with a port", to(".amazonaws.com/", ".amazonaws.com:8443/")),
        (
            "in path style",
            to(
                &*format!("{BUCKET}.s3.us-east-1.amazonaws.com/").leak(),
                "s3.us-east-1.amazonaws.com/cloudformation-custom-resource-response-useast1/",
            ),
        ),
        (
            "in accelerate form",
            to(".s3.us-east-1.", ".s3-accelerate."),
        ),
        (
            "with a fragment",
            scene.answered_at(|url| format!("{url}#x")),
        ),
        ("nowhere", scene.answered_at(|_| String::new())),
    ] {
        cases.push(case(name, event, UNANSWERABLE));
    }
    for case in &mut cases {
        case.name = format!("a response URL {}", case.name);
    }
    cases
}

fn event_date(event: &Value) -> String {
    let url = event["ResponseURL"].as_str().unwrap();
    let (_, after) = url.split_once("X-Amz-Date=").unwrap();
    after[..16].to_owned()
}

/// Genuine requests of a member's stack with one property that is not the hub's.
fn of_properties(scene: &Scene) -> Vec<Case> {
    let role = |account: &str, name: &str| json!(format!("arn:aws:iam::{account}:role/{name}"));
    let mut cases = Vec::new();
    for (property, value, says) in [
        (
            "ApiUrl",
            json!("https://eu.authomize.com"),
            "AuthomizeApiUrl is not what the hub says",
        ),
        (
            "ApiUrl",
            json!("https://example.com"),
            "AuthomizeApiUrl is not what the hub says",
        ),
        (
            "ExternalId",
            json!("another-id"),
            "ExternalID is not what the hub says",
        ),
        (
            "RoleArn",
            role(ANOTHER, "AuthomizeCrossAccountTrustRole"),
            "RoleArn is ",
        ),
        (
            "RoleArn",
            role(ACCOUNT, "Admin"),
            "RoleArn is not what the hub says",
        ),
        (
            "IncludeIdentityCenter",
            json!("true"),
            "IncludeAWSIdentityCenter is not what the hub says",
        ),
        (
            "IntegrationName",
            json!("AWS 222222222222"),
            "IntegrationName is not what the hub says",
        ),
        (
            "OwnerEmail",
            json!("me@example.com"),
            "OwnerEmail is not what the hub says",
        ),
        (
            "Regions",
            json!(["us-east-1"]),
            "Regions is not what the hub says",
        ),
        (
            "AdditionalAccountIds",
            json!([ANOTHER]),
            "AdditionalAccountIds is not what the hub says",
        ),
        ("OnDelete", json!("Burn"), "OnDelete is"),
    ] {
        for kind in ["Create", "Update"] {
            let mut event = scene.event(kind, ACCOUNT);
            event["ResourceProperties"][property] = value.clone();
            cases.push(case(&format!("{kind} with another {property}"), event, says).fails());
        }
    }
    let mut off = scene.unsigned("Create", MANAGEMENT_ACCOUNT);
    off["ResourceProperties"]["IncludeIdentityCenter"] = json!("false");
    let says = "IncludeAWSIdentityCenter is not what the hub says";
    cases.push(case(
        "the management account without Identity Center",
        off,
        says,
    ));
    cases
}

/// Several lies at once, and things that are no request of CloudFormation.
fn mixed(scene: &Scene) -> Vec<Case> {
    let inner = scene.unsigned("Delete", ACCOUNT).to_string();
    let wrapped = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": inner}}]});
    let mut all_at_once = scene.unsigned("Update", ACCOUNT);
    all_at_once["StackId"] = json!(member_stack(ANOTHER));
    all_at_once["ResourceProperties"] = member_properties(MANAGEMENT_ACCOUNT);
    all_at_once["PhysicalResourceId"] = json!(scene.own);
    let mut lying_deletion = scene.unsigned("Delete", ACCOUNT);
    lying_deletion["ResourceProperties"] = json!({
        "IntegrationName": format!("AWS {ANOTHER}"),
        "ApiUrl": "https://example.com",
        "OnDeregistrationFailure": "Ignore",
    });
    vec![
        case("wrapped by SNS", wrapped, UNANSWERABLE),
        case(
            "an action of the admin function",
            json!({"action": "remove", "ids": [scene.member.split('/').nth(1)]}),
            UNANSWERABLE,
        ),
        case(
            "an action of the admin function, with an address",
            with(
                scene.event("Delete", ACCOUNT),
                "RequestType",
                json!("remove"),
            ),
            "accepted are `Create`, `Update` and `Delete`",
        )
        .fails(),
        case(
            "another's stack, id and flag, and no signature",
            all_at_once,
            NOT_THIS_REQUEST,
        ),
        case(
            "an unsigned deletion with a name, an address and a policy of its own",
            lying_deletion,
            NOT_BELIEVED,
        ),
        case(
            "a creation that was answered, sent again",
            scene.answered[0].clone(),
            "found the record of an earlier try",
        )
        .writes(&["POST"])
        .succeeds(),
        case(
            "a deletion that was answered, sent again after its stack is gone",
            scene.answered[1].clone(),
            "answered",
        )
        .succeeds(),
    ]
}

#[tokio::test]
async fn events_change_nothing_at_the_vendor() {
    let scene = Scene::set().await;
    let cases = [
        of_stacks(&scene),
        of_the_hub(&scene),
        of_response_urls(&scene),
        of_properties(&scene),
        mixed(&scene),
    ]
    .concat();
    assert!(cases.len() >= 80, "{}", cases.len());
    for case in cases {
        case.play(&scene.world).await;
    }
    scene.world.end().await;
}

/// Nor while Authomize cannot validate the member's role: what such an event finds, it did
/// not make, and takes nothing of it back.
#[tokio::test]
async fn events_leave_a_record_that_cannot_be_validated() {
    let wavering = Arc::new(Wavering::default());
    let world = hub(Setting {
        validator: wavering.clone(),
        ..Setting::default()
    })
    .await;
    let id = join(&world, ACCOUNT).await;
    wavering.set(Waver::FailAlways);
    let mut refresh = event_of(&world, "Update", "update-1", ACCOUNT, &id);
    refresh["ResourceProperties"]["Refresh"] = json!("1");
    let short = Time::from_secs(12);
    let failed = world.send_within(&refresh, short).await;
    assert_eq!(failed.status(), "FAILED");
    let before = all(&world);
    let gone = json!(id.replace("app_", "app_9"));
    let again = unsigned(event_of(&world, "Update", "forged-1", ACCOUNT, &id));
    for event in [
        unsigned(event(&world, "Create", "forged-2", ACCOUNT)),
        with(again, "PhysicalResourceId", gone),
    ] {
        let refused = world.send_within(&event, short).await;
        assert!(matches!(refused.invoked, Invoked::Failed(_)), "{refused:?}");
        assert_eq!(all(&world), before);
    }
    world.end().await;
}

/// Nor the one that a member took over and that cannot be validated.
#[tokio::test]
async fn events_do_not_release_a_record_that_was_taken_over() {
    let wavering = Arc::new(Wavering::default());
    let world = hub(Setting {
        validator: wavering.clone(),
        ..Setting::default()
    })
    .await;
    release(&world).await;
    wavering.set(Waver::NeverEnd);
    let short = Time::from_secs(12);
    let creation = event(&world, "Create", "create-1", RELEASED);
    let created = world.send_within(&creation, short).await;
    assert_eq!(created.status(), "SUCCESS", "{}", created.reason());
    wavering.set(Waver::FailAlways);
    let mut refresh = event_of(&world, "Update", "update-1", RELEASED, created.id());
    refresh["ResourceProperties"]["Refresh"] = json!("1");
    assert_eq!(world.send_within(&refresh, short).await.status(), "FAILED");
    let before = all(&world);
    assert_eq!(before[0].source().unwrap().get("released"), None);
    let forged = unsigned(event(&world, "Create", "forged", RELEASED));
    world.send_within(&forged, short).await;
    assert_eq!(all(&world), before);
    // A genuine one that is run again names the record, so that the rollback releases it.
    let again = event(&world, "Create", "create-2", RELEASED);
    let failed = world.send_within(&again, short).await;
    assert_eq!(failed.status(), "FAILED");
    assert!(failed.id().starts_with("adopted/"), "{}", failed.id());
    assert_eq!(all(&world), before);
    world.end().await;
}
