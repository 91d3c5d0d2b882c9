//! Puts a release into the bucket of every region, once and for ever.
//!
//! An object is written only where there is none (`If-None-Match: *`,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>), in
//! a bucket of the expected owner only
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>),
//! and is read back and compared. What is there already with the same bytes stays, so
//! that an interrupted run is run again; with other bytes it is left alone and told.
//!
//! The regions are worked on at once, and one that fails does not stop the others. What
//! leads customers to a release, its template, comes last, and only when every region
//! has all the rest: nobody can install what is not everywhere.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::asset::{Asset, ObjectKey};
use super::configuration::{AccountId, BucketName};
use super::digest::Sha256;
use crate::region::Region;

/// Keys are immutable, so whoever has an object may keep it for a year.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// A region's bucket, and S3 there.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The region.
    pub region: Region,
    /// Its bucket.
    pub bucket: BucketName,
    /// Who must own the bucket.
    pub owner: AccountId,
    /// S3 in that region.
    pub s3: Client,
}

/// A file and where it goes in every bucket.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its key.
    pub key: ObjectKey,
    /// What it holds.
    pub asset: Asset,
}

/// Everything that is published.
#[derive(Clone, Debug)]
pub struct Objects {
    /// What goes first, in this order.
    pub first: Vec<Object>,
    /// What is published only when every region has the rest: the template.
    pub last: Object,
}

/// What has been done to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is written now, and was read back.
    Written,
    /// It was there with the same bytes.
    WasThere,
}

/// One object that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The region.
    pub region: Region,
    /// The object's address, `s3://BUCKET/KEY`.
    pub place: Place,
    /// What was done.
    pub done: Done,
}

/// A bucket and a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
}

/// Why an object is not in its place. Each asks for another remedy.
#[derive(Debug, Error)]
pub enum ObjectError {
    /// Somebody wrote it who is not this command, for the key holds the content's hash.
    #[error(
        "{place} is there with other bytes, whose SHA-256 is {found}. Nothing is ever overwritten: find out who wrote it"
    )]
    OtherBytes {
        /// The object.
        place: Place,
        /// The hash of what is there.
        found: Sha256,
    },
    /// S3 gives back what was not written.
    #[error("{place} was written, and what was read back has the SHA-256 {found}")]
    Changed {
        /// The object.
        place: Place,
        /// The hash of what was read.
        found: Sha256,
    },
    /// The bucket is another account's, or the credentials do not reach so far; S3 does
    /// not say which.
    #[error(
        "{action} on {place} is denied: the bucket is not of the expected account {owner}, or these credentials lack the right. S3 said: {said}"
    )]
    Denied {
        /// The right, for example `s3:PutObject`.
        action: &'static str,
        /// The object.
        place: Place,
        /// The expected owner.
        owner: AccountId,
        /// S3's words.
        said: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket `{0}`: make it, or mend its name")]
    NoBucket(BucketName),
    /// The bucket is in another region.
    #[error("the bucket `{0}` is in another region: mend its name or the region")]
    OtherRegion(BucketName),
    /// No answer came.
    #[error("S3 could not be asked about {place}: {why}")]
    Unreachable {
        /// The object.
        place: Place,
        /// What the client said.
        why: String,
    },
    /// An answer that is none of these.
    #[error("{action} on {place} failed: {said}")]
    Failed {
        /// The right.
        action: &'static str,
        /// The object.
        place: Place,
        /// S3's words.
        said: String,
    },
}

/// Some regions do not have everything.
#[derive(Debug, Error)]
#[error("{}", sentences(.0))]
pub struct PublishError(pub BTreeMap<Region, ObjectError>);

/// Publishes to all destinations at once, and tells of each object as it is in place.
///
/// # Errors
/// For each region that does not have everything, what is the matter with it. Where the
/// template is missing only because another region failed, there is no entry.
pub async fn publish(
    destinations: &[Destination],
    objects: &Objects,
    mut tell: impl FnMut(Placed),
) -> Result<(), PublishError> {
    everywhere(destinations, &objects.first, &mut tell).await?;
    everywhere(destinations, std::slice::from_ref(&objects.last), &mut tell).await
}

