//! From each template in `tests/upgrade/` to the one of today and back, on the engine: the
//! same record under the same ids, and nothing written at the vendor. What is replaced by
//! no upgrade is read from the templates: `tests/template/upgrade.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rehearsal::engine::{Account, Artifact, StackOutcome};
use rehearsal::rehearse::world::{REGION, STACK, World};
use rehearsal::sandbox::{App, Fault};
use serde_json::{Value, json};

use crate::document::{attributes, earlier_templates, members, template};
use crate::organization::{ORGANIZATION, delete_in, update_in};
use crate::stage::{
    Watched, assert_created, binary, create_in, delete, reason, spec, world_without_code,
};

/// The version that today's template becomes.
const NEXT: &str = "99.0.0";

/// The folders that are no releases.
const FIRST: &str = "first";
const OLDER_IDS: &str = "older-ids";
const FEWER_ATTRIBUTES: &str = "fewer-attributes";

/// Zipped once for all tests: that is most of what publishing takes.
static SHIPPED: LazyLock<Artifact> = LazyLock::new(|| Artifact::from_binary(&binary()).unwrap());

/// In the place of the code of earlier versions: `examples/earlier.rs`.
static EARLIER: LazyLock<Artifact> = LazyLock::new(|| {
    let binary = binary();
    let examples = binary.parent().map(|folder| folder.join("examples"));
    let earlier = examples.unwrap_or_default().join("earlier");
    assert!(earlier.exists(), "`cargo test` builds examples/earlier.rs");
    Artifact::from_binary(&earlier).unwrap()
});

/// An earlier template as it was, but for what tells the stand-in of its function how
/// that answered.
fn earlier(folder: &str) -> Value {
    let templates: BTreeMap<String, Value> = earlier_templates().into_iter().collect();
    let mut template = templates[folder].clone();
    let known: Vec<String> = attributes(&template).into_iter().collect();
    let function = &mut template["Resources"]["RegistrarFunction"]["Properties"];
    let variables = &mut function["Environment"]["Variables"];
    variables["EARLIER_ATTRIBUTES"] = json!(known.join(","));
    if folder == OLDER_IDS {
        variables["EARLIER_ID"] = json!("record");
    }
    template
}

/// The template of today as the next release has it: another version, and another key of
/// the code.
fn today() -> Value {
    let mut template = template();
    let release = &mut template["Mappings"]["Release"];
    release["Artifact"]["Version"] = json!(NEXT);
    release["X8664"]["Key"] = json!(format!("authomize-trust-role/{NEXT}/x86_64/bootstrap.zip"));
    template
}

/// A world with the code of both templates where they look for it.
async fn world_of(earlier: &Value) -> Watched {
    let world = world_without_code().await;
    publish(&world, earlier, &EARLIER).await;
    publish(&world, &today(), &SHIPPED).await;
    world
}

async fn publish(world: &World, template: &Value, code: &Artifact) {
    let release = &template["Mappings"]["Release"];
    let key = match release["X8664"]["Key"].as_str() {
        Some(key) => key.to_owned(),
        None => {
            let prefix = release["Artifact"]["KeyPrefix"].as_str().unwrap();
            format!("{prefix}/x86_64/bootstrap.zip")
        }
    };
    let bucket = &template["Mappings"]["Artifacts"][REGION]["Bucket"];
    let put = code.put(&world.account, bucket.as_str().unwrap(), &key);
    put.await.unwrap();
}

async fn update_to(world: &World, template: &Value, parameters: &[(&str, &str)]) -> StackOutcome {
    let spec = spec(world, template.to_string(), parameters);
    update_in(&world.account, &spec).await
}

fn assert_updated(outcome: &StackOutcome) {
    let why = outcome.first_failure();
    assert_eq!(outcome.status, "UPDATE_COMPLETE", "{why:?}");
}

/// Asserts that an update failed at the registration, as [`refuse_once`] wants it.
fn assert_went_back(outcome: &StackOutcome) {
    let why = outcome.first_failure();
    assert_eq!(outcome.status, "UPDATE_ROLLBACK_COMPLETE", "{why:?}");
    let reason = &why.unwrap().reason;
    assert!(
        reason.contains("not permitted to do this (403)"),
        "{reason}"
    );
}

/// The vendor refuses the next question: the update fails, and the update back does not.
fn refuse_once(world: &World) {
    world.sandbox.script(Fault::status(403).only("GET"));
}

/// What an upgrade leaves as it is: the records at the vendor, and which resources the
/// stack has under which physical ids.
#[derive(Debug, PartialEq)]
struct Kept {
    records: Vec<App>,
    resources: BTreeMap<String, String>,
}

async fn kept(world: &World, account: &Account) -> Kept {
    let left = account.left_resources(STACK).await.unwrap();
    let resources = left.into_iter();
    Kept {
        records: world.sandbox.apps(),
        resources: resources
            .map(|resource| (resource.logical_id, resource.physical_id))
            .collect(),
    }
}

