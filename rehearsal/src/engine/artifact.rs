//! The function's code, where a template finds it.

use std::io::{Cursor, Write as _};
use std::path::Path;

use bytes::Bytes;
use thiserror::Error;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Account, ApiError};

/// A binary, zipped as Lambda wants it: one executable file `bootstrap`. The
/// same binary always gives the same bytes.
#[derive(Clone, Debug)]
pub struct Artifact(Bytes);

/// Why there is no code to run.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// The binary cannot be read.
    #[error("the function's binary cannot be read")]
    Read(#[source] std::io::Error),
    /// It cannot be zipped.
    #[error("the function's binary cannot be zipped")]
    Zip(#[source] zip::result::ZipError),
    /// The engine's S3 did not take it.
    #[error("the engine did not take the function's code")]
    Upload(#[source] ApiError),
}

impl Artifact {
    /// Zips a binary.
    ///
    /// # Errors
    /// It cannot be read or zipped.
    pub fn from_binary(binary: &Path) -> Result<Self, ArtifactError> {
        Self::from_bytes(&std::fs::read(binary).map_err(ArtifactError::Read)?)
    }

    /// Zips a binary, or a script that starts with `#!`, given as its bytes.
    ///
    /// # Errors
    /// It cannot be zipped.
    pub fn from_bytes(binary: &[u8]) -> Result<Self, ArtifactError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o755);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", options)
            .map_err(ArtifactError::Zip)?;
        zip.write_all(binary)
            .map_err(|error| ArtifactError::Zip(error.into()))?;
        let zip = zip.finish().map_err(ArtifactError::Zip)?;
        Ok(Self(zip.into_inner().into()))
    }

    /// The zip's bytes.
    #[must_use]
    pub fn zip(&self) -> &[u8] {
        &self.0
    }

    /// Puts the zip under `key` into `bucket`, and makes the bucket in
    /// `account` if there is none.
    ///
    /// # Errors
    /// The engine does not take it, for example because the bucket is
    /// another account's.
    pub async fn put(
        &self,
        account: &Account,
        bucket: &str,
        key: &str,
    ) -> Result<(), ArtifactError> {
        let storage = account.storage();
        let path = format!("/{bucket}");
        if let Err(error) = storage.put(&path, place_of(account)).await
            && error.code() != Some("BucketAlreadyOwnedByYou")
        {
            return Err(ArtifactError::Upload(error));
        }
        let put = storage.put(&format!("{path}/{key}"), self.0.clone()).await;
        put.map_err(ArtifactError::Upload)
    }
}

/// What S3 wants to be told of a new bucket: its region, but for the first one.
fn place_of(account: &Account) -> Bytes {
    let region = account.region();
    if region == "us-east-1" {
        return Bytes::new();
    }
    let place = format!("<LocationConstraint>{region}</LocationConstraint>");
    format!("<CreateBucketConfiguration>{place}</CreateBucketConfiguration>").into()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::Artifact;

    #[test]
    fn zips_one_executable_file_into_the_same_bytes_each_time() {
        let one = Artifact::from_bytes(b"#!/bin/sh\n").unwrap();
        let other = Artifact::from_bytes(b"#!/bin/sh\n").unwrap();
        assert_eq!(one.zip(), other.zip());
        let mut zip = zip::ZipArchive::new(Cursor::new(one.zip())).unwrap();
        assert_eq!(zip.len(), 1);
        let mut file = zip.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "#!/bin/sh\n");
    }
}
