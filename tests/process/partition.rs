//! AWS is three worlds with names of their own, and the function works in each.

use authomize_trust_role::configuration::{ENV_SECRET_ARN, ENV_STACK_ID, ENV_URL_SUFFIX};
use rehearsal::answer_bucket::{AnswerBucket, AnswerKey};
use rehearsal::internet::HostPattern;
use serde_json::{Value, json};

use crate::world::{LOGICAL, Setting, World, properties};

/// Case E40: bucket, ARNs, regions and the addresses of AWS itself.
#[tokio::test]
async fn of_the_stack_is_served() {
    for (partition, region, suffix) in [
        ("aws", "eu-west-1", "amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
        ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
    ] {
        let arn = |service: &str, of: &str| {
            format!("arn:{partition}:{service}:{region}:123456789012:{of}")
        };
        let stack = arn("cloudformation", "stack/name/51af3dc0-da77-11e4");
        let world = World::with(Setting {
            environment: vec![
                ("AWS_REGION", region.to_owned()),
                (ENV_STACK_ID, stack.clone()),
                (ENV_URL_SUFFIX, suffix.to_owned()),
                (ENV_SECRET_ARN, arn("secretsmanager", "secret:token-AbCdEf")),
            ],
            ..Setting::default()
        })
        .await;
        let bucket = AnswerBucket::start(AnswerKey::random(), region, None)
            .await
            .unwrap();
        let internet = &world.internet;
        internet.lead(HostPattern::Exact(bucket.host()), bucket.address());
        let aws = HostPattern::Suffix(format!(".{suffix}"));
        internet.lead(aws, world.desk.address());

        let mut wanted = properties();
        wanted["RoleArn"] = json!(format!("arn:{partition}:iam::123456789012:role/r"));
        wanted["Regions"] = json!([region]);
        let mut event = world.event("Create", "create-1", wanted);
        event["StackId"] = json!(stack);
        event["ResponseURL"] = json!(bucket.presign(&stack, LOGICAL, "create-1"));
        world.send(&event).await;
        let answer = &bucket.answers()[0];
        let reason = answer.text("Reason");
        assert_eq!(answer.text("Status"), "SUCCESS", "{partition}: {reason}");
        let record = &world.sandbox.apps()[0];
        let config = record.config.as_ref().map_or(&Value::Null, |config| config);
        assert_eq!(config["regions"], json!([region]));
        assert_eq!(world.desk.secret_requests(), 1);
        assert_eq!(world.desk.resource_requests(), 2);
        world.end().await;
    }
}
