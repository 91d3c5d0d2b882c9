//! The function's variables for local use, as the tools read them.

use std::path::Path;
use std::{fs, io};

use serde_json::{Map, json};

/// The function's logical id in the template.
pub(super) const FUNCTION: &str = "RegistrarFunction";

/// For `sam --env-vars`, beside the events.
pub(super) const FOR_SAM: &str = "env.json";

/// For `cargo lambda watch --env-file`.
pub(super) const FOR_CARGO_LAMBDA: &str = "local.env";

/// Writes both files into a folder.
pub(super) fn write(folder: &Path, variables: &[(String, String)]) -> io::Result<()> {
    let map: Map<_, _> = variables
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let for_sam = format!("{:#}\n", json!({FUNCTION: map}));
    fs::write(folder.join(FOR_SAM), for_sam)?;
    let lines: String = local(variables)
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    fs::write(folder.join(FOR_CARGO_LAMBDA), lines)
}

/// The same for who does not set what SAM sets by itself.
pub(super) fn local(variables: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let given = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    given.chain([("AWS_SAM_LOCAL", "true")])
}
