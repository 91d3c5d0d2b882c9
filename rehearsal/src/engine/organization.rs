//! The one organization that the engine models.

use std::fs;
use std::io;

use serde_json::json;

use super::{Account, Engine};

/// The launcher reads the organization from this file of its folder.
const ORGANIZATION: &str = "organization.json";

impl Engine {
    /// From now on these accounts are the organization of this id, and no others.
    /// What its principals do bears the id as `aws:PrincipalOrgID`.
    ///
    /// # Errors
    /// The engine's folder cannot be written.
    pub fn organize<'a>(
        &self,
        id: &str,
        accounts: impl IntoIterator<Item = &'a Account>,
    ) -> io::Result<()> {
        let accounts: Vec<&str> = accounts
            .into_iter()
            .map(|account| account.id().as_str())
            .collect();
        let organization = json!({"Id": id, "Accounts": accounts});
        // Renamed, so that nobody reads half of it.
        let (new, place) = (
            self.folder().join("organization.new"),
            self.folder().join(ORGANIZATION),
        );
        fs::write(&new, organization.to_string())?;
        fs::rename(new, place)
    }
}
