//! Who is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::BenchError;

/// One of those that do the same work.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// As `--without` takes it.
    pub(crate) name: &'static str,
    /// What it is, for the table.
    pub(crate) what: &'static str,
    /// Whether it registers anything.
    pub(crate) works: bool,
    folder: PathBuf,
    command: Vec<OsString>,
}

/// The product's name among the peers.
pub(crate) const THIS: &str = "this";
/// The floor's.
pub(crate) const EMPTY: &str = "empty";

impl Peer {
    /// All that `bench/run` put under `folder`, the product first.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let binary = |name| vec![folder.join(name).join("bootstrap").into_os_string()];
        let python = |name: &str| {
            let python = folder.join(name).join("venv/bin/python");
            let arguments = ["-m", "awslambdaric", "index.handler"].map(OsString::from);
            [vec![python.into_os_string()], arguments.to_vec()].concat()
        };
        let node = ["node", "node_modules/aws-lambda-ric/bin/index.mjs"].map(OsString::from);
        let node = [node.to_vec(), vec!["__entrypoint__.handler".into()]].concat();
        [
            (THIS, "this Lambda", true, binary(THIS)),
            (
                EMPTY,
                "`lambda_runtime` and a handler that returns",
                false,
                binary(EMPTY),
            ),
            ("naive", "Rust, a first draft", true, binary("naive")),
            (
                "cfn-response",
                "Python, `boto3` and `urllib`",
                true,
                python("cfn-response"),
            ),
            (
                "crhelper",
                "Python, `crhelper`, `boto3`, `urllib3`",
                true,
                python("crhelper"),
            ),
            ("cdk", "Node, the CDK's entry point", true, node),
        ]
        .into_iter()
        .map(|(name, what, works, command)| Self {
            name,
            what,
            works,
            folder: folder.join(name),
            command,
        })
        .collect()
    }

    /// Where its code is, which is where it runs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What starts it.
    pub(crate) fn command(&self) -> &[OsString] {
        &self.command
    }

    /// The bytes of what is deployed of it.
    ///
    /// # Errors
    /// `bench/run` made no zip.
    pub(crate) fn zip_bytes(&self) -> Result<u64, BenchError> {
        let zip = self.folder.join("deployed.zip");
        let zip = std::fs::metadata(&zip).map_err(BenchError::file(&zip))?;
        Ok(zip.len())
    }
}