/// Puts these objects into every bucket; each region stops at its first failure.
async fn everywhere(
    destinations: &[Destination],
    objects: &[Object],
    tell: &mut impl FnMut(Placed),
) -> Result<(), PublishError> {
    let (placed, mut told) = mpsc::unbounded_channel();
    let mut regions = JoinSet::new();
    for destination in destinations {
        let (destination, objects) = (destination.clone(), objects.to_vec());
        let placed = placed.clone();
        regions.spawn(async move {
            for object in &objects {
                match destination.place(object).await {
                    // Nobody listens any more only when all of this is given up.
                    Ok(done) => drop(placed.send(destination.placed(object, done))),
                    Err(error) => return Err((destination.region, error)),
                }
            }
            Ok(())
        });
    }
    drop(placed);
    while let Some(placed) = told.recv().await {
        tell(placed);
    }
    let failed: BTreeMap<_, _> = regions
        .join_all()
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(PublishError(failed))
    }
}

impl Destination {
    /// Writes an object where there is none, and reads it back.
    async fn place(&self, object: &Object) -> Result<Done, ObjectError> {
        let expected = object.asset.sha256;
        let is_new = self.write(object).await?;
        let found = self.read(object).await?;
        let place = self.place_of(object);
        match (is_new, found == expected) {
            (true, true) => Ok(Done::Written),
            (false, true) => Ok(Done::WasThere),
            (true, false) => Err(ObjectError::Changed { place, found }),
            (false, false) => Err(ObjectError::OtherBytes { place, found }),
        }
    }

    /// Writes an object, unless there is one: then it tells `false`.
    async fn write(&self, Object { key, asset }: &Object) -> Result<bool, ObjectError> {
        let written = self
            .s3
            .put_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .if_none_match("*")
            .checksum_sha256(asset.sha256.base64())
            .content_type(asset.content_type)
            .cache_control(CACHE_CONTROL)
            .body(ByteStream::from(asset.bytes.clone()))
            .send()
            .await;
        match written {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(self.judge("s3:PutObject", key, &error)),
        }
    }

    /// The hash of what is there.
    async fn read(&self, Object { key, .. }: &Object) -> Result<Sha256, ObjectError> {
        let read = self
            .s3
            .get_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .expected_bucket_owner(self.owner.as_str())
            .send()
            .await
            .map_err(|error| self.judge("s3:GetObject", key, &error))?;
        match read.body.collect().await {
            Ok(bytes) => Ok(Sha256::of(&bytes.into_bytes())),
            Err(error) => Err(ObjectError::Unreachable {
                place: self.place_at(key),
                why: DisplayErrorContext(error).to_string(),
            }),
        }
    }

    /// What a failed request means.
    fn judge<E>(&self, action: &'static str, key: &ObjectKey, error: &SdkError<E>) -> ObjectError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let place = self.place_at(key);
        let Some(answer) = error.raw_response() else {
            let why = DisplayErrorContext(error).to_string();
            return ObjectError::Unreachable { place, why };
        };
        let status = answer.status().as_u16();
        let code = error.code().unwrap_or("no code");
        let message = error.message().unwrap_or("no message");
        let said = format!("{status} {code}, {message}");
        match (status, code) {
            (_, "NoSuchBucket") => ObjectError::NoBucket(self.bucket.clone()),
            (301 | 307, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                ObjectError::OtherRegion(self.bucket.clone())
            }
            (401 | 403, _) => ObjectError::Denied {
                action,
                place,
                owner: self.owner.clone(),
                said,
            },
            _ => ObjectError::Failed {
                action,
                place,
                said,
            },
        }
    }

    fn placed(&self, object: &Object, done: Done) -> Placed {
        Placed {
            region: self.region.clone(),
            place: self.place_of(object),
            done,
        }
    }

    fn place_of(&self, object: &Object) -> Place {
        self.place_at(&object.key)
    }

    fn place_at(&self, key: &ObjectKey) -> Place {
        Place {
            bucket: self.bucket.clone(),
            key: key.clone(),
        }
    }
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.done {
            Done::Written => "written and read back",
            Done::WasThere => "was there, with the same bytes",
        };
        write!(f, "{}: {}, {done}", self.region, self.place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

fn sentences(failed: &BTreeMap<Region, ObjectError>) -> String {
    let sentence = |(region, error): (&Region, &ObjectError)| format!("{region}: {error}");
    failed.iter().map(sentence).collect::<Vec<_>>().join("\n")
}
