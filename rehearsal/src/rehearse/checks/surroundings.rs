//! Whether the rehearsal itself was what it says.

use super::super::report::Check;
use super::super::template::Template;
use super::super::world::World;

/// Judges the template that the engine holds, the contract as both sides
/// kept it, and the Internet. `deployed` is the template's text as
/// CloudFormation tells it.
pub(in super::super) fn checks(
    world: &World,
    template: &Template,
    deployed: Option<&str>,
) -> Vec<Check> {
    let unchanged = Check::new(
        "the template was deployed unchanged",
        deployed.is_some_and(|text| text == template.text),
        format!("sha256 {}", template.sha256),
    );
    [unchanged].into_iter().chain(manners(world)).collect()
}

/// Judges what the function and its surroundings asked of each other.
pub(in super::super) fn manners(world: &World) -> [Check; 2] {
    [
        Check::none_of(
            "both sides kept the vendor's contract",
            &world.sandbox.contract_violations(),
        ),
        Check::none_of(
            "the function asked for no host but those of AWS and the vendor",
            &world.internet.refused(),
        ),
    ]
}
