//! Whether the vendor came in by the trust role, and by no other way.

use super::super::lifecycle::Seen;
use super::super::report::Check;
use super::super::world::World;

/// Judges the trust role while the stack is up. `steps` are those that made
/// the vendor validate.
pub(in super::super) async fn checks(world: &World, role_arn: &str, steps: &[Seen]) -> Vec<Check> {
    let assumed = world.assumptions_of(role_arn);
    let mut checks = vec![Check::new(
        "the vendor enabled the integration by assuming the role each time",
        assumed >= steps.len(),
        format!("assumed {assumed} times in {} steps", steps.len()),
    )];
    let another = world.external_id().chars().rev().collect::<String>();
    for (what, external_id) in [
        ("with another external id", Some(another.as_str())),
        ("without an external id", None),
    ] {
        let assumed = world.vendor.assume(role_arn, external_id).await;
        let (held, detail) = match assumed {
            Ok(()) => (false, "it was assumed".to_owned()),
            Err(error) => (error.is_denied(), error.to_string()),
        };
        let name = format!("the role cannot be assumed {what}");
        checks.push(Check::new(name, held, detail));
    }
    checks
}
