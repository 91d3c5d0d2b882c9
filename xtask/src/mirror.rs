//! `cargo xtask mirror`: the function's code of a release, copied into a company's bucket.
//!
//! The template says where the code is, under which key, and what its hash is, so nothing
//! else is believed: what is read is compared with that before anything is written. The
//! keys stay, and what is written is written as a release is, once and for ever.

use std::fmt::Write as _;

use aws_sdk_s3::error::DisplayErrorContext;
use serde_yaml_ng::Value;
use thiserror::Error;

use crate::region::Region;
use crate::release::Publisher;
use crate::release::asset::Asset;
use crate::release::configuration::{AccountId, BucketName, KeyPrefix};
use crate::release::digest::Sha256;
use crate::release::publish::{Destination, Object, Objects, Placed, PublishError, publish};
use crate::release::s3;

/// A copy that is to be made.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// The text of the published template.
    pub template: String,
    /// Where the company's bucket is, and its stacks.
    pub region: Region,
    /// The company's bucket.
    pub bucket: BucketName,
    /// The account that it must belong to.
    pub owner: AccountId,
    /// From the published bucket of this region; else from the same one, or from the first
    /// that the template lists.
    pub from: Option<Region>,
    /// Who reads and writes, and how.
    pub publisher: Publisher,
}

/// Why there is no copy. But for the last, nothing has been written.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// It cannot be read.
    #[error("the template is no YAML: {0}")]
    NotYaml(#[source] serde_yaml_ng::Error),
    /// Its keys have no hash, or nothing holds the function to it.
    #[error(
        "this is not the template of a release: {0}. Take the one that the release's page links to"
    )]
    NotReleased(String),
    /// There is no published bucket there.
    #[error("the template lists no bucket for {asked}; accepted with --from are {listed}")]
    NotServed {
        /// The region that was asked for.
        asked: Region,
        /// Those that there are, separated by commas.
        listed: String,
    },
    /// It could not be read.
    #[error("{place} cannot be read: {said}")]
    Unreadable {
        /// The object.
        place: String,
        /// What S3 or the client said.
        said: String,
    },
    /// Somebody has put other code there.
    #[error(
        "{place} has the SHA-256 {found}, and the template names {expected}. Nothing was copied: tell who published it"
    )]
    OtherBytes {
        /// The object.
        place: String,
        /// The hash of what is there.
        found: Sha256,
        /// The hash in its key.
        expected: Sha256,
    },
    /// Not everything is in its place.
    #[error(
        "not everything is copied: what is in place stays, and the same command goes on from there\n{0}"
    )]
    Publish(#[from] PublishError),
}

/// What a published template says of its code.
#[derive(Debug, PartialEq, Eq)]
struct Code {
    /// `PREFIX/VERSION/SHA256/NAME`
    key: String,
    prefix: KeyPrefix,
    version: semver::Version,
    sha256: Sha256,
    name: String,
}

/// Copies the code of each architecture, and the template after it, and tells of each
/// object as it is in place.
///
/// # Errors
/// The template is none of a release, the published code is not what it names, or the
/// company's bucket does not take it.
pub async fn run(mirror: &Mirror, tell: impl FnMut(Placed)) -> Result<(), MirrorError> {
    let template: Value =
        serde_yaml_ng::from_str(&mirror.template).map_err(MirrorError::NotYaml)?;
    let codes = codes(&template, &mirror.template)?;
    let (from, bucket) = source(&template, mirror)?;
    let Publisher {
        credentials,
        network,
    } = &mirror.publisher;
    let published = s3::client(&from, credentials, network);
    let mut first = Vec::new();
    for code in &codes {
        first.push(read(&published, &bucket, code).await?);
    }
    let template = Asset::template(mirror.template.clone());
    let last = Object {
        key: template.key(&codes[0].prefix, &codes[0].version),
        asset: template,
    };
    let destination = Destination {
        region: mirror.region.clone(),
        bucket: mirror.bucket.clone(),
        owner: mirror.owner.clone(),
        s3: s3::client(&mirror.region, credentials, network),
    };
    publish(&[destination], &Objects { first, last }, tell).await?;
    Ok(())
}