impl Kept {
    /// Asserts that all of it is there still; a later template may have more resources.
    fn assert_is_part_of(&self, now: &Self) {
        assert_eq!(self.records, now.records);
        for (id, physical_id) in &self.resources {
            assert_eq!(now.resources.get(id), Some(physical_id), "{id}");
        }
    }
}

/// What the vendor is asked, step by step.
struct Vendor<'a> {
    world: &'a World,
    seen: usize,
}

impl<'a> Vendor<'a> {
    fn of(world: &'a World) -> Self {
        let seen = world.sandbox.requests().len();
        Self { world, seen }
    }

    /// The requests since the last step, without their queries.
    fn asked(&mut self) -> Vec<String> {
        let requests = self.world.sandbox.requests();
        let new = requests[self.seen..].iter();
        self.seen = requests.len();
        new.map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Asserts that it was asked so often since the last step, and told nothing. A question
    /// whose answer is late on a slow machine is asked again.
    fn was_only_read(&mut self, times: usize) {
        let asked = self.asked();
        let reads = asked.iter().filter(|request| request.starts_with("GET "));
        let count = reads.count();
        assert_eq!(count, asked.len(), "{asked:?}");
        assert!(count >= times && (times > 0 || count == 0), "{asked:?}");
    }
}

/// The attributes that the last answer to CloudFormation has: which function gave it shows
/// there, if they know others.
fn answered(world: &World) -> BTreeSet<String> {
    let answers = world.bucket.answers();
    let data = &answers.last().unwrap().json["Data"];
    data.as_object().unwrap().keys().cloned().collect()
}

/// Today's template answers all that the earlier one did, and all that is new.
fn assert_has_all_outputs(earlier: &StackOutcome, now: &StackOutcome) {
    for (name, value) in &earlier.outputs {
        let is_the_version = name == "TemplateVersion";
        let expected = if is_the_version { NEXT } else { value.as_str() };
        assert_eq!(now.outputs[name], expected, "{name}");
    }
    for (name, output) in members(&today(), "Outputs") {
        if output["Condition"].is_null() {
            assert!(!now.outputs[name].is_empty(), "{name}");
        }
    }
}

/// Up, failed half-way and back; up; down; up again; and deleted by today's function.
async fn upgrade_and_go_back(folder: &str) {
    let (earlier, today) = (earlier(folder), today());
    let world = world_of(&earlier).await;
    let account = &world.account;
    let created = create_in(account, &spec(&world, earlier.to_string(), &[])).await;
    assert_created(&created);
    let before = kept(&world, account).await;
    let record = &before.records[0].id;
    let id = &before.resources["AuthomizeIntegration"];
    assert_eq!(id == record, folder == OLDER_IDS, "{id}");
    assert_eq!(answered(&world), attributes(&earlier));
    let mut vendor = Vendor::of(&world);

    refuse_once(&world);
    let failed = update_to(&world, &today, &[]).await;
    assert_went_back(&failed);
    assert_eq!(failed.outputs, created.outputs);
    assert_eq!(answered(&world), attributes(&earlier));
    assert_eq!(kept(&world, account).await, before);
    vendor.was_only_read(2);

    let upgraded = update_to(&world, &today, &[]).await;
    assert_updated(&upgraded);
    assert_has_all_outputs(&created, &upgraded);
    assert_eq!(answered(&world), attributes(&today));
    before.assert_is_part_of(&kept(&world, account).await);
    vendor.was_only_read(1);

    let back = update_to(&world, &earlier, &[]).await;
    assert_updated(&back);
    assert_eq!(back.outputs, created.outputs);
    assert_eq!(answered(&world), attributes(&earlier));
    assert_eq!(kept(&world, account).await, before);
    vendor.was_only_read(1);

    assert_updated(&update_to(&world, &today, &[]).await);
    let deleted = delete(&world).await;
    assert_eq!(deleted.status, "DELETE_COMPLETE", "{}", reason(&deleted));
    assert!(world.sandbox.apps().is_empty());
    let asked = vendor.asked();
    let writes = asked.iter().filter(|request| !request.starts_with("GET "));
    assert_eq!(
        writes.collect::<Vec<_>>(),
        [&format!("DELETE /v2/apps/{record}")]
    );
}

/// The template as it was found when this work began.
#[tokio::test]
async fn goes_from_the_first_template_to_today_and_back() {
    upgrade_and_go_back(FIRST).await;
}

/// An id of a form that nobody knows is kept, for another one would be a replacement, and
/// the record is found by the marker that it bears.
#[tokio::test]
async fn goes_from_ids_of_another_form_to_today_and_back() {
    upgrade_and_go_back(OLDER_IDS).await;
}

/// The new version runs once, so that there is what its template reads.
#[tokio::test]
async fn goes_from_fewer_attributes_to_today_and_back() {
    let (earlier, today) = (attributes(&earlier(FEWER_ATTRIBUTES)), attributes(&today()));
    assert!(earlier.is_subset(&today) && earlier.len() < today.len());
    upgrade_and_go_back(FEWER_ATTRIBUTES).await;
}

/// What `cargo xtask keep` has kept; there is nothing to do before the first release.
#[tokio::test]
async fn goes_from_every_release_to_today_and_back() {
    for (folder, _) in earlier_templates() {
        if ![FIRST, OLDER_IDS, FEWER_ATTRIBUTES].contains(&&*folder) {
            upgrade_and_go_back(&folder).await;
        }
    }
}

/// In the same update as an upgrade, and by a parameter alone, which is nothing to the
/// registration.
#[tokio::test]
async fn makes_a_hub_of_a_single_stack_and_a_single_stack_of_a_hub() {
    let (earlier, today) = (earlier(FIRST), today());
    let hub = [("OrganizationId", ORGANIZATION)];
    let world = world_of(&earlier).await;
    let account = &world.account;
    let created = create_in(account, &spec(&world, earlier.to_string(), &[])).await;
    assert_created(&created);
    let before = kept(&world, account).await;
    let mut vendor = Vendor::of(&world);

    refuse_once(&world);
    let failed = update_to(&world, &today, &hub).await;
    assert_went_back(&failed);
    assert_eq!(
        kept(&world, account).await,
        before,
        "nothing of a hub is left"
    );
    vendor.was_only_read(2);

    let upgraded = update_to(&world, &today, &hub).await;
    assert_updated(&upgraded);
    assert_has_all_outputs(&created, &upgraded);
    assert!(upgraded.outputs.contains_key("RegistrarFunctionArn"));
    let as_a_hub = kept(&world, account).await;
    before.assert_is_part_of(&as_a_hub);
    assert!(as_a_hub.resources.contains_key("AdminFunction"));
    vendor.was_only_read(1);

    let single = update_to(&world, &today, &[]).await;
    assert_updated(&single);
    assert_eq!(kept(&world, account).await, before);
    let hub_again = update_to(&world, &today, &hub).await;
    assert_updated(&hub_again);
    assert_eq!(hub_again.outputs, upgraded.outputs);
    vendor.was_only_read(0);

    assert_updated(&update_to(&world, &earlier, &[]).await);
    assert_eq!(kept(&world, account).await, before);
    vendor.was_only_read(1);
}

/// The hub first, then its members, each with an id of another form. A member that is
/// behind its hub is served, upgraded, taken back and deleted.
#[tokio::test]
async fn upgrades_a_hub_before_its_members() {
    let (earlier, today) = (earlier(OLDER_IDS), today());
    let world = world_of(&earlier).await;
    let (account, hub) = (world.engine.fresh_account(), &world.account);
    world
        .engine
        .organize(ORGANIZATION, [&account, hub])
        .unwrap();
    let of_a_hub = [("OrganizationId", ORGANIZATION)];
    let created = create_in(hub, &spec(&world, earlier.to_string(), &of_a_hub)).await;
    assert_created(&created);
    let arn = created.outputs["RegistrarFunctionArn"].as_str();
    let member = |template: &Value| {
        let of_a_member = [("AuthomizeApiToken", ""), ("RegistrarFunctionArn", arn)];
        spec(&world, template.to_string(), &of_a_member)
    };
    let joined = create_in(&account, &member(&earlier)).await;
    assert_created(&joined);
    let hub_before = kept(&world, hub).await;
    let before = kept(&world, &account).await;
    let record = joined.outputs["IntegrationId"].clone();
    assert_eq!(before.resources["AuthomizeIntegrationAtHub"], record);
    let mut vendor = Vendor::of(&world);

    let upgraded = update_to(&world, &today, &of_a_hub).await;
    assert_updated(&upgraded);
    assert_eq!(upgraded.outputs["RegistrarFunctionArn"], arn);
    hub_before.assert_is_part_of(&kept(&world, hub).await);
    vendor.was_only_read(1);

    refuse_once(&world);
    assert_went_back(&update_in(&account, &member(&today)).await);
    assert_eq!(kept(&world, &account).await, before);
    vendor.was_only_read(2);
    let ahead = update_in(&account, &member(&today)).await;
    assert_updated(&ahead);
    assert_has_all_outputs(&joined, &ahead);
    assert_eq!(kept(&world, &account).await, before);
    vendor.was_only_read(1);
    let behind = update_in(&account, &member(&earlier)).await;
    assert_updated(&behind);
    assert_eq!(behind.outputs, joined.outputs);
    vendor.was_only_read(1);

    assert_eq!(delete_in(&account).await.status, "DELETE_COMPLETE");
    // A member's record goes after its stack was told that all is done.
    world
        .sandbox
        .wait_for(|request| request.method == "DELETE" && request.path.ends_with(&record))
        .await;
    let back = update_to(&world, &earlier, &of_a_hub).await;
    assert_updated(&back);
    let left = kept(&world, hub).await;
    assert_eq!(left.resources, hub_before.resources);
    let own = hub_before
        .records
        .into_iter()
        .filter(|app| app.id != record);
    assert_eq!(left.records, own.collect::<Vec<_>>());
}
