//! What every test plays on: a publisher's account with a bucket in each of three
//! regions, and a release to put there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use aws_credential_types::Credentials;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::TrustStore;
use rehearsal::engine::Account;
use rehearsal::internet::HostPattern;
use rehearsal::rehearse::world::World;
use xtask::region::Region;
use xtask::release::asset::Asset;
use xtask::release::configuration::Configuration;
use xtask::release::publish::{Destination, Done, Object, Objects, Placed, PublishError, publish};
use xtask::release::s3::{Network, client};

pub(crate) const REGIONS: [&str; 3] = ["ap-southeast-2", "eu-west-1", "us-east-1"];

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) publisher: Account,
    pub(crate) configuration: Configuration,
}

impl Stage {
    /// Everything is as it should be.
    pub(crate) async fn set() -> Self {
        let stage = Self::without_buckets().await;
        for region in REGIONS {
            stage.make_bucket(&stage.publisher, region).await;
        }
        stage
    }

    pub(crate) async fn without_buckets() -> Self {
        let world = World::start().await.unwrap();
        let publisher = world.engine.fresh_account();
        let configuration = configuration_of(&publisher);
        Self {
            world,
            publisher,
            configuration: configuration.parse().unwrap(),
        }
    }

    /// What a `release.toml` of the stage has in it.
    pub(crate) fn configuration_text(&self) -> String {
        configuration_of(&self.publisher)
    }

    /// The same account, seen from another region.
    pub(crate) fn in_region(&self, account: &Account, region: &str) -> Account {
        self.world.engine.account_in(account.id().clone(), region)
    }

    pub(crate) async fn make_bucket(&self, account: &Account, region: &str) {
        let account = self.in_region(account, region);
        let mut create = s3(&account).create_bucket().bucket(bucket(region));
        // The one region that S3 does not want to be told.
        if region != "us-east-1" {
            let place = CreateBucketConfiguration::builder();
            let place = place.location_constraint(BucketLocationConstraint::from(region));
            create = create.create_bucket_configuration(place.build());
        }
        create.send().await.unwrap();
    }

    /// Publishes with the rights of the publisher's root user.
    pub(crate) async fn publish(&self, objects: &Objects) -> Result<Vec<Placed>, PublishError> {
        self.publish_as(&self.root(), objects).await
    }

    pub(crate) async fn publish_as(
        &self,
        credentials: &Credentials,
        objects: &Objects,
    ) -> Result<Vec<Placed>, PublishError> {
        let mut placed = Vec::new();
        let destinations = self.destinations(credentials);
        publish(&destinations, objects, |one| placed.push(one)).await?;
        Ok(placed)
    }

    pub(crate) fn root(&self) -> Credentials {
        Self::root_of(&self.publisher)
    }

    pub(crate) fn root_of(account: &Account) -> Credentials {
        let secret = "root-of-the-rehearsal";
        Credentials::new(account.id().as_str(), secret, None, None, "test")
    }

    /// The way to the engine by the names of AWS.
    pub(crate) fn network(&self) -> Network {
        let internet = &self.world.internet;
        let authority = std::fs::read(internet.ca_file()).unwrap();
        Network {
            proxy: ProxyConfig::all(format!("http://{}", internet.address())).unwrap(),
            trust: TrustStore::empty().with_pem_certificate(authority),
        }
    }

    fn destinations(&self, credentials: &Credentials) -> Vec<Destination> {
        let network = self.network();
        let Configuration { owner, buckets, .. } = &self.configuration;
        let destination = |(region, bucket): (&Region, _)| Destination {
            region: region.clone(),
            bucket: Clone::clone(bucket),
            owner: owner.clone(),
            s3: client(region, credentials, &network),
        };
        buckets.iter().map(destination).collect()
    }

    /// A release of this content.
    pub(crate) fn objects(&self, template: &str) -> Objects {
        let version = "1.2.3".parse().unwrap();
        let object = |asset: Asset| Object {
            key: asset.key(&self.configuration.prefix, &version),
            asset,
        };
        let zip = |name, byte: u8| Asset::new(name, "application/zip", vec![byte; 100_000]);
        Objects {
            first: vec![
                object(zip("x86_64.zip", 1)),
                object(zip("arm64.zip", 2)),
                object(Asset::new("SHA256SUMS", "text/plain", "sums\n")),
            ],
            last: object(Asset::new(
                "template.yaml",
                "application/yaml",
                template.to_owned(),
            )),
        }
    }