/// The code of each architecture, at least one.
fn codes(template: &Value, text: &str) -> Result<Vec<Code>, MirrorError> {
    let release = &template["Mappings"]["Release"];
    let keys = ["X8664", "Arm64"].map(|architecture| release[architecture]["Key"].as_str());
    let mut codes = Vec::new();
    for key in keys.into_iter().flatten() {
        let code = Code::of(key)
            .ok_or_else(|| MirrorError::NotReleased(format!("its key `{key}` has no hash")))?;
        if !text.contains(&format!("\"{}\"", code.sha256.base64())) {
            let untold = format!("it does not pin the hash of `{key}`");
            return Err(MirrorError::NotReleased(untold));
        }
        codes.push(code);
    }
    if codes.is_empty() {
        return Err(MirrorError::NotReleased("it names no code".to_owned()));
    }
    Ok(codes)
}

impl Code {
    fn of(key: &str) -> Option<Self> {
        let mut parts = key.rsplitn(4, '/');
        let (name, hash, version) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            key: key.to_owned(),
            prefix: KeyPrefix::parse(parts.next()?.to_owned()).ok()?,
            version: version.parse().ok()?,
            sha256: hash.parse().ok()?,
            name: name.to_owned(),
        })
    }
}

/// The published bucket that is read, and its region.
fn source(template: &Value, mirror: &Mirror) -> Result<(Region, String), MirrorError> {
    let mapping = template["Mappings"]["Artifacts"].as_mapping();
    let listed: Vec<(Region, String)> = mapping
        .into_iter()
        .flatten()
        .filter_map(|(region, bucket)| {
            let bucket = bucket["Bucket"].as_str()?;
            Some((region.as_str()?.parse().ok()?, bucket.to_owned()))
        })
        .collect();
    let of = |wanted: &Region| listed.iter().find(|(region, _)| region == wanted);
    let found = match &mirror.from {
        Some(from) => of(from),
        None => of(&mirror.region).or(listed.first()),
    };
    found.cloned().ok_or_else(|| MirrorError::NotServed {
        asked: mirror.from.as_ref().unwrap_or(&mirror.region).clone(),
        listed: listed.iter().fold(String::new(), |mut all, (region, _)| {
            let comma = if all.is_empty() { "" } else { ", " };
            write!(all, "{comma}{region}").expect("a text takes everything");
            all
        }),
    })
}

/// Reads published code, and compares it with what the template says.
async fn read(s3: &aws_sdk_s3::Client, bucket: &str, code: &Code) -> Result<Object, MirrorError> {
    let place = format!("s3://{bucket}/{}", code.key);
    let unreadable = |said: String| MirrorError::Unreadable {
        place: place.clone(),
        said,
    };
    let read = s3.get_object().bucket(bucket).key(&code.key).send().await;
    let read = read.map_err(|error| unreadable(DisplayErrorContext(error).to_string()))?;
    let bytes = read.body.collect().await;
    let bytes = bytes.map_err(|error| unreadable(DisplayErrorContext(error).to_string()))?;
    let asset = Asset::new(&code.name, "application/zip", bytes.into_bytes());
    if asset.sha256 == code.sha256 {
        let key = asset.key(&code.prefix, &code.version);
        return Ok(Object { key, asset });
    }
    Err(MirrorError::OtherBytes {
        place,
        found: asset.sha256,
        expected: code.sha256,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_template_that_is_not_released() {
        let source = include_str!("../../template.yaml");
        let template: Value = serde_yaml_ng::from_str(source).unwrap();
        let told = codes(&template, source).unwrap_err().to_string();
        assert!(
            told.starts_with("this is not the template of a release: its key `"),
            "{told}"
        );
    }

    #[test]
    fn takes_no_template_that_does_not_pin_its_code() {
        let key = format!("product/1.2.3/{}/x86_64.zip", Sha256::of(b"code"));
        let text = format!("Mappings: {{Release: {{X8664: {{Key: {key}}}}}}}\n");
        let template: Value = serde_yaml_ng::from_str(&text).unwrap();
        let told = codes(&template, &text).unwrap_err().to_string();
        assert!(
            told.contains("it does not pin the hash of `product/"),
            "{told}"
        );
    }

    #[test]
    fn reads_a_key_from_its_end() {
        let hash = Sha256::of(b"code");
        let code = Code::of(&format!("a/b/1.2.3/{hash}/x86_64.zip")).unwrap();
        assert_eq!(code.prefix.to_string(), "a/b");
        assert_eq!(code.version.to_string(), "1.2.3");
        assert_eq!(code.sha256, hash);
        for other in [
            "",
            "x86_64.zip",
            "a/1.2.3/x/x86_64.zip",
            "1.2.3/0f/x86_64.zip",
        ] {
            assert_eq!(Code::of(other), None, "{other}");
        }
    }
}