    /// Every key of a region's bucket with the object's bytes.
    pub(crate) async fn stored(&self, region: &str) -> BTreeMap<String, Vec<u8>> {
        self.stored_of(&self.publisher, region).await
    }

    pub(crate) async fn stored_of(
        &self,
        account: &Account,
        region: &str,
    ) -> BTreeMap<String, Vec<u8>> {
        self.stored_in(account, region, &bucket(region)).await
    }

    /// Every key of a bucket with the object's bytes.
    pub(crate) async fn stored_in(
        &self,
        account: &Account,
        region: &str,
        bucket: &str,
    ) -> BTreeMap<String, Vec<u8>> {
        let account = self.in_region(account, region);
        let listed = s3(&account).list_objects_v2().bucket(bucket);
        let listed = listed.send().await.unwrap();
        let mut stored = BTreeMap::new();
        for object in listed.contents() {
            let key = object.key().unwrap();
            let read = s3(&account).get_object().bucket(bucket).key(key);
            let body = read.send().await.unwrap().body.collect().await.unwrap();
            stored.insert(key.to_owned(), body.to_vec());
        }
        stored
    }

    /// Puts an object there as somebody who does not use this command.
    pub(crate) async fn write(&self, account: &Account, region: &str, key: &str, text: &str) {
        let account = self.in_region(account, region);
        let put = s3(&account).put_object().bucket(bucket(region)).key(key);
        let body = text.as_bytes().to_vec();
        put.body(body.into()).send().await.unwrap();
    }

    /// From now on a region's bucket is found at `to`.
    pub(crate) fn lead(&self, region: &str, to: SocketAddr) {
        let host = format!("{}.s3.{region}.amazonaws.com", bucket(region));
        self.world.internet.lead(HostPattern::Exact(host), to);
        self.world.internet.cut();
    }

    /// From now on a region cannot be reached, or can again.
    pub(crate) fn take_down(&self, region: &str, down: bool) {
        // Nothing listens on the port of discard, which needs root.
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let engine = self.world.engine.address();
        self.lead(region, if down { nobody } else { engine });
    }
}

fn configuration_of(publisher: &Account) -> String {
    format!(
        "prefix = \"product\"\nexpected_bucket_owner = \"{}\"\n[buckets]\n\
         ap-southeast-2 = \"release-ap-southeast-2\"\neu-west-1 = \"release-eu-west-1\"\n\
         us-east-1 = \"release-us-east-1\"\n",
        publisher.id()
    )
}

/// S3 as the root user of this account sees it.
pub(crate) fn s3(account: &Account) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(account.config());
    aws_sdk_s3::Client::from_conf(config.force_path_style(true).build())
}

pub(crate) fn bucket(region: &str) -> String {
    format!("release-{region}")
}

/// What has to be in every bucket.
pub(crate) fn everything(objects: &Objects) -> BTreeMap<String, Vec<u8>> {
    let all = objects.first.iter().chain([&objects.last]);
    all.map(|object| (object.key.to_string(), object.asset.bytes.to_vec()))
        .collect()
}

/// The same without what comes last.
pub(crate) fn without_template(objects: &Objects) -> BTreeMap<String, Vec<u8>> {
    let mut all = everything(objects);
    all.remove(objects.last.key.as_str()).unwrap();
    all
}

/// How many objects were written, and how many were there.
pub(crate) fn counts(placed: &[Placed]) -> (usize, usize) {
    let of = |done| placed.iter().filter(|one| one.done == done).count();
    (of(Done::Written), of(Done::WasThere))
}

/// The regions that failed, with their sentences.
pub(crate) fn failures(published: Result<Vec<Placed>, PublishError>) -> BTreeMap<String, String> {
    let PublishError(failed) = published.unwrap_err();
    failed
        .into_iter()
        .map(|(region, error)| (region.to_string(), error.to_string()))
        .collect()
}
